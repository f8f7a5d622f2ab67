"""Turns a clock into Pulse letters, so that time reaches actors as data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

from scalper.message import Message
from scalper.runtime.clock import Clock

#: A Pulse every so much of market time.
PULSE_EVERY = timedelta(milliseconds=250)
#: Never oftener than this on the wall: a market played fast must not drown its actors in pulses.
PULSE_WALL_S_MIN = 0.005


class Pulse(Message, frozen=True, kw_only=True):
    """The heartbeat says: it is `at`."""


class Heartbeat:
    """Sends a Pulse when the clock has moved on; `beat` by hand in tests, a thread in a running program.

    `failed` is told, with a reason, when the thread can go on no longer: without pulses no rule of time holds.
    """

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Pulse], object],
        *,
        wall_every_s: float,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._failed = failed
        self._wall_every_s = max(wall_every_s, PULSE_WALL_S_MIN)
        self._last: datetime | None = None
        self._stopping = Event()
        self._thread: Thread | None = None

    def beat(self) -> None:
        """Send one Pulse if the clock has moved by a quarter of a second since the last; back counts too."""
        now = self._clock.now()
        if self._last is None or abs(now - self._last) >= PULSE_EVERY:
            self._last = now
            self._publish(Pulse(at=now))

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._wall_every_s):
                self.beat()
        finally:
            if not self._stopping.is_set():
                self._failed("the heartbeat has stopped: no rule of time holds any more")
