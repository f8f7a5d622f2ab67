"""Peak, high water mark, breakeven lock and the stop in force: raised at every mark, never lowered.

Owns: the trail of every open position (kept in the position's row through PositionTracker).
Receives: PositionMarked, PositionSnapshot, PositionOpened, PositionChanged, PositionClosed, Pulse.
Sends: PositionTrailed for every mark; StopMoved, at most one per position and 250 ms.
Recovers from: PositionTracker's snapshot, before any mark is looked at.
Limits: none of its own; marks of positions it does not know are stale and dropped.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionMarked,
    PositionOpened,
    PositionSnapshot,
    PositionTrailed,
    ReportPositions,
    StopMoved,
)
from scalper.domain.positions import Position, PositionStatus, Trail
from scalper.domain.rules import ExitRules
from scalper.domain.trailing import raised, refitted
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse

#: At most one write of a position's peak in this time (REQUIREMENTS 8.3).
WRITE_EVERY = timedelta(milliseconds=250)


class _Trailed(msgspec.Struct):
    """What is known of one open position; `unsaved` when its row does not have the newest trail yet."""

    entry_paise: int
    quantity: int
    trail: Trail
    hwm_pnl_paise: int
    saved_at: datetime
    unsaved: bool = False


class TrailingEngine(Actor):
    """Raises stops."""

    def __init__(self, link: Link, *, rules: ExitRules) -> None:
        super().__init__(link)
        self._rules = rules
        self._open: dict[int, _Trailed] = {}

    def recover(self, at: datetime) -> None:
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        for position in snapshot.open_positions:
            self._put(position, snapshot.at)
        self.resume()

    @receives(PositionOpened, PositionChanged)
    def on_position(self, message: PositionOpened | PositionChanged) -> None:
        self._put(message.position, message.at)

    @receives(PositionClosed)
    def on_closed(self, closed: PositionClosed) -> None:
        self._open.pop(closed.position.id, None)

    @receives(PositionMarked)
    def on_marked(self, marked: PositionMarked) -> None:
        known = self._open.get(marked.position_id)
        if known is None:
            return
        trail = raised(
            known.trail,
            entry_paise=known.entry_paise,
            quantity=known.quantity,
            ltp_paise=marked.ltp_paise,
            rules=self._rules,
        )
        if trail is not known.trail or marked.pnl_paise > known.hwm_pnl_paise:
            known.trail = trail
            known.hwm_pnl_paise = max(known.hwm_pnl_paise, marked.pnl_paise)
            known.unsaved = True
        self.publish(
            PositionTrailed(
                at=marked.at,
                position_id=marked.position_id,
                ltp_paise=marked.ltp_paise,
                bid_paise=marked.bid_paise,
                tick_at_us=marked.tick_at_us,
                pnl_paise=marked.pnl_paise,
                hwm_pnl_paise=known.hwm_pnl_paise,
                trail=trail,
            )
        )
        if known.unsaved:
            self._save(marked.position_id, known, marked.at)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        for position_id, known in self._open.items():
            if known.unsaved:
                self._save(position_id, known, pulse.at)

    def _save(self, position_id: int, known: _Trailed, at: datetime) -> None:
        if at - known.saved_at >= WRITE_EVERY:
            known.saved_at = at
            known.unsaved = False
            moved = StopMoved(at=at, position_id=position_id, trail=known.trail, hwm_pnl_paise=known.hwm_pnl_paise)
            self.publish(moved)

    def _put(self, position: Position, at: datetime) -> None:
        """Take over a position's figures; of two trails the higher parts win, since nothing may fall."""
        if position.status is not PositionStatus.ACTIVE or position.trail is None:
            return
        known = self._open.get(position.id)
        trail = position.trail
        if known is not None and known.entry_paise == position.entry_price_paise:
            trail = known.trail
        elif known is not None:
            trail = refitted(
                known.trail,
                entry_paise=position.entry_price_paise,
                quantity=position.quantity,
                rules=self._rules,
                tick_size_paise=position.instrument.tick_size_paise,
            )
        hwm = max(position.hwm_pnl_paise, known.hwm_pnl_paise if known is not None else 0)
        self._open[position.id] = _Trailed(
            entry_paise=position.entry_price_paise,
            quantity=position.quantity,
            trail=trail,
            hwm_pnl_paise=hwm,
            saved_at=known.saved_at if known is not None else at,
            # What the row is behind in is written at the next chance, with or without another rise.
            unsaved=(trail, hwm) != (position.trail, position.hwm_pnl_paise),
        )
