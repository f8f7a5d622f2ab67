"""Positions: their lives, their marks, and how everybody else rebuilds what follows from them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from scalper.domain.positions import Position, Trail, Wallet
from scalper.message import Message


class PositionPending(Message, frozen=True, kw_only=True):
    """PositionTracker says: the row is there and its entry orders are on their way."""

    position: Position


class PositionOpened(Message, frozen=True, kw_only=True):
    """PositionTracker says: the first fill made it ACTIVE; stop and target are set."""

    position: Position


class PositionChanged(Message, frozen=True, kw_only=True):
    """PositionTracker says: quantity, entry price or totals are other than before."""

    position: Position


class PositionClosed(Message, frozen=True, kw_only=True):
    """PositionTracker says: sold to the last unit; net of charges it is what the row says."""

    position: Position


class PositionCancelled(Message, frozen=True, kw_only=True):
    """PositionTracker says: nothing was bought and nothing will be."""

    position: Position


class ReportPositions(Message, frozen=True, kw_only=True):
    """An actor that (re)starts asks PositionTracker for what is open and what closed today."""

    reply_to: str


class PositionSnapshot(Message, frozen=True, kw_only=True):
    """PositionTracker answers ReportPositions; it passes the letters that wait."""

    open_positions: tuple[Position, ...]
    closed_today: tuple[Position, ...]
    wallets: tuple[Wallet, ...]

    is_control: ClassVar[bool] = True


class WalletChanged(Message, frozen=True, kw_only=True):
    """PositionTracker says: what a paper account has after its last booking."""

    wallet: Wallet


class PositionMarked(Message, frozen=True, kw_only=True):
    """ActiveCache says: one tick of one open position, with its P&L before charges."""

    position_id: int
    key: str
    ltp_paise: int
    bid_paise: int
    tick_at_us: int
    pnl_paise: int


class PositionProfitChanged(Message, frozen=True, kw_only=True):
    """ActiveCache says: the P&L turned positive at `since`, or is not positive any more (None)."""

    position_id: int
    since: datetime | None


class PositionTrailed(Message, frozen=True, kw_only=True):
    """TrailingEngine passes a mark on with the peak raised and the stop in force."""

    position_id: int
    ltp_paise: int
    bid_paise: int
    tick_at_us: int
    pnl_paise: int
    hwm_pnl_paise: int
    trail: Trail


class StopMoved(Message, frozen=True, kw_only=True):
    """TrailingEngine says: peak or stop rose; at most one per position and 250 ms."""

    position_id: int
    trail: Trail
    hwm_pnl_paise: int


class PnlMark(msgspec.Struct, frozen=True, array_like=True):
    """The last P&L of one position."""

    position_id: int
    pnl_paise: int


class PnlSynced(Message, frozen=True, kw_only=True):
    """PnlUpdater says: write these marks to their rows; at most one per position and 30 s."""

    marks: tuple[PnlMark, ...]
