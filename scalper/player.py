"""Plays a market: frames and pulses in market time, as fast as may be or at a multiple of the wall clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event, Thread

from scalper.actors.messages.feed import FeedFrame
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from scalper.runtime.clock import PlayedClock, monotonic_s
from scalper.runtime.heartbeat import PULSE_EVERY, Pulse
from scalper.tape.market import Market

_MINUTE = timedelta(minutes=1)
#: The wall clock is not looked at for shorter waits.
WAIT_S_MIN = 0.001


class PlayedFeed:
    """The feed port of a played market: remembers what is wanted, as a socket would.

    Attributes:
        wanted: Keys asked for; replaced, never changed, so that the player may read it from its thread.
    """

    def __init__(self) -> None:
        self.wanted: frozenset[str] = frozenset()

    def want(self, keys: tuple[str, ...]) -> None:
        self.wanted = self.wanted.union(keys)

    def drop(self, keys: tuple[str, ...]) -> None:
        self.wanted = self.wanted.difference(keys)


def slots(market: Market, start: datetime) -> Iterator[tuple[datetime, tuple[Tick, ...]]]:
    """The market from `start` on in quarters of a second: (end of the slot, its ticks by time)."""
    minute = start.replace(second=0, microsecond=0)
    while minute < market.closes_at:
        ticks = market.ticks(minute) if minute >= market.opens_at else ()
        yield from _slots_of_minute(minute, ticks, start)
        minute += _MINUTE


def _slots_of_minute(
    minute: datetime, ticks: tuple[Tick, ...], start: datetime
) -> Iterator[tuple[datetime, tuple[Tick, ...]]]:
    place, count = 0, len(ticks)
    slot_us = PULSE_EVERY // timedelta(microseconds=1)
    end_us = us_from(minute)
    end = minute
    for _ in range(_MINUTE // PULSE_EVERY):
        end += PULSE_EVERY
        end_us += slot_us
        first = place
        while place < count and ticks[place].at_us < end_us:
            place += 1
        if end > start:
            yield end, ticks[first:place]


class Player:
    """Plays one market.

    Attributes:
        ticks: Ticks played so far.
        at: Market time reached.
    """

    def __init__(self, market: Market, feed: PlayedFeed, start: datetime, end: datetime) -> None:
        """Play from `start` (exclusive) to `end`: pulses go on to the end when the market has none left."""
        self.ticks = 0
        self.at = start
        self._market = market
        self._feed = feed
        self._start = start
        self._end = end

    def moments(self) -> Iterator[tuple[FeedFrame | None, Pulse]]:
        """Quarter by quarter of a second: the frame of what was wanted, None when there was nothing; and the pulse."""
        for at, ticks in self._slots():
            self.at = at
            wanted = self._wanted(ticks)
            self.ticks += len(wanted)
            yield FeedFrame(at=at, ticks=wanted) if wanted else None, Pulse(at=at)

    def _slots(self) -> Iterator[tuple[datetime, tuple[Tick, ...]]]:
        at = self._start
        for at, ticks in slots(self._market, self._start):
            yield at, ticks
        while at < self._end:
            at += PULSE_EVERY
            yield at, ()

    def _wanted(self, ticks: tuple[Tick, ...]) -> tuple[Tick, ...]:
        wanted = self._feed.wanted
        if len(wanted) >= len(self._market.instruments):
            return ticks
        return tuple(tick for tick in ticks if tick.key in wanted)


class PacedPlayer(Thread):
    """A player on a thread of its own that keeps `speed` times the wall clock; time waits for slow listeners.

    Attributes:
        player: What it plays.
        error: What ended it early; None when it came to the end or was stopped.
    """

    def __init__(
        self,
        player: Player,
        clock: PlayedClock,
        speed: float,
        publish: Callable[[FeedFrame], object],
        is_behind: Callable[[], bool],
    ) -> None:
        super().__init__(name="player", daemon=True)
        self.player = player
        self.error: BaseException | None = None
        self._clock = clock
        self._speed = speed
        self._publish = publish
        self._is_behind = is_behind
        self._stopping = Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            self._play()
        except Exception as error:  # noqa: BLE001 - handed to the main thread, which ends the run with it
            self.error = error

    def _play(self) -> None:
        origin, origin_s = self.player.at, monotonic_s()
        for frame, pulse in self.player.moments():
            due_s = origin_s + (pulse.at - origin).total_seconds() / self._speed
            lead_s = due_s - monotonic_s()
            if (lead_s > WAIT_S_MIN and self._stopping.wait(lead_s)) or self._stopping.is_set():
                return
            while self._is_behind():
                if self._stopping.wait(WAIT_S_MIN):
                    return
                # Time stood still meanwhile: the rest of the day is not hurried to make up for it.
                origin_s += WAIT_S_MIN
            self._clock.set(pulse.at)
            if frame is not None:
                self._publish(frame)
