"""What we know of sending an order, and what its final states are."""

from __future__ import annotations

import itertools
from datetime import date, datetime

import msgspec
import pytest

from scalper.domain.orders import (
    POSSIBLY_ALIVE,
    BrokerStatus,
    Order,
    OrderPurpose,
    OrderSide,
    OrderType,
    SendState,
    next_send_state,
    order_id_of,
)
from scalper.domain.times import IST
from scalper.errors import TransitionError

DAY = date(2026, 1, 13)
ANSWERS = {"ACCEPTED", "REJECTED", "NOT_PLACED"}
STEPS = {("NEW", wanted) for wanted in ANSWERS | {"SENT", "UNKNOWN"}}
STEPS |= {("SENT", wanted) for wanted in ANSWERS | {"UNKNOWN"}}
STEPS |= {("UNKNOWN", wanted) for wanted in ANSWERS}


def an_order(**fields: object) -> Order:
    order = Order(
        id=order_id_of("paper", DAY, "manual_exit-1"),
        account_id="paper",
        day=DAY,
        correlation_id="manual_exit-1",
        purpose=OrderPurpose.EXIT,
        position_id=1,
        intent_id=1,
        instrument_key="NSE_FNO:50074",
        side=OrderSide.SELL,
        quantity=75,
        order_type=OrderType.MARKET,
        limit_price_paise=0,
        tag="manual_exit",
        created_at=datetime(2026, 1, 13, 11, 0, tzinfo=IST),
    )
    return msgspec.structs.replace(order, **fields)


@pytest.mark.parametrize(("current", "wanted"), list(itertools.permutations(SendState, 2)))
def test_order_takes_only_the_steps_of_its_table(current, wanted):
    if (current, wanted) in STEPS:
        assert next_send_state(current, wanted) is wanted
    else:
        with pytest.raises(TransitionError, match=f"from {current} to {wanted}"):
            next_send_state(current, wanted)


@pytest.mark.parametrize("state", list(SendState))
def test_same_send_state_again_is_harmless(state):
    assert next_send_state(state, state) is state


def test_order_may_be_alive_unless_it_is_known_not_to_be_placed():
    assert set(SendState) - POSSIBLY_ALIVE == {SendState.REJECTED, SendState.NOT_PLACED}


@pytest.mark.parametrize(
    ("fields", "is_final"),
    [
        ({}, False),
        ({"send_state": SendState.UNKNOWN}, False),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.TRANSIT}, False),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.PENDING}, False),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.PART_TRADED}, False),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.TRADED}, True),
        ({"send_state": SendState.UNKNOWN, "broker_status": BrokerStatus.TRADED}, True),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.CANCELLED}, True),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.REJECTED}, True),
        ({"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.EXPIRED}, True),
        ({"send_state": SendState.REJECTED}, True),
        ({"send_state": SendState.NOT_PLACED}, True),
    ],
)
def test_order_is_final_when_nothing_more_can_be_filled(fields, is_final):
    assert an_order(**fields).is_final is is_final


def test_order_id_is_unique_per_account_day_and_correlation_id():
    assert order_id_of("paper", DAY, "manual_exit-1") == "paper/2026-01-13/manual_exit-1"


def test_order_survives_encoding_unchanged():
    order = an_order(filled_quantity=75, sent_at=datetime(2026, 1, 13, 11, 0, 1, tzinfo=IST))

    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
