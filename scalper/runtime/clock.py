"""The only place that reads a clock: of the wall, or of a market that is being played."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from typing import Protocol


class Clock(Protocol):
    """Says what time it is where the market is."""

    def now(self) -> datetime:
        """Aware time in the market's zone."""


class WallClock:
    """The computer's clock in the market's zone. Under freezegun it stands still, as it should."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def now(self) -> datetime:
        return datetime.now(self._zone)


class PlayedClock:
    """The clock of a played market: it shows what the player last set, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        """Move forward to `at`; an earlier time is ignored, since time that was told cannot be untold."""
        if at > self._now:
            self._now = at


def monotonic_s() -> float:
    """Seconds on a clock that never jumps: for deadlines of the process, never for a rule."""
    # Read from the system itself: a test that freezes time freezes `time.monotonic`, and deadlines would jump with it.
    return time.clock_gettime(time.CLOCK_MONOTONIC)
