"""The state of trading, and what people must know."""

from __future__ import annotations

from datetime import date

from scalper.domain.day_book import IndexTally
from scalper.domain.trading_state import TradingState
from scalper.message import Message


class TradingStateChanged(Message, frozen=True, kw_only=True):
    """RiskManager says: from now on entries are allowed or not, and why."""

    account_id: str
    state: TradingState
    causes: tuple[str, ...]


class CircuitTripped(Message, frozen=True, kw_only=True):
    """RiskManager says: the day's loss reached the limit; it is a row; everything is being sold."""

    account_id: str
    day: date
    loss_bps: int
    limit_bps: int
    day_pnl_paise: int


class DayTallyChanged(Message, frozen=True, kw_only=True):
    """RiskManager says: what the day has brought one account so far; EntryGuard's limits are held against it."""

    account_id: str
    starting_balance_paise: int
    tallies: tuple[IndexTally, ...]


class Alert(Message, frozen=True, kw_only=True):
    """Somebody must know: `level` is WARNING, ERROR or CRITICAL."""

    level: str
    text: str


class GetDashboard(Message, frozen=True, kw_only=True):
    """People ask Dashboard what there is to see."""
