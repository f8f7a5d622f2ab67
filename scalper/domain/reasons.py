"""Why a position is left, as a closed list of codes. The tag sent and stored is computed from the code.

Source: REQUIREMENTS 13.1, 14.3.
"""

from __future__ import annotations

from enum import StrEnum


class ExitReason(StrEnum):
    """One code for each rule that can end a position."""

    KILL_SWITCH = "KILL_SWITCH"
    MANUAL = "MANUAL"
    CIRCUIT_BREAKER = "CIRCUIT_BREAKER"
    TIME_EXIT = "TIME_EXIT"
    SESSION_END = "SESSION_END"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    UNDERLYING_STRUCTURE = "UNDERLYING_STRUCTURE"
    UNDERLYING_TREND = "UNDERLYING_TREND"
    UNDERLYING_ATR = "UNDERLYING_ATR"
    TRAILING_STOP = "TRAILING_STOP"
    TRAILING_TIER = "TRAILING_TIER"
    PEAK_DRAWDOWN = "PEAK_DRAWDOWN"
    RECONCILE = "RECONCILE"


class StopSource(StrEnum):
    """Which rule set the stop in force."""

    INITIAL = "initial"
    TIER = "tier"
    TRAIL = "trail"
