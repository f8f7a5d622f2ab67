"""The rows a day starts from, as one piece of bytes: what a replay needs to see what the recorded run saw.

It holds the rows of the day, every row that is not final whatever its day, what those belong to, and the newest row
of each numbered table, so that numbering goes on where it did. Older closed positions are carried as one sum.

Source: REQUIREMENTS 21.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from peewee import fn

from scalper.domain.orders import FINAL_STATUSES, POSSIBLY_ALIVE, Fill, Order
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.signals import (
    LIVE_INTENT_STATUSES,
    Delivery,
    DeliveryStatus,
    ExitIntent,
    ExitSignal,
    Signal,
    SignalStatus,
    TradeIntent,
)
from scalper.errors import StoreError
from scalper.store.database import Store
from scalper.store.intents import IntentRepository, intents_where
from scalper.store.orders import OrderRepository, insert_fill
from scalper.store.positions import PositionRepository
from scalper.store.records import Account, CarriedResult, CircuitTrip, Day, Setting, StartingBalance
from scalper.store.rows import Rows
from scalper.store.schema import STEPS
from scalper.store.spans import start_us, within_day
from scalper.store.tables import (
    ACCOUNTS,
    ALL_TABLES,
    CARRIED_RESULTS,
    CIRCUIT_EVENTS,
    DAILY_BALANCES,
    DAYS,
    EXIT_INTENTS,
    EXIT_SIGNALS,
    ORDERS,
    POSITIONS,
    SETTINGS,
    SIGNAL_DELIVERIES,
    SIGNALS,
    TRADE_INTENTS,
)

_LIVE = sorted(status.value for status in LIVE_INTENT_STATUSES)
_OPEN = (PositionStatus.PENDING.value, PositionStatus.ACTIVE.value)
_ALIVE = sorted(state.value for state in POSSIBLY_ALIVE)
_FINAL = sorted(status.value for status in FINAL_STATUSES)


class DayRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one dump, each kind in the order of its table; every reference between them holds."""

    schema_version: int
    day: date
    accounts: tuple[Account, ...]
    settings: tuple[Setting, ...]
    days: tuple[Day, ...]
    balances: tuple[StartingBalance, ...]
    trips: tuple[CircuitTrip, ...]
    carried: tuple[CarriedResult, ...]
    signals: tuple[Signal, ...]
    deliveries: tuple[Delivery, ...]
    trade_intents: tuple[TradeIntent, ...]
    positions: tuple[Position, ...]
    exit_signals: tuple[ExitSignal, ...]
    exit_intents: tuple[ExitIntent, ...]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]


def dump_day(store: Store, day: date) -> bytes:
    """What the actors may read when they start on a day, as JSON; taken before they start, while nobody writes.

    Equal rows give equal bytes. Questions about days before `day` alone (its own older signals, the wallet at an
    earlier date) are not answered by a dump.
    """
    positions = _positions_of(day)
    exit_signals = _exit_signals_of(day, positions)
    signals = _signals_of(day)
    orders = store.find(ORDERS, _orders_of(day, positions))
    rows = DayRows(
        schema_version=STEPS[-1].number,
        day=day,
        accounts=store.find(ACCOUNTS),
        settings=store.find(SETTINGS),
        days=store.find(DAYS, DAYS.table.day == day.isoformat()),
        balances=store.find(DAILY_BALANCES),
        trips=store.find(CIRCUIT_EVENTS),
        carried=_carried(store, day, positions),
        signals=store.find(SIGNALS, signals),
        deliveries=store.find(SIGNAL_DELIVERIES, SIGNAL_DELIVERIES.table.signal_id.in_(_ids(SIGNALS, signals))),
        trade_intents=intents_where(store, _trade_intents_of(day, positions)),
        positions=store.find(POSITIONS, positions),
        exit_signals=store.find(EXIT_SIGNALS, exit_signals),
        exit_intents=store.find(EXIT_INTENTS, EXIT_INTENTS.table.exit_signal_id.in_(_ids(EXIT_SIGNALS, exit_signals))),
        orders=orders,
        fills=OrderRepository(store).fills_of([order.id for order in orders]),
    )
    return msgspec.json.encode(rows)


def load_dump(store: Store, dump: bytes) -> None:
    """Put the rows of a dump into an empty database, all or none.

    Raises:
        StoreError: The bytes are no dump, or of another schema, or the database is not empty.
    """
    rows = _decoded(dump)
    filled = [table.name for table in ALL_TABLES if store.rows(table.select(None).limit(1))]
    if filled:
        raise StoreError(f"a dump is loaded into an empty database; {store.name} has rows in {', '.join(filled)}")
    plain: tuple[tuple[Rows[Any], tuple[Any, ...]], ...] = (
        (ACCOUNTS, rows.accounts),
        (SETTINGS, rows.settings),
        (DAYS, rows.days),
        (DAILY_BALANCES, rows.balances),
        (CIRCUIT_EVENTS, rows.trips),
        (CARRIED_RESULTS, rows.carried),
        (SIGNALS, rows.signals),
        (SIGNAL_DELIVERIES, rows.deliveries),
        (EXIT_SIGNALS, rows.exit_signals),
        (EXIT_INTENTS, rows.exit_intents),
        (ORDERS, rows.orders),
    )
    with store.unit() as unit:
        for table, values in plain:
            store.write_all(table.insert(value) for value in values)
        for intent in rows.trade_intents:
            IntentRepository(store).insert(intent)
        for position in rows.positions:
            PositionRepository(store).insert(position)
        for fill in rows.fills:
            insert_fill(store, fill)
        unit.commit()


def _decoded(dump: bytes) -> DayRows:
    try:
        rows = msgspec.json.decode(dump, type=DayRows)
    except msgspec.DecodeError as error:
        raise StoreError(f"the rows the day started from cannot be read: {error}") from error
    if rows.schema_version != STEPS[-1].number:
        raise StoreError(
            f"the rows the day started from have schema version {rows.schema_version}, "
            f"this program reads {STEPS[-1].number}: use the program that wrote them"
        )
    return rows


def _positions_of(day: date) -> Any:
    table = POSITIONS.table
    is_of_day = within_day(table.created_at, day) | within_day(table.exited_at, day)
    return is_of_day | table.status.in_(_OPEN) | _newest(POSITIONS)


def _trade_intents_of(day: date, positions: Any) -> Any:
    table = TRADE_INTENTS.table
    of_positions = POSITIONS.table.select(POSITIONS.table.trade_intent_id).where(positions)
    return (
        within_day(table.created_at, day)
        | table.status.in_(_LIVE)
        | table.id.in_(of_positions)
        | _newest(TRADE_INTENTS)
    )


def _signals_of(day: date) -> Any:
    """Signals, and thereby the deliveries: a delivery is dumped with its signal, and only so."""
    table, deliveries = SIGNALS.table, SIGNAL_DELIVERIES.table
    is_needed = (deliveries.status == DeliveryStatus.CREATED.value) | _newest(SIGNAL_DELIVERIES)
    with_delivery = deliveries.select(deliveries.signal_id).where(is_needed)
    is_of_day = (table.day == day.isoformat()) | (table.status == SignalStatus.DETECTED.value)
    return is_of_day | table.id.in_(with_delivery) | _newest(SIGNALS)


def _exit_signals_of(day: date, positions: Any) -> Any:
    """Exit signals, and thereby the exit intents: an intent is dumped with its signal, and only so."""
    table, intents = EXIT_SIGNALS.table, EXIT_INTENTS.table
    is_needed = within_day(intents.created_at, day) | intents.status.in_(_LIVE) | _newest(EXIT_INTENTS)
    with_intent = intents.select(intents.exit_signal_id).where(is_needed)
    is_of_position = table.position_id.in_(_ids(POSITIONS, positions))
    return within_day(table.detected_at, day) | is_of_position | table.id.in_(with_intent) | _newest(EXIT_SIGNALS)


def _orders_of(day: date, positions: Any) -> Any:
    table = ORDERS.table
    is_alive = table.send_state.in_(_ALIVE) & table.broker_status.not_in(_FINAL)
    return (table.day == day.isoformat()) | table.position_id.in_(_ids(POSITIONS, positions)) | is_alive


def _carried(store: Store, day: date, positions: Any) -> tuple[CarriedResult, ...]:
    """By account, the result of the closed positions that are not dumped, and of those that were carried before."""
    table = POSITIONS.table
    is_left_out = (table.status == PositionStatus.EXITED.value) & (table.exited_at < start_us(day))
    sums = table.select(table.account_id, fn.SUM(table.last_pnl_paise).alias("net")).group_by(table.account_id)
    left_out = sums.where(is_left_out & table.id.not_in(_ids(POSITIONS, positions)))
    results = {row["account_id"]: int(row["net"]) for row in store.rows(left_out)}
    for earlier in store.find(CARRIED_RESULTS):
        results[earlier.account_id] = results.get(earlier.account_id, 0) + earlier.net_paise
    return tuple(
        CarriedResult(account_id=account_id, before_day=day, net_paise=net)
        for account_id, net in sorted(results.items())
    )


def _ids(rows: Rows[Any], condition: Any) -> Any:
    return rows.table.select(rows.table.id).where(condition)


def _newest(rows: Rows[Any]) -> Any:
    return rows.table.id == rows.table.select(fn.MAX(rows.table.id))
