"""The position: what we hold, what it cost, how it is protected. One row, one writer (PositionTracker).

Source: REQUIREMENTS 8.1, 14.8.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from scalper.domain.instruments import Instrument, OptionType
from scalper.domain.orders import OrderSide
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.units import round_half_away
from scalper.errors import TransitionError


class PositionStatus(StrEnum):
    """EXITED and CANCELLED are final: nothing leaves them."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    EXITED = "EXITED"
    CANCELLED = "CANCELLED"


class PositionSide(StrEnum):
    """Always long premium: profit = (LTP - entry) x quantity for both."""

    LONG_CE = "long_ce"
    LONG_PE = "long_pe"


_STEPS: dict[PositionStatus, frozenset[PositionStatus]] = {
    PositionStatus.PENDING: frozenset({PositionStatus.ACTIVE, PositionStatus.CANCELLED}),
    PositionStatus.ACTIVE: frozenset({PositionStatus.EXITED}),
    PositionStatus.EXITED: frozenset(),
    PositionStatus.CANCELLED: frozenset(),
}


def next_status(current: PositionStatus, wanted: PositionStatus) -> PositionStatus:
    """The status after a step; the same status again is harmless.

    Raises:
        TransitionError: The table has no such step.
    """
    if wanted == current or wanted in _STEPS[current]:
        return wanted
    raise TransitionError(f"position cannot go from {current} to {wanted}")


def side_of(option_type: OptionType) -> PositionSide:
    """The side a bought option of this type gives."""
    return PositionSide.LONG_CE if option_type is OptionType.CE else PositionSide.LONG_PE


class OrderTotals(msgspec.Struct, frozen=True, array_like=True):
    """What one order has brought so far; cumulative, so a repeated report changes nothing."""

    order_id: str
    side: OrderSide
    quantity: int
    filled_quantity: int
    filled_value_paise: int
    charges_paise: int
    is_final: bool


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """How a position is protected; nothing in it ever falls.

    Attributes:
        stop_paise: The stop in force.
        stop_source: The rule that set it.
        hwm_ltp_paise: Highest LTP seen since the entry; starts at the entry price.
        is_breakeven_locked: The dynamic trail is armed.
    """

    stop_paise: int
    stop_source: StopSource
    hwm_ltp_paise: int
    is_breakeven_locked: bool


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper account has.

    Attributes:
        cash_paise: Balance + realised net P&L - cost of pending and open positions.
        equity_at_cost_paise: Cash + what open positions cost.
        realised_today_paise: Net, of positions closed today.
    """

    account_id: str
    cash_paise: int
    equity_at_cost_paise: int
    realised_today_paise: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `positions`.

    Attributes:
        ordered_quantity: Units the entry asked for.
        orders: Totals of every order of the position, entry and exit, in the order they were born.
        entry_price_paise: Average fill price rounded to the paisa, for rules; 0 before the first fill.
        trail: None until the first fill.
        target_paise: Take-profit level; 0 before the first fill.
        hwm_pnl_paise: Highest P&L seen, never below 0.
        profitable_since: When the P&L last turned positive; None while it is not.
        last_pnl_paise: Last synced mark, at most 30 s old while open; net result once exited.
    """

    id: int
    account_id: str
    trade_intent_id: int
    signal_id: int
    index_key: str
    instrument: Instrument
    side: PositionSide
    direction: str
    status: PositionStatus
    entry_tag: str
    ordered_quantity: int
    created_at: datetime
    updated_at: datetime
    is_paper: bool
    orders: tuple[OrderTotals, ...] = ()
    entry_price_paise: int = 0
    target_paise: int = 0
    trail: Trail | None = None
    hwm_pnl_paise: int = 0
    profitable_since: datetime | None = None
    last_pnl_paise: int = 0
    opened_at: datetime | None = None
    exited_at: datetime | None = None
    exit_reason: ExitReason | None = None
    exit_tag: str = ""
    exit_text: str = ""
    cancel_reason: str = ""

    def _sum(self, side: OrderSide, field: str) -> int:
        return sum(getattr(totals, field) for totals in self.orders if totals.side is side)

    @property
    def bought_quantity(self) -> int:
        return self._sum(OrderSide.BUY, "filled_quantity")

    @property
    def sold_quantity(self) -> int:
        return self._sum(OrderSide.SELL, "filled_quantity")

    @property
    def quantity(self) -> int:
        """Units open now."""
        return self.bought_quantity - self.sold_quantity

    @property
    def bought_value_paise(self) -> int:
        return self._sum(OrderSide.BUY, "filled_value_paise")

    @property
    def sold_value_paise(self) -> int:
        return self._sum(OrderSide.SELL, "filled_value_paise")

    @property
    def charges_paise(self) -> int:
        return sum(totals.charges_paise for totals in self.orders)

    @property
    def gross_paise(self) -> int:
        """Sold minus the cost of what was sold; of a closed position, all of it."""
        if self.bought_quantity == self.sold_quantity:
            return self.sold_value_paise - self.bought_value_paise
        return self.sold_value_paise - self.sold_quantity * self.entry_price_paise

    @property
    def net_paise(self) -> int:
        """Realised P&L after charges."""
        return self.gross_paise - self.charges_paise

    @property
    def is_open(self) -> bool:
        return self.status in (PositionStatus.PENDING, PositionStatus.ACTIVE)


def with_order_totals(position: Position, totals: OrderTotals) -> Position:
    """The position with one order's report merged in: quantities only grow, a late repeat is harmless."""
    kept = {known.order_id: known for known in position.orders}
    known = kept.get(totals.order_id)
    if known is not None and known.filled_quantity > totals.filled_quantity:
        return position
    if known is not None:
        totals = msgspec.structs.replace(
            totals,
            is_final=totals.is_final or known.is_final,
            charges_paise=max(totals.charges_paise, known.charges_paise),
        )
    kept[totals.order_id] = totals
    merged = msgspec.structs.replace(position, orders=tuple(kept.values()))
    bought = merged.bought_quantity
    price = round_half_away(merged.bought_value_paise, bought) if bought else 0
    return msgspec.structs.replace(merged, entry_price_paise=price)
