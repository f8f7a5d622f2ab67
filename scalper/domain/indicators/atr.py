"""True range and its averages: Wilder's, and the one that quickens when the market grows calm.

Source: REQUIREMENTS 6.1, 6.2.
"""

from __future__ import annotations

import math
from collections import deque
from enum import StrEnum
from typing import Protocol

from scalper.domain.indicators.smoothing import SeededMean, Series, checked_positive, series_from

#: Returns in the short window: between the last 20 closes.
_SHORT_RETURNS = 19
#: Returns in the long window: between the last 101 closes.
_LONG_RETURNS = 100
#: Candles before the volatility factor leaves 1.0.
_CALM_CANDLES = 20
#: Keeps the ratio of two tiny volatilities from blowing up.
_EPSILON = 1e-8


class AtrMode(StrEnum):
    """How Supertrend averages true ranges."""

    ADAPTIVE = "adaptive"
    WILDER = "wilder"


class Atr(Protocol):
    """An average true range, fed candle by candle."""

    def update(self, high: float, low: float, close: float) -> float | None:
        """The ATR in rupees with this candle in it; None while there are too few candles."""


class TrueRange:
    """How far price travelled since the previous close."""

    def __init__(self) -> None:
        self._close_previous: float | None = None

    def update(self, high: float, low: float, close: float) -> float:
        """`max(high - low, |high - previous close|, |low - previous close|)` in rupees; `high - low` of the first.

        Raises:
            ValueError: A price is NaN, infinite or not above zero, or the low is above the high; nothing changed.
        """
        checked_positive("high in rupees", high)
        checked_positive("low in rupees", low)
        checked_positive("close in rupees", close)
        if low > high:
            raise ValueError(f"low must not be above high: low {low} > high {high} rupees")
        previous = self._close_previous
        self._close_previous = close
        if previous is None:
            return high - low
        return max(high - low, abs(high - previous), abs(low - previous))


class WilderAtr:
    """ATR(n) by Wilder: the mean of the true ranges 1..n, then `(previous * (n - 1) + TR) / n`.

    The first candle's range has no previous close in it and is left out. Source: REQUIREMENTS 6.1.
    """

    def __init__(self, period: int) -> None:
        self._true_range = TrueRange()
        self._mean = SeededMean(period)
        self._alpha = 1.0 / period
        self._is_first = True

    def update(self, high: float, low: float, close: float) -> float | None:
        """The ATR in rupees; None until `period + 1` candles. Raises ValueError on a candle that makes no sense."""
        true_range = self._true_range.update(high, low, close)
        if self._is_first:
            self._is_first = False
            return None
        return self._mean.update(true_range, self._alpha)


class VolatilityFactor:
    """How wild the last 20 closes are against the last 101: about 1.0 on an ordinary day.

    Both windows are summed afresh at each candle (at most 100 terms): a running sum would keep the rounding
    of a shock for the rest of the day, and could fall below zero on a flat market.
    """

    def __init__(self) -> None:
        self._close_previous: float | None = None
        self._candles = 0
        self._squares_short: deque[float] = deque(maxlen=_SHORT_RETURNS)
        self._squares_long: deque[float] = deque(maxlen=_LONG_RETURNS)

    def update(self, close: float) -> float:
        """`r20 / (r100 + 1e-8)` of root mean square returns; 1.0 in the first 20 candles and on a flat market.

        Source: REQUIREMENTS 6.2.
        """
        if self._close_previous is not None:
            square = (close / self._close_previous - 1.0) ** 2
            self._squares_short.append(square)
            self._squares_long.append(square)
        self._close_previous = close
        self._candles += 1
        if self._candles <= _CALM_CANDLES:
            return 1.0
        long = _root_mean(self._squares_long)
        return _root_mean(self._squares_short) / (long + _EPSILON) if long else 1.0


def _root_mean(squares: deque[float]) -> float:
    return math.sqrt(math.fsum(squares) / len(squares))


class AdaptiveAtr:
    """ATR(n) of Supertrend: the mean of the true ranges 1..n, then blended by `max(0.05, 0.2 / (1 + v))`.

    `v` is the volatility factor: in a wild stretch the average moves slower. The period sets the seed alone.
    Source: REQUIREMENTS 6.2.
    """

    def __init__(self, period: int) -> None:
        self._true_range = TrueRange()
        self._volatility = VolatilityFactor()
        self._mean = SeededMean(period)
        self._is_first = True

    def update(self, high: float, low: float, close: float) -> float | None:
        """The ATR in rupees; None until `period + 1` candles. Raises ValueError on a candle that makes no sense."""
        true_range = self._true_range.update(high, low, close)
        alpha = max(0.05, 0.2 / (1.0 + self._volatility.update(close)))
        if self._is_first:
            self._is_first = False
            return None
        return self._mean.update(true_range, alpha)


def atr_of(mode: AtrMode, period: int) -> Atr:
    """A fresh ATR of that mode."""
    return AdaptiveAtr(period) if mode is AtrMode.ADAPTIVE else WilderAtr(period)


def atr_series(high: Series, low: Series, close: Series, period: int, mode: AtrMode = AtrMode.WILDER) -> Series:
    """ATR in rupees per candle, arrays of shape (n,); NaN before index `period`."""
    atr = atr_of(mode, period)
    candles = zip(high.tolist(), low.tolist(), close.tolist(), strict=True)
    return series_from([atr.update(*candle) for candle in candles])
