"""A whole day at full speed, as a trader runs it: by `bin/scalper`, from nothing to the summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bench.child import SCALPER, cost_of
from bench.figures import Figure

#: The goal of a recorded NIFTY day, about 240,000 ticks, on two shared cores; a day of many more ticks has none.
WALL_S_MAX = 10.0
WALL_GOAL_TICKS_MAX = 300_000
RSS_MB_MAX = 250.0


class _Summary(msgspec.Struct, frozen=True):
    ticks: int
    letters: int


def measure(days: Sequence[Path]) -> list[Figure]:
    """Each of the recorded days; without one, the built-in market's first day."""
    return [figure for day in days for figure in _day(day)] if days else _day(None)


def _day(day: Path | None) -> list[Figure]:
    source = ["--day", str(day)] if day is not None else ["--market", "builtin"]
    with TemporaryDirectory(prefix="scalper-bench-") as home:
        cost = cost_of([SCALPER, "run", *source, "--speed", "max", "--json", "--home", home])
    summary = msgspec.json.decode(cost.stdout, type=_Summary)
    name = day.name if day is not None else "built-in day"
    wall_s_max = WALL_S_MAX if summary.ticks <= WALL_GOAL_TICKS_MAX else None
    return [
        Figure(name=f"{name}: wall, start included", value=cost.wall_s, unit="s", goal_max=wall_s_max),
        Figure(name=f"{name}: processor", value=cost.cpu_s, unit="s"),
        Figure(name=f"{name}: memory at its peak", value=cost.rss_mb, unit="MB", goal_max=RSS_MB_MAX),
        Figure(name=f"{name}: ticks", value=summary.ticks, unit="ticks"),
        Figure(name=f"{name}: letters", value=summary.letters, unit="letters"),
        Figure(name=f"{name}: processor a letter", value=cost.cpu_s / summary.letters * 1e6, unit="us"),
    ]
