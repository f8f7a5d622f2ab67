"""What we hold, what it cost, and which steps it may take."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.instruments import OptionType
from scalper.domain.orders import OrderSide
from scalper.domain.positions import (
    OrderTotals,
    Position,
    PositionSide,
    PositionStatus,
    next_status,
    side_of,
    with_order_totals,
)
from scalper.domain.units import paise_from_rupees
from scalper.errors import TransitionError
from tests import builders
from tests.shared_files import golden_cases

STEPS = {("PENDING", "ACTIVE"), ("PENDING", "CANCELLED"), ("ACTIVE", "EXITED")}
EVENTS = {
    "buy_filled": PositionStatus.ACTIVE,
    "sell_filled": PositionStatus.EXITED,
    "rejected": PositionStatus.CANCELLED,
    "cancelled": PositionStatus.CANCELLED,
}


def a_position(*orders: OrderTotals) -> Position:
    """A lot of 75 units is ordered; what is bought of it, `orders` tell."""
    position = builders.a_position(
        quantity=75,
        instrument=builders.an_instrument(lot_size=75),
        orders=(),
        entry_price_paise=0,
        target_paise=0,
        trail=None,
        opened_at=None,
    )
    for totals in orders:
        position = with_order_totals(position, totals)
    return position


def some_totals(
    side: OrderSide, quantity: int, price_paise: int, *, order_id: str = "", charges_paise: int = 0
) -> OrderTotals:
    return OrderTotals(
        order_id=order_id or side,
        side=side,
        quantity=1_000,
        filled_quantity=quantity,
        filled_value_paise=quantity * price_paise,
        charges_paise=charges_paise,
        is_final=False,
    )


@pytest.mark.parametrize(("current", "wanted"), list(itertools.permutations(PositionStatus, 2)))
def test_position_takes_only_the_steps_of_its_table(current, wanted):
    if (current, wanted) in STEPS:
        assert next_status(current, wanted) is wanted
    else:
        with pytest.raises(TransitionError, match=f"from {current} to {wanted}"):
            next_status(current, wanted)


@pytest.mark.parametrize("status", list(PositionStatus))
def test_same_status_again_is_harmless(status):
    assert next_status(status, status) is status


def test_bought_call_is_long_ce_and_bought_put_long_pe():
    assert [side_of(each) for each in OptionType] == [PositionSide.LONG_CE, PositionSide.LONG_PE]


def test_entry_price_is_the_average_fill_rounded_half_away():
    position = a_position(
        some_totals(OrderSide.BUY, 1, 100_00, order_id="a"), some_totals(OrderSide.BUY, 1, 100_05, order_id="b")
    )

    assert (position.entry_price_paise, position.quantity) == (100_03, 2)


def test_position_without_a_fill_has_no_entry_price():
    assert a_position(some_totals(OrderSide.BUY, 0, 100_00)).entry_price_paise == 0


def test_repeated_report_of_an_order_changes_nothing():
    totals = some_totals(OrderSide.BUY, 75, 100_00)

    assert a_position(totals, totals) == a_position(totals)


def test_report_that_comes_late_takes_nothing_back():
    position = a_position(some_totals(OrderSide.BUY, 75, 100_00), some_totals(OrderSide.BUY, 30, 99_00))

    assert (position.quantity, position.entry_price_paise) == (75, 100_00)


def test_sale_changes_the_quantity_and_not_the_entry_price():
    position = a_position(some_totals(OrderSide.BUY, 75, 100_00), some_totals(OrderSide.SELL, 25, 110_00))

    assert (position.quantity, position.entry_price_paise) == (50, 100_00)
    assert position.gross_paise == 25 * 10_00


def test_net_result_is_what_was_sold_less_what_was_bought_and_charged():
    position = a_position(
        some_totals(OrderSide.BUY, 75, 100_00, charges_paise=30_00),
        some_totals(OrderSide.SELL, 75, 110_50, charges_paise=35_00),
    )

    assert (position.quantity, position.gross_paise, position.charges_paise) == (0, 787_50, 65_00)
    assert position.net_paise == 722_50


@given(st.permutations([10, 20, 45, 75]))
def test_reports_of_one_order_may_come_in_any_order(filled):
    position = a_position(*(some_totals(OrderSide.BUY, quantity, 100_00) for quantity in filled))

    assert position == a_position(some_totals(OrderSide.BUY, 75, 100_00))


@pytest.mark.parametrize(
    ("status", "is_open"),
    [
        (PositionStatus.PENDING, True),
        (PositionStatus.ACTIVE, True),
        (PositionStatus.EXITED, False),
        (PositionStatus.CANCELLED, False),
    ],
)
def test_position_is_open_until_it_is_final(status, is_open):
    assert msgspec.structs.replace(a_position(), status=status).is_open is is_open


def test_position_survives_encoding_unchanged():
    position = a_position(some_totals(OrderSide.BUY, 75, 100_00))

    assert msgspec.json.decode(msgspec.json.encode(position), type=Position) == position


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("positions.tracker_state"))
def test_golden_tracker_state(case):
    current = PositionStatus(case["input"]["from"].upper())
    wanted, expected = EVENTS[case["input"]["event"]], PositionStatus(case["expected"]["to"].upper())

    if expected is wanted:
        assert next_status(current, wanted) is expected
    else:
        # The table refuses the late message, so the row stays what it was.
        assert expected is current
        with pytest.raises(TransitionError):
            next_status(current, wanted)


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("positions.tracker_fill"))
def test_golden_tracker_fill(case):
    fill_paise = paise_from_rupees(case["input"]["fill_avg"])

    position = a_position(some_totals(OrderSide.BUY, 75, fill_paise))

    assert position.entry_price_paise == paise_from_rupees(case["expected"]["entry_price"])


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("positions.averaging"))
def test_golden_averaging(case):
    given_ = case["input"]

    position = a_position(
        some_totals(OrderSide.BUY, given_["quantity"], paise_from_rupees(given_["entry_price"]), order_id="first"),
        some_totals(OrderSide.BUY, given_["fill_quantity"], paise_from_rupees(given_["fill_price"]), order_id="second"),
    )

    assert position.entry_price_paise == paise_from_rupees(case["expected"]["entry_price"])
    assert position.quantity == case["expected"]["quantity"]
