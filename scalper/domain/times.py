"""Time as data: aware datetimes in Asia/Kolkata for rules, UTC microseconds for storage and ticks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: The only zone in which rules speak.
IST = ZoneInfo("Asia/Kolkata")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def us_from(at: datetime) -> int:
    """UTC microseconds since 1970 of an aware time, exactly (no float between)."""
    return (at - _EPOCH) // _MICROSECOND


def ist_from_us(at_us: int) -> datetime:
    """The aware Asia/Kolkata time of UTC microseconds since 1970."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(IST)


def ist(day: date, clock: time) -> datetime:
    """The aware time at which the wall clock of India shows `clock` on `day`."""
    return datetime.combine(day, clock, tzinfo=IST)
