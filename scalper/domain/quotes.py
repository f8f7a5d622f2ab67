"""Ticks and candles: the smallest facts about a price."""

from __future__ import annotations

import msgspec


class Tick(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last trade and the best quote of one security at one moment. Prices in paise, 0 = not known.

    Attributes:
        key: Instrument key.
        at_us: When the exchange made it, UTC microseconds since 1970.
        ltp_paise: Last traded price; of an index, its value.
        bid_paise, ask_paise: Best prices; 0 when that side is empty.
        bid_quantity, ask_quantity: Units shown at the best prices.
        volume: Units traded in the day so far.
        open_interest: Units open.
    """

    key: str
    at_us: int
    ltp_paise: int
    bid_paise: int = 0
    ask_paise: int = 0
    bid_quantity: int = 0
    ask_quantity: int = 0
    volume: int = 0
    open_interest: int = 0


def tick_age_ms(tick: Tick | None, now_us: int) -> int | None:
    """Age of a usable price, None when there is none; a tick a moment ahead of `now_us` counts as new."""
    if tick is None or tick.ltp_paise <= 0:
        return None
    return max(0, (now_us - tick.at_us) // 1000)


def newer_tick(left: Tick | None, right: Tick | None) -> Tick | None:
    """The younger of two ticks; the one there is when the other is missing."""
    if left is None or right is None:
        return left or right
    return max(left, right, key=lambda tick: tick.at_us)


class Candle(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Open, high, low and close of one closed interval, in paise; `start_us` is its START (UTC microseconds)."""

    start_us: int
    open_paise: int
    high_paise: int
    low_paise: int
    close_paise: int
    volume: int = 0


MINUTE_US = 60_000_000
