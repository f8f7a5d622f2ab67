"""Names and lives of what is mirrored in Redis: all of it can be rebuilt from the database, ticks excepted.

Source: REQUIREMENTS 8.4, 15, 17.
"""

from __future__ import annotations

from datetime import date

_HOUR_S = 3600

#: Lives in seconds. Of a hash that is written again it is renewed when less than half is left.
PNL_TTL_S = 6 * _HOUR_S
POSITION_TTL_S = 6 * _HOUR_S
PEAKS_TTL_S = 7 * 24 * _HOUR_S
REENTRY_TTL_S = 8 * _HOUR_S
#: One hour more than a day, so that a limit outlives the session it is about whenever that was first written.
DAILY_LIMITS_TTL_S = 25 * _HOUR_S

PNL_PREFIX = "pnl:tracker:"

#: The scope of a daily limit over all indices.
GLOBAL = "global"


def tick_key(instrument_key: str) -> str:
    """The last tick of a security; never expires, TickCache deletes what is old."""
    return f"tick:{instrument_key}"


def pnl_key(position_id: int) -> str:
    """The live P&L of a position."""
    return f"{PNL_PREFIX}{position_id}"


def position_key(position_id: int) -> str:
    """Entry, quantity, high water mark and flags of an open position."""
    return f"pos:{position_id}"


def peaks_key(position_id: int) -> str:
    """Peak, stop and lock of an open position."""
    return f"position_peaks:{position_id}"


def reentry_key(account_id: str, index_key: str) -> str:
    """When an account last left an index."""
    return f"reentry:{account_id}:{index_key}"


def daily_limits_key(account_id: str, kind: str, day: date, scope: str) -> str:
    """What an account has lost, or how often it has traded (`loss`, `trades`), on a day in an index or `global`."""
    return f"daily_limits:{account_id}:{kind}:{day.isoformat()}:{scope}"


def circuit_key(account_id: str) -> str:
    """The trip that keeps an account out until the next trading day."""
    return f"risk:circuit_breaker:{account_id}:tripped"
