"""The ticks of the last few minutes, made once for whoever asks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from threading import Lock

from scalper.domain.quotes import MINUTE_US, Tick

#: How far a quote looks back for a security that did not trade, in minutes.
QUOTE_LOOK_BACK_MINUTES = 10

_AT_US = attrgetter("at_us")


class _Minute:
    """The ticks of one minute, and by key when a quote is first asked for."""

    def __init__(self, ticks: tuple[Tick, ...]) -> None:
        self.ticks = ticks

    @cached_property
    def by_key(self) -> dict[str, list[Tick]]:
        found: dict[str, list[Tick]] = {}
        for tick in self.ticks:
            found.setdefault(tick.key, []).append(tick)
        return found


class RecentMinutes:
    """Keeps the ticks of as many minutes as a quote may look back over; safe on threads.

    The player and a reader of quotes ask for the same minutes; the lock makes each of them once.

    Args:
        make: The ticks of the minute that starts at some UTC microseconds, by `at_us`.
    """

    def __init__(self, make: Callable[[int], tuple[Tick, ...]]) -> None:
        self._make = make
        self._kept: dict[int, _Minute] = {}
        self._lock = Lock()

    def ticks(self, minute_us: int) -> tuple[Tick, ...]:
        """The ticks of the minute that starts at `minute_us`."""
        with self._lock:
            return self._minute(minute_us).ticks

    def last(self, key: str, at_us: int) -> Tick | None:
        """The last tick of `key` at or before `at_us`, at most ten minutes before its minute; None without one."""
        minute_us = at_us - at_us % MINUTE_US
        with self._lock:
            for back in range(QUOTE_LOOK_BACK_MINUTES + 1):
                ticks = self._minute(minute_us - back * MINUTE_US).by_key.get(key, [])
                count = bisect_right(ticks, at_us, key=_AT_US)
                if count:
                    return ticks[count - 1]
        return None

    def _minute(self, minute_us: int) -> _Minute:
        """The minute, made if need be; the one asked for longest ago makes room."""
        minute = self._kept.pop(minute_us, None) or _Minute(self._make(minute_us))
        self._kept[minute_us] = minute
        if len(self._kept) > QUOTE_LOOK_BACK_MINUTES + 2:
            del self._kept[next(iter(self._kept))]
        return minute
