"""What must hold of every finished day, told from the rows and the log of its home alone.

Each check gives the faults it found, one line each; a sound home gives none. Results and charges are computed anew from
the fills, not by the code that booked them.

Source: REQUIREMENTS 2, 13.1, 13.2, 14.5, 15.2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from scalper.config import from_json
from scalper.domain.calendar import SessionTimes
from scalper.domain.charges import charges_of_order, exchange_of
from scalper.domain.orders import BrokerStatus, Fill, Order, OrderPurpose, OrderSide
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.signals import ExitIntent, IntentStatus, TradeIntent
from scalper.domain.times import ist
from scalper.home import database_url
from scalper.inspect.reading import Reading
from scalper.inspect.signals import why_signals
from scalper.journal import RunHeader, read_header, run_files
from scalper.reference import shipped_charges
from scalper.store.database import Store
from scalper.store.days import DayRepository
from scalper.store.intents import IntentRepository
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from scalper.store.records import Day
from scalper.store.signals import SignalRepository
from tests.system.harness import log_folder

#: The latest moment at which anything may still be held on an ordinary day, and the window of decisions to buy.
TIME_EXIT, ENTRIES_FROM, NO_NEW_ENTRIES = time(15, 20), time(9, 20), time(15, 0)
#: An entry that was sent in time may rest for so long (REQUIREMENTS 12.7).
ENTRY_RESTS_MAX = timedelta(seconds=60)
#: Tags of REQUIREMENTS 13.1 under the shipped configuration.
_TAGS = frozenset(
    {
        "stop_loss_30pct",
        "take_profit_60pct",
        "trailing_stop_3pct",
        "circuit_breaker_6pct",
        "trailing_tier",
        "peak_drawdown_exit",
    }
)
_CORRELATION = re.compile(r"[A-Za-z0-9_-]{1,25}")
_ENTRY_TAG = re.compile(r"entry_(NIFTY|BANKNIFTY|SENSEX)_(CE|PE)_[0-9]+(_[0-9]{1,2})?")


class FinishedDay(msgspec.Struct, frozen=True):
    """Everything the rows hold of one day.

    Attributes:
        positions: Those that bought something; of the others only whether they are open is checked.
        orders: By id.
        fills: By order id.
        funnel: From candles to entries, from the message log.
    """

    day: Day
    session: SessionTimes
    positions: tuple[Position, ...]
    unfilled: tuple[Position, ...]
    orders: Mapping[str, Order]
    fills: Mapping[str, tuple[Fill, ...]]
    intents: tuple[TradeIntent, ...]
    exit_intents: tuple[ExitIntent, ...]
    funnel: Mapping[str, Any]


def finished_day(home: Path, database: str | None = None) -> FinishedDay:
    """The one day of a home, read with the configuration it was run with.

    Args:
        home: The folder.
        database: URL where the rows are elsewhere; the log does not say, since it may hold a password.
    """
    header = _first_header(home)
    config = from_json(bytes(header.config))
    store = Store.open(database or database_url(config, home))
    try:
        return _read(Reading(config, home, store), header)
    finally:
        store.close()


def _first_header(home: Path) -> RunHeader:
    return read_header(run_files(log_folder(home))[0])


def _read(reading: Reading, header: RunHeader) -> FinishedDay:
    store, day = reading.store, header.day
    rows = PositionRepository(store).of_day(day)
    repository = OrderRepository(store)
    orders = {one.id: one for account in reading.config.accounts for one in repository.of_day(account.id, day)}
    known = DayRepository(store).get(day)
    assert known is not None
    return FinishedDay(
        day=known,
        session=header.session,
        positions=tuple(one for one in rows if one.bought_quantity),
        unfilled=tuple(one for one in rows if not one.bought_quantity),
        orders=orders,
        fills={order_id: repository.fills_of([order_id]) for order_id in orders},
        intents=IntentRepository(store).of_day(day),
        exit_intents=SignalRepository(store).exit_intents_of_day(day),
        funnel=why_signals(reading, known)["funnel"],
    )


def faults_of(found: FinishedDay, summary: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a finished day and with what was told of it; empty of a sound one."""
    return [
        *_faults_of_ends(found),
        *_faults_of_windows(found),
        *_faults_of_tags(found),
        *_faults_of_quantities(found),
        *_faults_of_intents(found),
        *_faults_of_money(found),
        *_faults_of_summary(found, summary),
    ]


def _faults_of_ends(found: FinishedDay) -> Iterator[str]:
    """Nothing is open, nothing was sold that was not bought, nothing rests."""
    for position in (*found.positions, *found.unfilled):
        wanted = PositionStatus.EXITED if position.bought_quantity else PositionStatus.CANCELLED
        if position.status is not wanted:
            yield f"position {position.id} ended {position.status}, expected {wanted}"
        if position.quantity:
            yield f"position {position.id} ended with {position.quantity} units"
    for order in found.orders.values():
        if not order.is_final:
            yield f"order {order.id} is {order.send_state}/{order.broker_status} after the day"
    for intent in found.exit_intents:
        if intent.status not in (IntentStatus.FILLED, IntentStatus.FAILED, IntentStatus.REJECTED):
            yield f"exit intent {intent.id} of position {intent.position_id} ended {intent.status}"


def _faults_of_windows(found: FinishedDay) -> Iterator[str]:
    """Decided 09:20-15:00, out by 15:20; earlier where the day's ladder is."""
    day, session = found.day.day, found.session
    first = max(session.entries_from, ist(day, ENTRIES_FROM))
    end = min(session.no_new_entries_at, ist(day, NO_NEW_ENTRIES))
    last_exit = min(session.time_exit_at, ist(day, TIME_EXIT))
    for position in (*found.positions, *found.unfilled):
        if not first <= position.created_at < end:
            yield f"position {position.id} was decided at {position.created_at}, outside {first} to {end}"
    for position in found.positions:
        opened, exited = position.opened_at, position.exited_at
        if opened is None or not first <= opened < end + ENTRY_RESTS_MAX:
            yield f"position {position.id} was filled at {opened}, outside {first} to {end}"
        if exited is None or exited > last_exit or (opened is not None and exited <= opened):
            yield f"position {position.id} was left at {exited}, expected after {opened} and by {last_exit}"


def _faults_of_tags(found: FinishedDay) -> Iterator[str]:
    session = found.session
    tags = _TAGS | {f"session_end_{session.session_end_at:%H%M}", f"time_exit_{session.time_exit_at:%H%M}"}
    for position in found.positions:
        contract = position.instrument
        strike = (contract.strike_paise or 0) // 100
        if not position.entry_tag.startswith(f"entry_{contract.underlying}_{contract.option_type}_{strike}"):
            yield f"position {position.id} of {contract.symbol} has the entry tag {position.entry_tag}"
        if position.exit_tag not in tags or not position.exit_text:
            yield f"position {position.id} was left with the tag {position.exit_tag!r}, text {position.exit_text!r}"
    for order in found.orders.values():
        known = order.tag in tags if order.purpose is OrderPurpose.EXIT else _ENTRY_TAG.fullmatch(order.tag)
        if not known or not _CORRELATION.fullmatch(order.correlation_id):
            yield f"order {order.id} has the tag {order.tag}, correlation id {order.correlation_id}"
    correlations = Counter((order.account_id, order.correlation_id.lower()) for order in found.orders.values())
    yield from (f"correlation id {key} stands for {count} orders" for key, count in correlations.items() if count > 1)


def _faults_of_quantities(found: FinishedDay) -> Iterator[str]:
    lots = {position.instrument.key: position.instrument.lot_size for position in found.positions + found.unfilled}
    for order in found.orders.values():
        lot = lots[order.instrument_key]
        quantities = [order.quantity, *(fill.quantity for fill in found.fills[order.id])]
        if any(quantity <= 0 or quantity % lot for quantity in quantities):
            yield f"order {order.id} has quantities {quantities}, lot {lot}"
        wanted = OrderSide.BUY if order.purpose is OrderPurpose.ENTRY else OrderSide.SELL
        if order.side is not wanted or order.filled_quantity > order.quantity:
            yield f"order {order.id} is a {order.side} of {order.filled_quantity} out of {order.quantity}"
        if (order.broker_status is BrokerStatus.TRADED) != (order.filled_quantity == order.quantity):
            yield f"order {order.id} is {order.broker_status} with {order.filled_quantity} of {order.quantity}"


def _faults_of_intents(found: FinishedDay) -> Iterator[str]:
    """Every order comes from one intent, every intent gave at most one position, and never two exits at a time."""
    entries = Counter(position.trade_intent_id for position in (*found.positions, *found.unfilled))
    yield from (f"trade intent {intent} has {count} positions" for intent, count in entries.items() if count > 1)
    numbers = Counter((one.account_id, one.intent_number) for one in found.intents)
    numbers.update((one.account_id, one.intent_number) for one in found.exit_intents)
    yield from (f"intent number {key} was given {count} times" for key, count in numbers.items() if count > 1)
    exits = {intent.id: intent for intent in found.exit_intents}
    for order in found.orders.values():
        if order.purpose is OrderPurpose.EXIT and order.intent_id not in exits:
            yield f"exit order {order.id} comes from no intent"
    for position in (*found.positions, *found.unfilled):
        yield from _faults_of_exits(position, found)


def _faults_of_exits(position: Position, found: FinishedDay) -> Iterator[str]:
    mine = sorted((one for one in found.exit_intents if one.position_id == position.id), key=lambda one: one.id)
    for before, after in pairwise(mine):
        if after.created_at < before.updated_at:
            yield f"position {position.id}: exit intent {after.id} was made before {before.id} had ended"
    filled = [one for one in mine if one.status is IntentStatus.FILLED]
    if position.bought_quantity and (len(filled) != 1 or filled[0].tag != position.exit_tag):
        yield f"position {position.id} left by {position.exit_tag}: filled exit intents {[one.tag for one in filled]}"


def _faults_of_money(found: FinishedDay) -> Iterator[str]:
    """Position and orders against what their fills add up to, to the paisa."""
    for order in found.orders.values():
        fills = found.fills[order.id]
        wanted = (
            sum(fill.quantity for fill in fills),
            sum(fill.quantity * fill.price_paise for fill in fills),
            charges_paise(order, fills),
        )
        told = (order.filled_quantity, order.filled_value_paise, order.charges_paise)
        if told != wanted or sum(fill.charges.total_paise for fill in fills) != wanted[2]:
            yield f"order {order.id} says quantity, value, charges {told}, its fills {wanted}"
    for position in found.positions:
        gross, charges = recomputed_paise(position, found)
        booked = (position.gross_paise, position.charges_paise, position.net_paise, position.last_pnl_paise)
        if booked != (gross, charges, gross - charges, gross - charges):
            yield f"position {position.id} says gross, charges, net, booked {booked}, its fills {(gross, charges)}"


def charges_paise(order: Order, fills: tuple[Fill, ...]) -> int:
    """What one order costs by its fills and the charge table."""
    rates = shipped_charges().rates(exchange_of(order.instrument_key.partition(":")[0]), order.day)
    return charges_of_order(order.side, sum(fill.quantity * fill.price_paise for fill in fills), rates).total_paise


def recomputed_paise(position: Position, found: FinishedDay) -> tuple[int, int]:
    """Gross result and charges of a closed position from the fills of its orders."""
    gross = charges = 0
    for order in found.orders.values():
        if order.position_id == position.id:
            sign = 1 if order.side is OrderSide.SELL else -1
            fills = found.fills[order.id]
            gross += sign * sum(fill.quantity * fill.price_paise for fill in fills)
            charges += charges_paise(order, fills)
    return gross, charges


def _faults_of_summary(found: FinishedDay, summary: Mapping[str, Any]) -> Iterator[str]:
    """The JSON of the run against the rows."""
    told = [(one["id"], _paise(one["net_rupees"]), one["exit_tag"], one["quantity"]) for one in summary["positions"]]
    wanted = [(one.id, one.net_paise, one.exit_tag, one.bought_quantity) for one in found.positions]
    if told != wanted:
        yield f"the summary tells of positions {told}, the rows of {wanted}"
    for one in summary["positions"]:
        if _paise(one["net_rupees"]) != _paise(one["gross_rupees"]) - _paise(one["charges_rupees"]):
            yield f"position {one['id']}: net {one['net_rupees']} is not gross - charges in the summary"
        yield from _faults_of_prices(one)
    realised = sum(one.net_paise for one in found.positions)
    if _paise(summary["realised_net_rupees"]) != realised or summary["open_positions"]:
        yield f"the summary tells {summary['realised_net_rupees']}, {summary['open_positions']} open; rows {realised}"


def _faults_of_prices(one: Mapping[str, Any]) -> Iterator[str]:
    gross = _paise((one["exit_price"] - one["entry_price"]) * one["quantity"])
    if gross != _paise(one["gross_rupees"]):
        yield f"position {one['id']}: prices times quantity give {gross} paise, told {one['gross_rupees']} rupees"
    opened, exited = (datetime.fromisoformat(one[name]) for name in ("entry_at", "exit_at"))
    if opened.utcoffset() != timedelta(hours=5, minutes=30) or exited <= opened:
        yield f"position {one['id']} was held from {opened} to {exited} in the summary"


def _paise(rupees: float) -> int:
    return round(rupees * 100)
