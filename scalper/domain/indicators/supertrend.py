"""Supertrend with a fixed multiplier: a line under a rising market and above a falling one.

Source: REQUIREMENTS 6.2.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from scalper.domain.indicators.atr import AtrMode, atr_of
from scalper.domain.indicators.smoothing import Series, checked_positive, series_from


class Trend(StrEnum):
    """Which side of the line price is on."""

    BULLISH = "bullish"
    BEARISH = "bearish"


class SupertrendReading(msgspec.Struct, frozen=True, gc=False):
    """The state after one candle.

    Attributes:
        trend: None when the ATR is 0 (flat data): a line without width separates nothing.
        line: The lower band of a rising market, the upper band of a falling one, in rupees. Price has closed on its
            own side of it, but for one case: a flip in a candle longer than the two bands are apart.
        atr: Average true range in rupees.
        is_flip: The direction is another one than after the candle before.
    """

    trend: Trend | None
    line: float
    atr: float
    is_flip: bool


class SupertrendSeries(NamedTuple):
    """One value per candle; NaN (of `trend` None) where there is none yet."""

    trend: tuple[Trend | None, ...]
    line: Series
    atr: Series
    is_flip: npt.NDArray[np.bool_]


class _Bands(msgspec.Struct, frozen=True, gc=False):
    upper: float
    lower: float
    is_up: bool
    close: float


def minimum_candles(period: int, training_period: int, is_adaptive: bool) -> int:
    """Closed candles below which Supertrend has no trend; an adaptive multiplier must be trained first."""
    return max(training_period, period + 1) if is_adaptive else period + 1


class Supertrend:
    """The line and its direction; the direction is a state of its own and never guessed from the line."""

    def __init__(self, period: int = 10, multiplier: float = 3.0, atr_mode: AtrMode = AtrMode.ADAPTIVE) -> None:
        self._atr = atr_of(atr_mode, period)
        self._multiplier = checked_positive("Supertrend multiplier", multiplier)
        self._bands: _Bands | None = None

    def update(self, high: float, low: float, close: float) -> SupertrendReading | None:
        """The reading with this closed candle (rupees) in it; None until `period + 1` candles.

        Raises:
            ValueError: A price is NaN, infinite or not above zero, or the low is above the high; nothing changed.
        """
        atr = self._atr.update(high, low, close)
        if atr is None:
            return None
        middle, width = (high + low) / 2.0, self._multiplier * atr
        previous = self._bands
        bands = _next_bands(previous, upper=middle + width, lower=middle - width, close=close)
        self._bands = bands
        trend = Trend.BULLISH if bands.is_up else Trend.BEARISH
        return SupertrendReading(
            trend=trend if atr > 0 else None,
            line=bands.lower if bands.is_up else bands.upper,
            atr=atr,
            is_flip=previous is not None and previous.is_up is not bands.is_up,
        )


def _next_bands(previous: _Bands | None, *, upper: float, lower: float, close: float) -> _Bands:
    """A band only tightens, until a close breaks it; the direction turns when price closes beyond the far band."""
    if previous is None:
        return _Bands(upper, lower, close > upper, close)
    if previous.close <= previous.upper:
        upper = min(upper, previous.upper)
    if previous.close >= previous.lower:
        lower = max(lower, previous.lower)
    is_up = close >= lower if previous.is_up else close > upper
    return _Bands(upper, lower, is_up, close)


def supertrend_series(
    high: Series,
    low: Series,
    close: Series,
    period: int = 10,
    multiplier: float = 3.0,
    atr_mode: AtrMode = AtrMode.ADAPTIVE,
) -> SupertrendSeries:
    """Trend, line, ATR and flips per candle, arrays of shape (n,), oldest first; none before index `period`."""
    supertrend = Supertrend(period, multiplier, atr_mode)
    candles = zip(high.tolist(), low.tolist(), close.tolist(), strict=True)
    readings = [supertrend.update(*candle) for candle in candles]
    return SupertrendSeries(
        trend=tuple(None if reading is None else reading.trend for reading in readings),
        line=series_from([None if reading is None else reading.line for reading in readings]),
        atr=series_from([None if reading is None else reading.atr for reading in readings]),
        is_flip=np.array([reading is not None and reading.is_flip for reading in readings], dtype=np.bool_),
    )
