"""Whether the desk buys, only leaves, or is out.

Source: REQUIREMENTS 1.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING only leaves; HALTED is flat or becoming so."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


#: The cause of a tripped circuit; it stands before all others.
CIRCUIT = "circuit"


def trading_state_of(causes: Iterable[str], *, is_tripped: bool) -> tuple[TradingState, tuple[str, ...]]:
    """The state, and every cause that holds, the circuit first, the others by name."""
    told = tuple(sorted(causes))
    if is_tripped:
        return TradingState.HALTED, (CIRCUIT, *told)
    return (TradingState.REDUCING if told else TradingState.ACTIVE), told
