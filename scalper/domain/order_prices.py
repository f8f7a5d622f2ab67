"""The limit of an order that must be filled now and must not be filled at any price.

Source: REQUIREMENTS 13.2 (`protected_limit`).
"""

from __future__ import annotations

from scalper.domain.orders import OrderSide
from scalper.domain.units import ceil_to_tick, floor_to_tick


def protected_limit(side: OrderSide, *, best_paise: int, cushion_ticks: int, tick_size_paise: int) -> int:
    """The best opposite price with a cushion beyond it, on the tick and at least one tick; 0 when no price is known.

    Args:
        side: A BUY pays up to the cushion above the ask, a SELL takes as little as the cushion below the bid.
        best_paise: Ask of a BUY, bid of a SELL; where that side is empty, the last price.
        cushion_ticks: How far beyond it.
        tick_size_paise: Smallest price step.
    """
    if best_paise <= 0:
        return 0
    cushion = cushion_ticks * tick_size_paise
    if side is OrderSide.BUY:
        return ceil_to_tick(best_paise + cushion, tick_size_paise)
    return max(floor_to_tick(best_paise - cushion, tick_size_paise), tick_size_paise)
