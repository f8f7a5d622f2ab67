"""The mark of every open position.

Owns: last price and P&L of an open position, and since when it is in profit.
Receives: HeldTicks, QuotesFetched, PositionSnapshot, PositionOpened, PositionChanged, PositionClosed.
Sends: PositionMarked for every tick of a held security; PositionProfitChanged on the edge.
Recovers from: PositionTracker's snapshot.
Limits: a tick older than the last one of its security is dropped; one tick kept a security once held.
"""

from __future__ import annotations

from datetime import datetime

from scalper.actors.messages.feed import HeldTicks, QuotesFetched
from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionMarked,
    PositionOpened,
    PositionProfitChanged,
    PositionSnapshot,
    ReportPositions,
)
from scalper.domain.exits import is_price_fresh
from scalper.domain.pnl import pnl_paise
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from scalper.runtime.actor import Actor, Link, receives


class ActiveCache(Actor):
    """Marks positions to the tick."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._by_key: dict[str, dict[int, Position]] = {}
        self._last: dict[str, Tick] = {}
        self._in_profit: set[int] = set()

    def recover(self, at: datetime) -> None:
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        for position in snapshot.open_positions:
            self._put(position)
        self.resume()

    @receives(PositionOpened, PositionChanged)
    def on_position(self, message: PositionOpened | PositionChanged) -> None:
        """A position that opens is marked with the last tick there was, if it is young enough to decide on."""
        self._put(message.position)
        tick = self._last.get(message.position.instrument.key)
        is_young = tick is not None and is_price_fresh(tick.at_us, us_from(message.at))
        if isinstance(message, PositionOpened) and tick is not None and is_young:
            self._mark(message.position, tick, message.at)

    @receives(PositionClosed)
    def on_closed(self, closed: PositionClosed) -> None:
        position = closed.position
        held = self._by_key.get(position.instrument.key, {})
        held.pop(position.id, None)
        self._in_profit.discard(position.id)
        if not held:
            self._by_key.pop(position.instrument.key, None)

    @receives(HeldTicks)
    def on_ticks(self, message: HeldTicks) -> None:
        for tick in message.ticks:
            if self._is_new(tick):
                for position in tuple(self._by_key.get(tick.key, {}).values()):
                    self._mark(position, tick, message.at)

    @receives(QuotesFetched)
    def on_quotes(self, answer: QuotesFetched) -> None:
        """A quote asked for because the socket had nothing young; it counts like a tick."""
        ticks = tuple(tick for tick in answer.ticks if tick is not None)
        self.on_ticks(HeldTicks(at=answer.at, ticks=ticks))

    def _mark(self, position: Position, tick: Tick, at: datetime) -> None:
        pnl = pnl_paise(
            entry_price_paise=position.entry_price_paise, ltp_paise=tick.ltp_paise, quantity=position.quantity
        )
        self.publish(
            PositionMarked(
                at=at,
                position_id=position.id,
                key=tick.key,
                ltp_paise=tick.ltp_paise,
                bid_paise=tick.bid_paise,
                tick_at_us=tick.at_us,
                pnl_paise=pnl,
            )
        )
        if (pnl > 0) is not (position.id in self._in_profit):
            self._turn(position.id, pnl > 0, at)

    def _turn(self, position_id: int, is_in_profit: bool, at: datetime) -> None:
        if is_in_profit:
            self._in_profit.add(position_id)
        else:
            self._in_profit.discard(position_id)
        since = at if is_in_profit else None
        self.publish(PositionProfitChanged(at=at, position_id=position_id, since=since))

    def _is_new(self, tick: Tick) -> bool:
        last = self._last.get(tick.key)
        if tick.ltp_paise <= 0 or (last is not None and tick.at_us < last.at_us):
            return False
        self._last[tick.key] = tick
        return True

    def _put(self, position: Position) -> None:
        if position.status is PositionStatus.ACTIVE:
            self._by_key.setdefault(position.instrument.key, {})[position.id] = position
            if position.profitable_since is not None:
                self._in_profit.add(position.id)
