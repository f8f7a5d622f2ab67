"""What an open position is worth: P&L, peaks, the row that people read, and when it is written.

Inside, money is integer paise; percent points (30 % is 30.0) with four decimals and rupees appear in `PnlFields` alone,
which is the row of the cache. Every position is long premium: profit is (LTP - entry) x quantity.

Source: REQUIREMENTS 8.3-8.5, lesson C-01.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from scalper.domain.times import us_from
from scalper.domain.units import pct_points, rupees_from_paise

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def pnl_paise(*, entry_price_paise: int, ltp_paise: int, quantity: int) -> int:
    """Profit of long premium, gross: negative below the entry price."""
    return (ltp_paise - entry_price_paise) * quantity


def pnl_pct(*, entry_price_paise: int, ltp_paise: int) -> float:
    """The same in percent points of the entry price, which must be positive: -30.0 is a loss of 30 %."""
    return pct_points(ltp_paise - entry_price_paise, entry_price_paise)


def raised_hwm_paise(stored_paise: int, pnl_now_paise: int) -> int:
    """The high water mark of the P&L with the present one in it; never below 0, never lower than before.

    Source: REQUIREMENTS 8.3, 8.5.
    """
    return max(stored_paise, pnl_now_paise, 0)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One valid position at one price.

    Attributes:
        pnl_paise: Gross profit.
        pnl_pct: The same in percent points of the entry price.
        hwm_ltp_paise: Highest LTP since the entry, at least the entry price.
        hwm_pnl_paise: Highest P&L, at least 0.
        peak_profit_pct: Percent points at the highest LTP, at least 0.
    """

    ltp_paise: int
    pnl_paise: int
    pnl_pct: float
    hwm_ltp_paise: int
    hwm_pnl_paise: int
    peak_profit_pct: float


def mark(
    *, entry_price_paise: int, quantity: int, ltp_paise: int, hwm_ltp_paise: int = 0, hwm_pnl_paise: int = 0
) -> Mark | None:
    """The position at a price, with its peaks raised.

    Args:
        entry_price_paise: Average fill price.
        quantity: Units held.
        ltp_paise: Present price.
        hwm_ltp_paise: Highest LTP before; 0 at the start, where it counts as the entry price.
        hwm_pnl_paise: Highest P&L before; 0 at the start.

    Returns:
        None when entry, quantity or price is not positive: such a position triggers nothing.

    Source: REQUIREMENTS 8.3.
    """
    if entry_price_paise <= 0 or quantity <= 0 or ltp_paise <= 0:
        return None
    pnl_now_paise = pnl_paise(entry_price_paise=entry_price_paise, ltp_paise=ltp_paise, quantity=quantity)
    peak_ltp_paise = max(hwm_ltp_paise, entry_price_paise, ltp_paise)
    return Mark(
        ltp_paise=ltp_paise,
        pnl_paise=pnl_now_paise,
        pnl_pct=pnl_pct(entry_price_paise=entry_price_paise, ltp_paise=ltp_paise),
        hwm_ltp_paise=peak_ltp_paise,
        hwm_pnl_paise=raised_hwm_paise(hwm_pnl_paise, pnl_now_paise),
        peak_profit_pct=pnl_pct(entry_price_paise=entry_price_paise, ltp_paise=peak_ltp_paise),
    )


def ltp_of_sources(*, tick_cache_paise: int, mirrored_tick_paise: int, payload_paise: int) -> int | None:
    """The first positive price in the order of trust: tick cache, its mirror in Redis, what came along; else None.

    Source: REQUIREMENTS 8.5.
    """
    sources = (tick_cache_paise, mirrored_tick_paise, payload_paise)
    return next((ltp_paise for ltp_paise in sources if ltp_paise > 0), None)


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What the row of a position repeats of the position itself; entry price and quantity are positive."""

    entry_price_paise: int
    quantity: int
    opened_at: datetime
    segment: str
    security_id: str
    symbol: str
    side: str
    direction: str
    index_key: str
    order_no: str
    is_paper: bool


class PnlFields(msgspec.Struct, frozen=True, kw_only=True):
    """The row `pnl:tracker:{id}` under its own field names: rupees, percent points, epoch seconds.

    Attributes:
        pnl, hwm_pnl, drawdown_rupees, capital_deployed: Rupees.
        ltp, entry_price: Rupees a unit.
        pnl_pct, price_change_pct, hwm_pnl_pct, drawdown_pct: Percent points, four decimals.
        drawdown_pct: Of the high water mark; with `drawdown_rupees` None while there is no high water mark.
        timestamp: When the price was made, epoch seconds.
        updated_at: When the row was made, epoch seconds.
        entry_timestamp: When the position was opened, epoch seconds.
        time_in_position_sec: Whole seconds since then.
        paper: "1" or "0".
    """

    pnl: float
    pnl_pct: float
    ltp: float
    hwm_pnl: float
    hwm_pnl_pct: float
    timestamp: float
    updated_at: float
    entry_price: float
    quantity: int
    segment: str
    security_id: str
    symbol: str
    side: str
    order_no: str
    paper: str
    entry_timestamp: float
    price_change_pct: float
    capital_deployed: float
    time_in_position_sec: int
    drawdown_rupees: float | None
    drawdown_pct: float | None
    index_key: str
    direction: str


def pnl_fields(
    held: HeldPosition, *, ltp_paise: int, hwm_pnl_paise: int, ltp_at: datetime, at: datetime
) -> PnlFields:  # fmt: skip
    """The row of one position at one price.

    Args:
        held: The position.
        ltp_paise: Its price.
        hwm_pnl_paise: High water mark of the P&L from its owner; raised here when the price is above it.
        ltp_at: When the price was made.
        at: Now.

    Source: REQUIREMENTS 8.4.
    """
    pnl_now_paise = pnl_paise(entry_price_paise=held.entry_price_paise, ltp_paise=ltp_paise, quantity=held.quantity)
    change_pct = pnl_pct(entry_price_paise=held.entry_price_paise, ltp_paise=ltp_paise)
    cost_paise = held.entry_price_paise * held.quantity
    hwm_paise = raised_hwm_paise(hwm_pnl_paise, pnl_now_paise)
    drawdown_paise = hwm_paise - pnl_now_paise
    return PnlFields(
        pnl=rupees_from_paise(pnl_now_paise),
        pnl_pct=change_pct,
        ltp=rupees_from_paise(ltp_paise),
        hwm_pnl=rupees_from_paise(hwm_paise),
        hwm_pnl_pct=pct_points(hwm_paise, cost_paise),
        timestamp=_epoch_s(ltp_at),
        updated_at=_epoch_s(at),
        entry_price=rupees_from_paise(held.entry_price_paise),
        quantity=held.quantity,
        segment=held.segment,
        security_id=held.security_id,
        symbol=held.symbol,
        side=held.side,
        order_no=held.order_no,
        paper="1" if held.is_paper else "0",
        entry_timestamp=_epoch_s(held.opened_at),
        price_change_pct=change_pct,
        capital_deployed=rupees_from_paise(cost_paise),
        time_in_position_sec=(at - held.opened_at) // timedelta(seconds=1),
        drawdown_rupees=rupees_from_paise(drawdown_paise) if hwm_paise > 0 else None,
        drawdown_pct=pct_points(drawdown_paise, hwm_paise) if hwm_paise > 0 else None,
        index_key=held.index_key,
        direction=held.direction,
    )


def texts_from(fields: PnlFields) -> dict[str, str]:
    """The row as the cache stores it: every value a string, what is not known left out."""
    return {name: str(value) for name, value in msgspec.structs.asdict(fields).items() if value is not None}


class PnlThrottle(Generic[K]):
    """Lets one write per key and period pass; a write exactly one period after the last passes.

    Source: REQUIREMENTS 8.4, the database sync.
    """

    def __init__(self, period: timedelta) -> None:
        self._period = period
        self._last_at: dict[K, datetime] = {}

    def is_due(self, key: K, at: datetime, *, is_forced: bool = False) -> bool:
        """Whether the value of `key` is to be written now; says yes at most once per period unless forced."""
        last_at = self._last_at.get(key)
        if not is_forced and last_at is not None and at - last_at < self._period:
            return False
        self._last_at[key] = at
        return True

    def forget(self, key: K) -> None:
        """The position is closed; harmless when the key is unknown."""
        self._last_at.pop(key, None)


class FlushQueue(Generic[K, V]):
    """What waits to be written: one value per key, the last one, in the order in which the keys first arrived.

    Source: REQUIREMENTS 8.5.
    """

    def __init__(self) -> None:
        self._waiting: dict[K, V] = {}

    def __len__(self) -> int:
        """Keys that wait."""
        return len(self._waiting)

    def put(self, key: K, value: V) -> None:
        """Replaces what waits for the key without giving up its place."""
        self._waiting[key] = value

    def discard(self, key: K) -> None:
        """Nothing is to be written for the key any more; harmless when nothing waits."""
        self._waiting.pop(key, None)

    def take(self, batch_max: int) -> tuple[tuple[K, V], ...]:
        """Removes and returns the first `batch_max` pairs of key and value at most.

        Raises:
            ValueError: `batch_max` is not positive.
        """
        if batch_max < 1:
            raise ValueError(f"a batch holds at least one, got {batch_max}")
        keys = tuple(self._waiting)[:batch_max]
        return tuple((key, self._waiting.pop(key)) for key in keys)


def _epoch_s(at: datetime) -> float:
    return us_from(at) / 1_000_000
