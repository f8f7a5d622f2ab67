"""Days of India as spans of stored times."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from scalper.domain.times import ist, us_from


def start_us(day: date) -> int:
    """UTC microseconds of midnight in India at which a day begins."""
    return us_from(ist(day, time()))


def end_us(day: date) -> int:
    """UTC microseconds at which the next day begins: no time of the day is there yet."""
    return start_us(day + timedelta(days=1))


def within_day(column: Any, day: date) -> Any:
    """The condition that a stored time is on a day of India."""
    return (column >= start_us(day)) & (column < end_us(day))
