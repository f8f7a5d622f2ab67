"""A figure that was measured, what several goes at it come to, and the arithmetic of samples."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One go's answer to one question.

    Attributes:
        name: What was measured, in words for the table.
        unit: Of `value`; empty for a ratio.
        goal_max: More than this misses the goal; None where there is no goal.
    """

    name: str
    value: float
    unit: str = ""
    goal_max: float | None = None


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """One figure over several goes; the goal is held against the median."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    goal_max: float | None
    is_goal_met: bool | None


def ranges_of(goes: Sequence[Sequence[Figure]]) -> list[Range]:
    """The ranges of all figures, in the order of the first go."""
    by_name: dict[str, list[Figure]] = {}
    for figure in (figure for go in goes for figure in go):
        by_name.setdefault(figure.name, []).append(figure)
    return [_range(figures) for figures in by_name.values()]


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` of them do not exceed; `samples` is not empty."""
    ordered = sorted(samples)
    place = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(place) - 1)]


def spread(name: str, samples_ms: Sequence[float], p50_max: float | None, p99_max: float | None) -> list[Figure]:
    """Median, 99th percentile and worst of samples in milliseconds, as figures."""
    return [
        Figure(name=f"{name}, p50", value=percentile(samples_ms, 50), unit="ms", goal_max=p50_max),
        Figure(name=f"{name}, p99", value=percentile(samples_ms, 99), unit="ms", goal_max=p99_max),
        Figure(name=f"{name}, worst", value=max(samples_ms), unit="ms"),
    ]


def ms_between(begin_ns: int, end_ns: int) -> float:
    return (end_ns - begin_ns) / 1e6


def encoded(value: Any) -> str:
    """One line of JSON, numbers as short as is honest."""
    return msgspec.json.encode(value).decode()


def _range(figures: Sequence[Figure]) -> Range:
    values = [figure.value for figure in figures]
    first, middle = figures[0], median(values)
    return Range(
        name=first.name,
        unit=first.unit,
        median=_short(middle),
        low=_short(min(values)),
        high=_short(max(values)),
        goal_max=first.goal_max,
        is_goal_met=None if first.goal_max is None else middle <= first.goal_max,
    )


def _short(value: float) -> float:
    """Three decimals: more would claim what no shared machine can tell."""
    return round(value, 3)
