"""The two ways of averaging on which every indicator here stands, and the one check of what goes in."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

#: One value per candle; NaN where there is none yet.
Series = npt.NDArray[np.float64]

_Number = TypeVar("_Number", int, float)


def checked_positive(name: str, value: _Number) -> _Number:
    """`value`, when it is finite and above zero.

    Raises:
        ValueError: It is NaN, infinite, zero or negative. NaN answers False to every comparison, so it would pass a
            gate such as `adx < 18`; it is refused here and exists nowhere behind.
    """
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and above zero, got {value}")
    return value


class SeededMean:
    """A moving mean that starts as the plain mean of its first `size` values and is blended from there on."""

    def __init__(self, size: int) -> None:
        self._size_missing = checked_positive("period", size)
        self._size = size
        self._sum = 0.0
        self._mean = 0.0

    def update(self, value: float, alpha: float) -> float | None:
        """`alpha * value + (1 - alpha) * previous`; None until `size` values were seen. Wilder's alpha is 1/size."""
        if self._size_missing == 0:
            self._mean = alpha * value + (1.0 - alpha) * self._mean
            return self._mean
        self._sum += value
        self._size_missing -= 1
        if self._size_missing:
            return None
        self._mean = self._sum / self._size
        return self._mean


class WilderSum:
    """A smoothed sum: the plain sum of the first `size` values, then `s - s/size + value`."""

    def __init__(self, size: int) -> None:
        self._size_missing = checked_positive("period", size)
        self._size = size
        self._sum = 0.0

    def update(self, value: float) -> float | None:
        """The sum with `value` in it; None until `size` values were seen."""
        if self._size_missing == 0:
            self._sum += value - self._sum / self._size
            return self._sum
        self._sum += value
        self._size_missing -= 1
        return None if self._size_missing else self._sum


def series_from(values: list[float | None]) -> Series:
    """One float per candle, NaN for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
