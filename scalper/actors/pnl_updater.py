"""Live P&L for people and other programs: to Redis in batches, to the row every 30 s.

Owns: what waits to be written; the mirror of open positions in Redis.
Receives: PositionTrailed, PositionSnapshot, PositionOpened, PositionChanged, PositionClosed, ExitIntentApproved,
    ExitFailed, Pulse.
Sends: PnlSynced to PositionTracker.
Recovers from: PositionTracker's snapshot; the next mark of each position brings the rest.
Limits: at most 200 positions a flush and one flush in 250 ms; the newest value wins; Redis down delays nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from scalper.actors.messages.exits import ExitFailed, ExitIntentApproved
from scalper.actors.messages.positions import (
    PnlMark,
    PnlSynced,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionSnapshot,
    PositionTrailed,
    ReportPositions,
)
from scalper.domain.pnl import FlushQueue, HeldPosition, PnlThrottle, pnl_fields, texts_from
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.times import ist_from_us
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.store.cache import Cache, PositionFlags


class PnlRules(msgspec.Struct, frozen=True, kw_only=True):
    """How often what is written, in market time."""

    flush_ms: int
    batch_max: int
    db_sync_s: int


class PnlUpdater(Actor):
    """Mirrors marks."""

    def __init__(self, link: Link, *, cache: Cache, rules: PnlRules) -> None:
        super().__init__(link)
        self._cache = cache
        self._flush_every = timedelta(milliseconds=rules.flush_ms)
        self._batch_max = rules.batch_max
        self._throttle: PnlThrottle[int] = PnlThrottle(timedelta(seconds=rules.db_sync_s))
        self._queue: FlushQueue[int, PositionTrailed] = FlushQueue()
        self._positions: dict[int, Position] = {}
        self._leaving: set[int] = set()
        self._flushed_at: datetime | None = None

    def recover(self, at: datetime) -> None:
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        for position in snapshot.open_positions:
            self._put(position)
        self._cache.clear_pnl_except(sorted(self._positions))
        self.resume()

    @receives(PositionOpened, PositionChanged)
    def on_position(self, message: PositionOpened | PositionChanged) -> None:
        self._put(message.position)

    @receives(PositionClosed)
    def on_closed(self, closed: PositionClosed) -> None:
        position_id = closed.position.id
        self._positions.pop(position_id, None)
        self._leaving.discard(position_id)
        self._queue.discard(position_id)
        self._throttle.forget(position_id)
        self._cache.clear_position(position_id)

    @receives(ExitIntentApproved)
    def on_leaving(self, approved: ExitIntentApproved) -> None:
        self._set_leaving(approved.intent.position_id, is_leaving=True)

    @receives(ExitFailed)
    def on_staying(self, failed: ExitFailed) -> None:
        self._set_leaving(failed.position_id, is_leaving=False)

    @receives(PositionTrailed)
    def on_trailed(self, trailed: PositionTrailed) -> None:
        if trailed.position_id in self._positions:
            self._queue.put(trailed.position_id, trailed)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        if not len(self._queue):
            return
        if self._flushed_at is not None and pulse.at - self._flushed_at < self._flush_every:
            return
        self._flushed_at = pulse.at
        due: list[PnlMark] = []
        for position_id, trailed in self._queue.take(self._batch_max):
            self._mirror(self._positions[position_id], trailed, pulse.at)
            if self._throttle.is_due(position_id, pulse.at):
                due.append(PnlMark(position_id, trailed.pnl_paise))
        if due:
            self.send("position_tracker", PnlSynced(at=pulse.at, marks=tuple(due)))

    def _put(self, position: Position) -> None:
        if position.status is PositionStatus.ACTIVE:
            self._positions[position.id] = position
            self._mirror_position(position)

    def _set_leaving(self, position_id: int, *, is_leaving: bool) -> None:
        position = self._positions.get(position_id)
        if position is not None:
            (self._leaving.add if is_leaving else self._leaving.discard)(position_id)
            self._mirror_position(position)

    def _mirror(self, position: Position, trailed: PositionTrailed, at: datetime) -> None:
        known = msgspec.structs.replace(position, trail=trailed.trail, hwm_pnl_paise=trailed.hwm_pnl_paise)
        has_risen = known.trail != position.trail or known.hwm_pnl_paise != position.hwm_pnl_paise
        fields = pnl_fields(
            _held(known),
            ltp_paise=trailed.ltp_paise,
            hwm_pnl_paise=trailed.hwm_pnl_paise,
            ltp_at=ist_from_us(trailed.tick_at_us),
            at=at,
        )
        self._cache.put_pnl(position.id, texts_from(fields))
        if has_risen:
            self._positions[position.id] = known
            self._mirror_position(known)

    def _mirror_position(self, position: Position) -> None:
        trail = position.trail
        if trail is None:
            return
        flags = PositionFlags(
            be_locked=trail.is_breakeven_locked,
            trailing_armed=trail.is_breakeven_locked,
            paper=position.is_paper,
            exit_pending=position.id in self._leaving,
        )
        self._cache.put_position(
            position.id,
            entry_price_paise=position.entry_price_paise,
            quantity=position.quantity,
            hwm_pnl_paise=position.hwm_pnl_paise,
            flags=flags,
        )
        self._cache.put_peaks(position.id, entry_price_paise=position.entry_price_paise, trail=trail)


def _held(position: Position) -> HeldPosition:
    return HeldPosition(
        entry_price_paise=position.entry_price_paise,
        quantity=position.quantity,
        opened_at=position.opened_at or position.created_at,
        segment=position.instrument.segment,
        security_id=position.instrument.security_id,
        symbol=position.instrument.symbol,
        side=position.side,
        direction=position.direction,
        index_key=position.index_key,
        order_no=position.orders[0].order_id if position.orders else "",
        is_paper=position.is_paper,
    )
