"""How far apart pulses are, in market time and on the wall, while the built-in market is played on threads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Timer

from bench.figures import Figure, ms_between, percentile
from bench.ground import Ground, a_ground
from scalper.actors.dashboard import Picture
from scalper.player import PlayedFeed, Player
from scalper.runtime.heartbeat import PULSE_EVERY, PULSE_WALL_S_MIN
from scalper.trees import Stage, ThreadedPlay

SPEEDS = (1.0, 60.0, 600.0)
PLAY_S = 4.0


def measure(days: Sequence[Path]) -> list[Figure]:
    """The spacing at each speed."""
    return [figure for speed in SPEEDS for figure in _at_speed(speed)]


class _Nobody:
    """Looks at nothing."""

    def look(self, picture: Picture) -> None:
        """This is how things stand."""

    def wants_a_look(self) -> bool:
        return False


def _at_speed(speed: float) -> list[Figure]:
    with a_ground() as ground:
        _play(ground, speed)
    wall_ms = [ms_between(before[0], after[0]) for before, after in pairwise(ground.notes.pulses)]
    market = [after[1] - before[1] for before, after in pairwise(ground.notes.pulses)]
    market_ms = [gap / timedelta(milliseconds=1) for gap in market]
    name = f"speed {speed:g}"
    return [
        Figure(name=f"{name}: market time between pulses, p50", value=percentile(market_ms, 50), unit="ms"),
        Figure(name=f"{name}: market time between pulses, p99", value=percentile(market_ms, 99), unit="ms"),
        Figure(name=f"{name}: wall between pulses, p50", value=percentile(wall_ms, 50), unit="ms"),
        Figure(name=f"{name}: wall between pulses, p99", value=percentile(wall_ms, 99), unit="ms"),
        Figure(
            name=f"{name}: pulses closer than {PULSE_EVERY / timedelta(milliseconds=1):g} ms of market time",
            value=sum(gap < PULSE_EVERY for gap in market),
            goal_max=0,
        ),
        Figure(
            name=f"{name}: pulses a second of wall",
            value=1e3 / (sum(wall_ms) / len(wall_ms)),
            unit="1/s",
            goal_max=1 / PULSE_WALL_S_MIN,
        ),
    ]


def _play(ground: Ground, speed: float) -> None:
    """A few seconds of wall, the whole tree at work."""
    feed = ground.ports.feed
    assert isinstance(feed, PlayedFeed)
    stopping = Event()
    stage = Stage(
        desk=ground.desk,
        ports=ground.ports,
        switchboard=ground.switchboard,
        journal=ground.journal,
        player=Player(ground.market, feed, ground.start, ground.market.closes_at),
        viewer=_Nobody(),
        stopping=stopping,
        start=ground.start,
        seed=ground.market.seed,
        crash_after={},
    )
    timer = Timer(PLAY_S, stopping.set)
    timer.start()
    ThreadedPlay(stage, speed).run()
    timer.cancel()
