"""Supervision as data: what a child is, how often it may fail, and what giving up means."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from scalper.runtime.actor import Actor, Link


class GiveUp(StrEnum):
    """What happens when a child fails more often than its window allows."""

    EXIT_PROCESS = "EXIT_PROCESS"
    REDUCE = "REDUCE"
    CARRY_ON = "CARRY_ON"


class RestartWindow(msgspec.Struct, frozen=True, kw_only=True):
    """At most `restarts_max` restarts within `window_s`; one more is not bad luck."""

    restarts_max: int
    window_s: float


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Waiting before a restart: doubles from `first_s` to `max_s`, spread by `jitter_ratio` either way."""

    first_s: float
    max_s: float
    jitter_ratio: float

    def delay_s(self, failures: int, chance: random.Random) -> float:
        """Seconds to wait after the `failures`-th failure in a row (from 1)."""
        base = min(self.first_s * 2.0 ** min(failures - 1, 30), self.max_s)
        return max(0.0, base * (1 + chance.uniform(-self.jitter_ratio, self.jitter_ratio)))


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One child of Root.

    Attributes:
        make: Builds one incarnation around its link; does no I/O.
        kind: Its class, for the routing table.
        hang_s: Longest time it may take over one letter before it counts as hung.
        mailbox_limit, is_dropping: See Mailbox.
    """

    name: str
    kind: type[Actor]
    make: Callable[[Link], Actor]
    window: RestartWindow
    backoff: Backoff
    on_give_up: GiveUp
    hang_s: float = 10.0
    mailbox_limit: int = 100_000
    is_dropping: bool = False


class RestartLedger:
    """Remembers the failures of one child and answers: restart after so long, or give up.

    Attributes:
        failures: All failures so far, also those the window has forgotten.
    """

    def __init__(self, spec: ChildSpec, seed: int) -> None:
        self._spec = spec
        # Seeded by name, so that equal inputs wait equally; the jitter only has to differ between children.
        self._chance = random.Random(f"{seed}:{spec.name}")
        self._failures: deque[float] = deque()
        self.failures = 0

    def delay_after_failure(self, now_s: float) -> float | None:
        """Seconds until the restart; None when the window is used up."""
        window = self._spec.window
        while self._failures and now_s - self._failures[0] > window.window_s:
            self._failures.popleft()
        self._failures.append(now_s)
        self.failures += 1
        if len(self._failures) > window.restarts_max:
            return None
        return self._spec.backoff.delay_s(len(self._failures), self._chance)


def crash_text(error: BaseException) -> str:
    """An exception as one line for people and logs."""
    return f"{type(error).__name__}: {error}"
