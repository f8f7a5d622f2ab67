"""Money in integer paise, ratios in integer basis points, and the few roundings there are.

Source: REQUIREMENTS 1.1.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

#: Basis points in one whole (1.0000).
BPS = 10_000


def paise_from_rupees(rupees: float | str | Decimal) -> int:
    """Rupees to the nearest paisa, halves away from zero; a float is read by its shortest text."""
    exact = Decimal(str(rupees)) * 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def rupees_from_paise(paise: int) -> float:
    """Paise as rupees, for people and JSON only."""
    return paise / 100


def bps_from_ratio(ratio: float | str | Decimal) -> int:
    """A fraction (0.30) as basis points (3000), halves away from zero."""
    exact = Decimal(str(ratio)) * BPS
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def round_half_away(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, halves away from zero.

    Python's `round` goes to even: round(25725 / 50) is 514, wanted 515.
    """
    if denominator <= 0:
        raise ValueError(f"denominator must be positive, got {denominator}")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def floor_to_tick(price_paise: int, tick_size_paise: int) -> int:
    """The highest price on the tick that is not above `price_paise`."""
    return price_paise // tick_size_paise * tick_size_paise


def ceil_to_tick(price_paise: int, tick_size_paise: int) -> int:
    """The lowest price on the tick that is not below `price_paise`."""
    return -(-price_paise // tick_size_paise) * tick_size_paise


def floor_bps(price_paise: int, bps: int) -> int:
    """`price x bps / 10000`, rounded down to the paisa: the level of a stop."""
    return price_paise * bps // BPS


def ceil_bps(price_paise: int, bps: int) -> int:
    """`price x bps / 10000`, rounded up to the paisa: the level of a target."""
    return -(-price_paise * bps // BPS)


def pct_points(numerator: int, denominator: int) -> float:
    """`numerator / denominator` in percent points with 4 decimals, for rows, Redis and reports."""
    return round(numerator / denominator * 100, 4)
