"""How strong a trend is, whichever way it goes.

Source: REQUIREMENTS 6.1.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from scalper.domain.indicators.atr import TrueRange
from scalper.domain.indicators.smoothing import SeededMean, Series, WilderSum, series_from


class AdxReading(msgspec.Struct, frozen=True, gc=False):
    """The state after one candle, in points from 0 to 100; `adx` is None until 2n candles."""

    adx: float | None
    plus_di: float
    minus_di: float


class AdxSeries(NamedTuple):
    """One value per candle; NaN where there is none yet."""

    adx: Series
    plus_di: Series
    minus_di: Series


class Adx:
    """ADX(n) with both directional indicators, by Wilder; a zero denominator gives 0, never NaN."""

    def __init__(self, period: int = 14) -> None:
        self._true_range = TrueRange()
        self._ranges = WilderSum(period)
        self._rises = WilderSum(period)
        self._falls = WilderSum(period)
        self._mean = SeededMean(period)
        self._alpha = 1.0 / period
        self._extremes: tuple[float, float] | None = None

    def update(self, high: float, low: float, close: float) -> AdxReading | None:
        """The reading with this candle in it; None until n + 1 candles, its `adx` None until 2n.

        Raises:
            ValueError: A price is NaN, infinite or not above zero, or the low is above the high; nothing changed.
        """
        true_range = self._true_range.update(high, low, close)
        previous, self._extremes = self._extremes, (high, low)
        if previous is None:
            return None
        rise, fall = _directional_moves(high - previous[0], previous[1] - low)
        ranges, rises, falls = self._ranges.update(true_range), self._rises.update(rise), self._falls.update(fall)
        if ranges is None or rises is None or falls is None:
            return None
        plus_di, minus_di = _percent(rises, ranges), _percent(falls, ranges)
        spread = _percent(abs(plus_di - minus_di), plus_di + minus_di)
        return AdxReading(self._mean.update(spread, self._alpha), plus_di, minus_di)


def _directional_moves(up: float, down: float) -> tuple[float, float]:
    """The move past the previous high, and past the previous low: the larger one counts, the other is 0."""
    return (up if up > down and up > 0 else 0.0), (down if down > up and down > 0 else 0.0)


def _percent(part: float, whole: float) -> float:
    return 100.0 * (part / whole) if whole else 0.0


def adx_series(high: Series, low: Series, close: Series, period: int = 14) -> AdxSeries:
    """ADX, +DI and -DI per candle, arrays of shape (n,), oldest first; DI from index n, ADX from 2n - 1."""
    adx = Adx(period)
    candles = zip(high.tolist(), low.tolist(), close.tolist(), strict=True)
    readings = [adx.update(*candle) for candle in candles]
    return AdxSeries(
        adx=series_from([None if reading is None else reading.adx for reading in readings]),
        plus_di=series_from([None if reading is None else reading.plus_di for reading in readings]),
        minus_di=series_from([None if reading is None else reading.minus_di for reading in readings]),
    )
