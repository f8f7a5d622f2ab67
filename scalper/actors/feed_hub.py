"""The single place that knows what is subscribed, and the fan-out of ticks.

Owns: subscriptions by owner, the held set, the newest tick of each security, the freshness of the feed.
Receives: FeedFrame, Subscribe, Unsubscribe, HeldChanged, Pulse.
Sends: HeldTicks before all else, IndexTicks, Ticks; FeedHealthChanged on the edge; to the feed: what is wanted.
Recovers from: the watchlist; others repeat their wishes when they learn that it restarted.
Limits: frames that wait are merged; of a security nobody holds only the newest tick of a burst goes on.
"""

from __future__ import annotations

from datetime import datetime

from scalper.actors.messages.feed import (
    FeedFrame,
    FeedHealthChanged,
    HeldChanged,
    HeldTicks,
    IndexTicks,
    Subscribe,
    Ticks,
    Unsubscribe,
)
from scalper.broker.ports import Feed
from scalper.domain.calendar import SessionTimes
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse

#: A feed whose newest tick is older is stale (REQUIREMENTS 4.3).
TICKS_AGE_MS_MAX = 10_000


class FeedHub(Actor):
    """Splits each frame: held securities tick by tick and first, then indices, then the newest of the rest."""

    def __init__(self, link: Link, *, feed: Feed, watchlist: tuple[str, ...], session: SessionTimes) -> None:
        super().__init__(link)
        self._feed = feed
        self._watchlist = watchlist
        self._session = session
        self._owners: dict[str, set[str]] = {}
        self._indices = frozenset(key for key in watchlist if key.startswith("IDX_I:"))
        self._held: frozenset[str] = frozenset()
        self._newest: dict[str, Tick] = {}
        self._last_at = session.opens_at
        self._is_fresh = True

    def recover(self, at: datetime) -> None:
        # Nobody has listened before this moment, so nothing is late yet.
        self._last_at = max(at, self._session.opens_at)
        self._owners = {key: {"watchlist"} for key in self._watchlist}
        self._feed.want(tuple(self._owners))

    @receives(FeedFrame)
    def on_frame(self, frame: FeedFrame) -> None:
        owners, held, indices = self._owners, self._held, self._indices
        wanted = [tick for tick in frame.ticks if tick.key in owners]
        if not wanted:
            return
        self._last_at = frame.at
        held_ticks = tuple(tick for tick in wanted if tick.key in held) if held else ()
        if held_ticks:
            self.publish(HeldTicks(at=frame.at, ticks=held_ticks))
        index_ticks = tuple(tick for tick in wanted if tick.key in indices)
        if index_ticks:
            self.publish(IndexTicks(at=frame.at, ticks=index_ticks))
        newest = {tick.key: tick for tick in wanted}
        self._newest.update(newest)
        self.publish(Ticks(at=frame.at, ticks=tuple(newest.values())))

    @receives(Subscribe)
    def on_subscribe(self, wish: Subscribe) -> None:
        new = tuple(key for key in wish.keys if key not in self._owners)
        for key in wish.keys:
            self._owners.setdefault(key, set()).add(wish.owner)
        if new:
            self._feed.want(new)

    @receives(Unsubscribe)
    def on_unsubscribe(self, wish: Unsubscribe) -> None:
        orphaned = []
        for key in wish.keys:
            owners = self._owners.get(key, set())
            owners.discard(wish.owner)
            if key in self._owners and not owners:
                del self._owners[key]
                self._newest.pop(key, None)
                orphaned.append(key)
        if orphaned:
            self._feed.drop(tuple(orphaned))

    @receives(HeldChanged)
    def on_held_changed(self, changed: HeldChanged) -> None:
        """A newly held security starts with the last tick known, as a broker sends one on subscription."""
        added = [key for key in changed.keys if key not in self._held]
        self._held = frozenset(changed.keys)
        known = tuple(self._newest[key] for key in added if key in self._newest)
        if known:
            self.publish(HeldTicks(at=changed.at, ticks=known))

    def on_restart_of(self, name: str, at: datetime) -> None:
        """RiskManager hears edges only, and a new one has not heard the last."""
        if name == "risk_manager" and not self._is_fresh:
            self._tell_health(at)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        if not self._session.opens_at <= pulse.at < self._session.closes_at:
            return
        is_fresh = self._age_ms(pulse.at) <= TICKS_AGE_MS_MAX
        if is_fresh is not self._is_fresh:
            self._is_fresh = is_fresh
            self._tell_health(pulse.at)

    def _tell_health(self, at: datetime) -> None:
        self.publish(FeedHealthChanged(at=at, is_fresh=self._is_fresh, age_ms=self._age_ms(at)))

    def _age_ms(self, at: datetime) -> int:
        return (us_from(at) - us_from(self._last_at)) // 1000
