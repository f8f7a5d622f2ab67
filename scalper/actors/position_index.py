"""Which securities have a pending or open position.

Owns: security -> positions, by instrument key (security ids repeat across segments).
Receives: PositionSnapshot, PositionPending, PositionOpened, PositionClosed, PositionCancelled.
Sends: HeldChanged whenever the set of keys is another; Subscribe and Unsubscribe of the keys.
Recovers from: PositionTracker's snapshot.
Limits: one entry a position; keys sorted, so that equal sets make equal letters.
"""

from __future__ import annotations

from datetime import datetime

from scalper.actors.messages.feed import HeldChanged, Subscribe, Unsubscribe
from scalper.actors.messages.positions import (
    PositionCancelled,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionSnapshot,
    ReportPositions,
)
from scalper.domain.position_index import PositionIndexTable
from scalper.domain.positions import Position
from scalper.runtime.actor import Actor, Link, receives


class PositionIndex(Actor):
    """Keeps the held set of the tick route."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._table = PositionIndexTable()

    def recover(self, at: datetime) -> None:
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        self._table = PositionIndexTable()
        for position in snapshot.open_positions:
            self._table.add(position.id, position.instrument.key)
        self.resume()
        self._tell(snapshot.at)

    @receives(PositionPending, PositionOpened)
    def on_added(self, message: PositionPending | PositionOpened) -> None:
        if self._table.add(message.position.id, message.position.instrument.key):
            self._tell(message.at)

    @receives(PositionClosed, PositionCancelled)
    def on_removed(self, message: PositionClosed | PositionCancelled) -> None:
        position = message.position
        if self._table.remove(position.id, position.instrument.key):
            self.send("feed_hub", Unsubscribe(at=message.at, keys=(position.instrument.key,), owner=_owner(position)))
            self._held_changed(message.at)

    def on_restart_of(self, name: str, at: datetime) -> None:
        """A new FeedHub knows its watchlist only: tell it again what is held."""
        if name in ("feed_hub", "tick_cache"):
            self._tell(at)

    def _tell(self, at: datetime) -> None:
        for position_id, key in self._table.entries():
            self.send("feed_hub", Subscribe(at=at, keys=(key,), owner=f"position:{position_id}"))
        self._held_changed(at)

    def _held_changed(self, at: datetime) -> None:
        self.publish(HeldChanged(at=at, keys=self._table.keys()))


def _owner(position: Position) -> str:
    return f"position:{position.id}"
