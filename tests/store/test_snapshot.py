"""The rows a day starts from, dumped and loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scalper.domain.orders import BrokerStatus, OrderPurpose, OrderSide, SendState
from scalper.domain.positions import PositionStatus
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import DeliveryStatus, IntentStatus, SignalStatus
from scalper.errors import StoreError
from scalper.store.database import Store
from scalper.store.days import DayRepository
from scalper.store.intents import IntentRepository
from scalper.store.orders import OrderRepository, insert_orders
from scalper.store.positions import PositionRepository
from scalper.store.records import Account, CircuitTrip, Day, Setting, StartingBalance
from scalper.store.risk import RiskRepository
from scalper.store.signals import SignalRepository
from scalper.store.snapshot import dump_day, load_dump
from tests.builders import ACCOUNT, DAY, ELEVEN, a_delivery, a_position, an_exit_order, an_order, later
from tests.store.ground import (
    a_fill,
    a_signal,
    a_trade_intent,
    an_exit_intent,
    an_exit_signal,
    an_exited_position,
    row_count,
    totals_of,
)

YESTERDAY = DAY - timedelta(days=1)
BACK = timedelta(days=1)
FINAL = {"send_state": SendState.ACCEPTED, "broker_status": BrokerStatus.TRADED}


@pytest.fixture
def fresh() -> Iterator[Store]:
    """An empty database to load into."""
    store = Store.open("sqlite://")
    yield store
    store.close()


def fill_days(store: Store) -> None:
    """Two days: yesterday some things ended and some did not, today goes on."""
    with store.unit() as unit:
        _fill_the_books(store)
        _fill_yesterday(store)
        _fill_today(store)
        unit.commit()


def _fill_the_books(store: Store) -> None:
    days, risk = DayRepository(store), RiskRepository(store)
    days.put_account(Account(id=ACCOUNT, broker="box", mode="paper", is_enabled=True, created_at=ELEVEN))
    days.put_setting(Setting(key="armed", value="no"))
    for back in (BACK, timedelta()):
        days.open_day(
            Day(
                day=DAY - back,
                market="builtin",
                market_name="builtin",
                seed=7,
                mode="paper",
                config_hash="abc",
                opened_at=ELEVEN - back,
                last_at=ELEVEN - back,
            )
        )
        risk.keep_starting_balance(
            StartingBalance(
                account_id=ACCOUNT,
                day=DAY - back,
                starting_balance_paise=100_000_00,
                is_estimated=bool(back),
                captured_at=ELEVEN - back,
            )
        )
    risk.trip(CircuitTrip(account_id=ACCOUNT, day=YESTERDAY, reason="circuit", at=ELEVEN, loss_bps=600, limits="{}"))


def _fill_yesterday(store: Store) -> None:
    """Position 1 is still held, 2 and 3 were left; intent 4 and its delivery hang in the air."""
    signals, intents, positions = SignalRepository(store), IntentRepository(store), PositionRepository(store)
    at = ELEVEN - BACK
    published = {"status": SignalStatus.PUBLISHED, "published_at": at, "day": YESTERDAY, "created_at": at}
    for number in (1, 2, 3, 4):
        signals.insert_signal(a_signal(number, candle_at=later(number, at), **published))
    status = DeliveryStatus.CONSUMED
    signals.insert_deliveries(
        [
            *(a_delivery(number, signal_id=number, status=status, consumed_at=at) for number in (1, 2, 3)),
            a_delivery(4, signal_id=4),
        ]
    )
    for number in (1, 2, 3):
        intents.insert(a_trade_intent(number, status=IntentStatus.FILLED, created_at=at, updated_at=at))
    intents.insert(a_trade_intent(4, created_at=at, updated_at=at))
    positions.insert(a_position(1, created_at=at))
    for number, net_paise in ((2, 500_00), (3, -120_00)):
        positions.insert(an_exited_position(number, net_paise, at))
    for number, outcome in ((1, IntentStatus.FAILED), (2, IntentStatus.FILLED)):
        signals.insert_exit(
            an_exit_signal(number, position_id=number, detected_at=at),
            an_exit_intent(number, position_id=number, status=outcome, created_at=at, updated_at=at),
            (),
        )
    entry = an_order("entry-1", id="y/1", day=YESTERDAY, created_at=at, **FINAL)
    over = an_exit_order("x-2", id="y/2", day=YESTERDAY, position_id=2, created_at=at, **FINAL)
    unknown = an_exit_order("x-3", id="y/3", day=YESTERDAY, position_id=3, send_state=SendState.UNKNOWN)
    insert_orders(store, [entry, over, unknown])
    for order in (entry, over):
        fill = a_fill(f"trade of {order.id}", order, position_id=order.position_id)
        OrderRepository(store).add_fill(fill, totals_of(order, 65, 6_500_00))


def _fill_today(store: Store) -> None:
    signals, intents, positions = SignalRepository(store), IntentRepository(store), PositionRepository(store)
    signals.insert_signal(a_signal(5))
    signals.insert_deliveries([a_delivery(5, signal_id=5)])
    intents.insert(a_trade_intent(5, status=IntentStatus.REJECTED, reason="spread_too_wide"))
    positions.insert(an_exited_position(6, 77_00, ELEVEN))
    positions.insert(a_position(7, status=PositionStatus.PENDING, trail=None, orders=(), opened_at=None))
    signals.insert_exit(
        an_exit_signal(8, position_id=6), an_exit_intent(8, position_id=6, status=IntentStatus.FILLED), ()
    )
    insert_orders(store, [an_order("entry-5", position_id=7), an_exit_order("x-6", position_id=6, **FINAL)])


def answers(store: Store) -> dict[str, Any]:
    """What every reading method says about the day."""
    positions, signals, intents = PositionRepository(store), SignalRepository(store), IntentRepository(store)
    orders, risk, days = OrderRepository(store), RiskRepository(store), DayRepository(store)
    of_day = orders.of_day(ACCOUNT, DAY)
    held = [order for position in positions.open_positions() for order in orders.of_position(position.id)]
    order_ids = [order.id for order in (*of_day, *held)]
    return {
        "open positions": positions.open_positions(),
        "positions of the day": positions.of_day(DAY),
        "position": [positions.get(number) for number in (1, 6, 7)],
        "position numbering": positions.max_id(),
        "wallet": positions.all_closed_net_paise(ACCOUNT, DAY),
        "unpublished": signals.unpublished(),
        "signals of the day": signals.signals_of_day(DAY),
        "signal": [signals.signal(number) for number in (4, 5)],
        "unconsumed": signals.unconsumed(),
        "deliveries": [signals.deliveries_of(number) for number in (4, 5)],
        "latest exit": [signals.latest_exit(number, ExitReason.STOP_LOSS) for number in (1, 6, 7)],
        "any live exit": [signals.any_live_exit(number) for number in (1, 6, 7)],
        "live exits": signals.live_exit_intents(),
        "exit signals of the day": signals.exit_signals_of_day(DAY),
        "exit intents of the day": signals.exit_intents_of_day(DAY),
        "exit intent": signals.exit_intent(8),
        "signal numbering": signals.max_ids(),
        "intent numbers": signals.max_intent_number(ACCOUNT, DAY),
        "approved": intents.approved_unplaced(),
        "placed": intents.placed(),
        "intents of the day": intents.of_day(DAY),
        "intent": [intents.get(number) for number in (1, 4, 5)],
        "intents of a delivery": intents.by_delivery(5),
        "intent numbering": intents.max_id(),
        "orders of the day": of_day,
        "orders of what is held": held,
        "order by broker id": orders.by_broker_id(ACCOUNT, ""),
        "possibly alive": orders.possibly_alive(ACCOUNT),
        "fills": orders.fills_of(order_ids),
        "charges": orders.charges_of(order_ids),
        "balances": [risk.starting_balance(ACCOUNT, day) for day in (YESTERDAY, DAY)],
        "trips": [risk.last_trip(ACCOUNT), risk.trips_of_day(ACCOUNT, YESTERDAY)],
        "day": days.get(DAY),
        "resume": days.last_at(DAY),
        "accounts": days.accounts(),
        "setting": days.setting("armed"),
    }


def test_a_loaded_dump_answers_as_the_database_did(store: Store, fresh: Store) -> None:
    fill_days(store)
    before = answers(store)

    load_dump(fresh, dump_day(store, DAY))

    assert answers(fresh) == before


def test_a_dump_leaves_out_what_is_over(store: Store, fresh: Store) -> None:
    fill_days(store)

    load_dump(fresh, dump_day(store, DAY))

    assert PositionRepository(fresh).get(2) is None
    assert SignalRepository(fresh).signal(1) is None
    assert OrderRepository(fresh).order("y/2") is None
    assert (row_count(fresh, "days"), row_count(fresh, "carried_results")) == (1, 1)


def test_a_dump_of_a_loaded_dump_is_the_same(store: Store, fresh: Store) -> None:
    fill_days(store)
    dump = dump_day(store, DAY)

    load_dump(fresh, dump)

    assert dump_day(fresh, DAY) == dump


def test_an_empty_database_has_an_empty_dump(store: Store, fresh: Store) -> None:
    before = answers(store)

    load_dump(fresh, dump_day(store, DAY))

    assert answers(fresh) == before


def test_a_dump_is_loaded_into_an_empty_database_only(memory: Store, fresh: Store) -> None:
    fill_days(memory)

    with pytest.raises(StoreError, match="has rows in accounts, settings, days"):
        load_dump(memory, dump_day(memory, DAY))


def test_numbering_goes_on_though_the_newest_rows_are_over(memory: Store, fresh: Store) -> None:
    with memory.unit() as unit:
        _fill_yesterday(memory)
        unit.commit()
    long_after = DAY + timedelta(days=30)

    load_dump(fresh, dump_day(memory, long_after))

    assert SignalRepository(fresh).max_ids() == SignalRepository(memory).max_ids()
    assert IntentRepository(fresh).max_id() == 4
    assert PositionRepository(fresh).max_id() == 3
    assert PositionRepository(fresh).all_closed_net_paise(ACCOUNT, long_after) == 380_00


@pytest.mark.parametrize(
    ("dump", "words"),
    [(b"{}", "cannot be read"), (b"no json", "cannot be read"), (b"", "cannot be read")],
    ids=["empty object", "text", "nothing"],
)
def test_bytes_that_are_no_dump_are_refused(fresh: Store, dump: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        load_dump(fresh, dump)


def test_a_dump_of_another_schema_is_refused(memory: Store, fresh: Store) -> None:
    dump = msgspec.json.decode(dump_day(memory, DAY))
    dump["schema_version"] = 99

    with pytest.raises(StoreError, match="schema version 99"):
        load_dump(fresh, msgspec.json.encode(dump))


def test_a_dump_that_contradicts_itself_leaves_nothing(memory: Store, fresh: Store) -> None:
    fill_days(memory)
    dump = msgspec.json.decode(dump_day(memory, DAY))
    dump["signals"] = []

    with pytest.raises(StoreError, match="refused a row"):
        load_dump(fresh, msgspec.json.encode(dump))

    assert row_count(fresh, "accounts") == 0


def test_orders_of_a_dump_keep_side_and_purpose(memory: Store, fresh: Store) -> None:
    fill_days(memory)
    load_dump(fresh, dump_day(memory, DAY))

    (order,) = OrderRepository(fresh).of_position(6)

    assert (order.side, order.purpose) == (OrderSide.SELL, OrderPurpose.EXIT)
