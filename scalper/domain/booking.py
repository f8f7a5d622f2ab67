"""How a position comes into being, grows by fills and ends: pure, so that a replay books the same.

Source: REQUIREMENTS 8.1, 11.3, 12.6, 13.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import msgspec

from scalper.domain.capital import available_cash_paise
from scalper.domain.instruments import Instrument
from scalper.domain.order_prices import protected_limit
from scalper.domain.orders import Order, OrderPurpose, OrderSide, OrderType, order_id_of
from scalper.domain.positions import (
    OrderTotals,
    Position,
    PositionStatus,
    Trail,
    Wallet,
    next_status,
    side_of,
    with_order_totals,
)
from scalper.domain.quotes import Tick
from scalper.domain.rules import ExitRules
from scalper.domain.signals import ExitIntent, Signal, TradeIntent
from scalper.domain.slicing import slices
from scalper.domain.tags import correlation_id
from scalper.domain.trailing import first_trail, refitted, target_of
from scalper.errors import InvariantError


class BookingRules(msgspec.Struct, frozen=True, kw_only=True):
    """What orders and first stops are made by.

    Attributes:
        is_market_style: Orders go as MARKET; else as LIMIT with the cushion beyond the best opposite price.
    """

    exits: ExitRules
    is_market_style: bool
    cushion_ticks: int
    correlation_chars_max: int


def new_position(
    position_id: int, intent: TradeIntent, signal: Signal, contract: Instrument, at: datetime, *, is_paper: bool
) -> Position:
    """The PENDING row of an approved intent."""
    if contract.option_type is None:
        raise InvariantError(f"only options are bought, {contract.symbol} is none")
    return Position(
        id=position_id,
        account_id=intent.account_id,
        trade_intent_id=intent.id,
        signal_id=signal.id,
        index_key=intent.index_key,
        instrument=contract,
        side=side_of(contract.option_type),
        direction=signal.direction,
        status=PositionStatus.PENDING,
        entry_tag=intent.tag,
        ordered_quantity=intent.quantity,
        created_at=at,
        updated_at=at,
        is_paper=is_paper,
    )


def entry_orders(
    position: Position, intent: TradeIntent, quote: Tick, day: date, rules: BookingRules, at: datetime
) -> tuple[Order, ...]:
    """The orders that buy a position, one a slice."""
    plan = _Plan(
        account_id=position.account_id,
        position_id=position.id,
        intent_id=intent.id,
        intent_number=intent.intent_number,
        tag=intent.tag,
        contract=position.instrument,
        purpose=OrderPurpose.ENTRY,
        side=OrderSide.BUY,
        quantity=intent.quantity,
        best_paise=quote.ask_paise or quote.ltp_paise,
    )
    return _orders(plan, day, rules, at)


def exit_orders(
    intent: ExitIntent,
    contract: Instrument,
    *,
    bid_paise: int,
    ltp_paise: int,
    day: date,
    rules: BookingRules,
    at: datetime,
) -> tuple[Order, ...]:
    """The orders that sell for an exit intent, one a slice; MARKET where no price is known."""
    plan = _Plan(
        account_id=intent.account_id,
        position_id=intent.position_id,
        intent_id=intent.id,
        intent_number=intent.intent_number,
        tag=intent.tag,
        contract=contract,
        purpose=OrderPurpose.EXIT,
        side=OrderSide.SELL,
        quantity=intent.quantity,
        best_paise=bid_paise or ltp_paise,
    )
    return _orders(plan, day, rules, at)


def booked(position: Position, totals: OrderTotals, text: str, rules: BookingRules, at: datetime) -> Position:
    """The position after one order's report: quantities, entry price, stop and target, status.

    A cancelled position that is filled late, or a report of a closed one, never comes here: its owner looks first.
    """
    after = with_order_totals(position, totals)
    if after == position:
        return position
    after = msgspec.structs.replace(after, updated_at=at)
    after = _protected(position, after, rules.exits)
    if after.bought_quantity and position.status is PositionStatus.PENDING:
        after = msgspec.structs.replace(after, status=next_status(position.status, PositionStatus.ACTIVE), opened_at=at)
    return _ended(after, text, at)


def caught_up(position: Position, orders: Iterable[OrderTotals]) -> Position:
    """The position with these totals in it wherever they are ahead of its own."""
    for totals in orders:
        position = with_order_totals(position, totals)
    return position


def kept_trail(known: Trail | None, told: Trail) -> Trail:
    """Of two trails of one position the higher parts: a letter from before the last fill lowers nothing.

    Source: REQUIREMENTS 8.3.
    """
    if known is None:
        return told
    higher = told if told.stop_paise > known.stop_paise else known
    return Trail(
        stop_paise=higher.stop_paise,
        stop_source=higher.stop_source,
        hwm_ltp_paise=max(known.hwm_ltp_paise, told.hwm_ltp_paise),
        is_breakeven_locked=known.is_breakeven_locked or told.is_breakeven_locked,
    )


def wallet_of(
    account_id: str, balance_paise: int, positions: Iterable[Position], reserved_paise: Mapping[int, int]
) -> Wallet:
    """What an account has: balance (with all earlier results), today's results, and what is open at cost.

    Args:
        account_id: Of the account.
        balance_paise: With all earlier results.
        positions: Of the account's day.
        reserved_paise: What each PENDING position is expected to cost, by id; one that is not there reserves nothing.
    """
    realised = open_cost = 0
    for position in positions:
        if position.status is PositionStatus.EXITED:
            realised += position.net_paise
        elif position.status is PositionStatus.ACTIVE:
            open_cost += position.bought_value_paise - position.sold_value_paise + position.charges_paise
        elif position.status is PositionStatus.PENDING:
            open_cost += reserved_paise.get(position.id, 0)
    cash = available_cash_paise(paper_balance_paise=balance_paise, realised_paise=realised, open_cost_paise=open_cost)
    return Wallet(
        account_id=account_id,
        cash_paise=cash,
        equity_at_cost_paise=cash + open_cost,
        realised_today_paise=realised,
    )


def _protected(before: Position, after: Position, rules: ExitRules) -> Position:
    """Stop and target follow the average entry price; what is in force never falls."""
    entry = after.entry_price_paise
    if entry == before.entry_price_paise or entry <= 0:
        return after
    tick_size = after.instrument.tick_size_paise
    trail = (
        first_trail(entry, rules, tick_size)
        if after.trail is None
        else refitted(after.trail, entry_paise=entry, quantity=after.quantity, rules=rules, tick_size_paise=tick_size)
    )
    return msgspec.structs.replace(after, trail=trail, target_paise=target_of(entry, rules, tick_size))


def _ended(position: Position, text: str, at: datetime) -> Position:
    """EXITED when all is sold and nothing can be bought any more; CANCELLED when nothing was ever bought."""
    if any(totals.side is OrderSide.BUY and not totals.is_final for totals in position.orders):
        return position
    if position.status is PositionStatus.PENDING:
        return msgspec.structs.replace(
            position, status=next_status(position.status, PositionStatus.CANCELLED), cancel_reason=text or "not filled"
        )
    if position.quantity == 0 and position.sold_quantity:
        return msgspec.structs.replace(
            position,
            status=next_status(position.status, PositionStatus.EXITED),
            exited_at=at,
            last_pnl_paise=position.net_paise,
            hwm_pnl_paise=max(position.hwm_pnl_paise, position.gross_paise),
        )
    return position


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an intent wants of the market; `best_paise` is the best opposite price, 0 when none is known."""

    account_id: str
    position_id: int
    intent_id: int
    intent_number: int
    tag: str
    contract: Instrument
    purpose: OrderPurpose
    side: OrderSide
    quantity: int
    best_paise: int


def _orders(plan: _Plan, day: date, rules: BookingRules, at: datetime) -> tuple[Order, ...]:
    contract = plan.contract
    limit = 0
    if not rules.is_market_style:
        limit = protected_limit(
            plan.side,
            best_paise=plan.best_paise,
            cushion_ticks=rules.cushion_ticks,
            tick_size_paise=contract.tick_size_paise,
        )
    return tuple(
        _order(plan, number, quantity, limit, day, rules, at)
        for number, quantity in enumerate(slices(plan.quantity, contract.lot_size, contract.freeze_quantity))
    )


def _order(
    plan: _Plan, slice_no: int, quantity: int, limit_paise: int, day: date, rules: BookingRules, at: datetime
) -> Order:
    correlation = correlation_id(plan.tag, plan.intent_number, slice_no=slice_no, max_len=rules.correlation_chars_max)
    return Order(
        id=order_id_of(plan.account_id, day, correlation),
        account_id=plan.account_id,
        day=day,
        correlation_id=correlation,
        purpose=plan.purpose,
        position_id=plan.position_id,
        intent_id=plan.intent_id,
        instrument_key=plan.contract.key,
        side=plan.side,
        quantity=quantity,
        order_type=OrderType.LIMIT if limit_paise else OrderType.MARKET,
        limit_price_paise=limit_paise,
        tag=plan.tag,
        created_at=at,
        slice_no=slice_no,
    )
