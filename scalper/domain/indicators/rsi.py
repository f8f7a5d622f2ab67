"""How much of the recent travel of closes was upward.

Source: REQUIREMENTS 7.6.
"""

from __future__ import annotations

from scalper.domain.indicators.smoothing import SeededMean, Series, checked_positive, series_from


class Rsi:
    """RSI(n) by Wilder: `100 * gains / (gains + losses)`, both averaged from the mean of the first n changes on."""

    def __init__(self, period: int = 14) -> None:
        self._gains = SeededMean(period)
        self._losses = SeededMean(period)
        self._alpha = 1.0 / period
        self._close_previous: float | None = None

    def update(self, close: float) -> float | None:
        """The RSI from 0 to 100 with this close (rupees) in it; None until n + 1 closes, 0 when price never moved.

        Raises:
            ValueError: The close is NaN, infinite or not above zero; nothing changed.
        """
        checked_positive("close in rupees", close)
        previous, self._close_previous = self._close_previous, close
        if previous is None:
            return None
        gains = self._gains.update(max(close - previous, 0.0), self._alpha)
        losses = self._losses.update(max(previous - close, 0.0), self._alpha)
        if gains is None or losses is None:
            return None
        travel = gains + losses
        return 100.0 * (gains / travel) if travel else 0.0


def rsi_series(close: Series, period: int = 14) -> Series:
    """RSI per close, arrays of shape (n,), oldest first; NaN before index `period`."""
    rsi = Rsi(period)
    return series_from([rsi.update(one) for one in close.tolist()])
