"""The last tick of every subscribed security.

Owns: the last tick of a security.
Receives: Ticks, GetTicks, HeldChanged, Pulse.
Sends: TicksFound to whoever asked; to Redis: `tick:` of indices and held securities.
Recovers from: nothing; ticks are new within seconds, and nobody decides on one without looking at its age.
Limits: bursts are merged; at most one write to Redis per security and Pulse.
"""

from __future__ import annotations

from scalper.actors.messages.feed import GetTicks, HeldChanged, Ticks, TicksFound
from scalper.domain.quotes import Tick
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.store.cache import Cache


class TickCache(Actor):
    """Answers what a security last traded at, and when."""

    def __init__(self, link: Link, *, cache: Cache, indices: tuple[str, ...]) -> None:
        super().__init__(link)
        self._cache = cache
        self._indices = indices
        self._held: tuple[str, ...] = ()
        self._ticks: dict[str, Tick] = {}
        self._mirrored: dict[str, Tick] = {}

    @receives(Ticks)
    def on_ticks(self, message: Ticks) -> None:
        ticks = self._ticks
        for tick in message.ticks:
            # A price of zero is no price: the last true one stays (REQUIREMENTS 4.2).
            if tick.ltp_paise > 0:
                ticks[tick.key] = tick

    @receives(GetTicks)
    def on_get_ticks(self, query: GetTicks) -> None:
        found = tuple(self._ticks.get(key) for key in query.keys)
        self.send(query.reply_to, TicksFound(at=query.at, request=query.request, ticks=found))

    @receives(HeldChanged)
    def on_held_changed(self, changed: HeldChanged) -> None:
        dropped = [key for key in self._held if key not in changed.keys]
        for key in dropped:
            self._mirrored.pop(key, None)
        if dropped:
            self._cache.clear_ticks(dropped)
        self._held = changed.keys

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        for key in (*self._indices, *self._held):
            tick = self._ticks.get(key)
            if tick is not None and self._mirrored.get(key) is not tick:
                self._mirrored[key] = tick
                self._cache.put_tick(tick)
