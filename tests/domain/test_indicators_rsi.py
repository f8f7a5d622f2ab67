"""RSI against TA-Lib, and at the ends of its scale."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.indicators.rsi import Rsi, rsi_series
from tests.domain.candle_arrays import Candles, made_up, sources


@pytest.mark.parametrize("source", sources())
@pytest.mark.parametrize("period", [7, 14])
def test_rsi_equals_ta_lib(source: Callable[[], Candles], period: int) -> None:
    close = source().close

    rsi = rsi_series(close, period)

    np.testing.assert_allclose(rsi, talib.RSI(close, timeperiod=period), rtol=1e-12, atol=1e-12)


@given(candles=made_up(), period=st.integers(1, 20))
def test_rsi_fed_close_by_close_is_the_series_and_stays_between_0_and_100(candles: Candles, period: int) -> None:
    rsi = Rsi(period)

    fed = [rsi.update(close) for close in candles.close]

    assert [None if math.isnan(value) else value for value in rsi_series(candles.close, period)] == fed
    assert all(value is None or 0 <= value <= 100 for value in fed)
    assert sum(value is None for value in fed) == min(period, len(fed))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1.0, 100.0),  # only gains
        (-1.0, 0.0),  # only losses
        (0.0, 0.0),  # no travel at all: a zero denominator gives 0
    ],
)
def test_rsi_at_the_ends_of_its_scale(step: float, expected: float) -> None:
    close = np.array([100.0 + step * i for i in range(40)])

    rsi = rsi_series(close)

    assert rsi[-1] == expected


def test_nan_is_refused_and_changes_nothing() -> None:
    rsi = Rsi(1)
    rsi.update(100.0)

    with pytest.raises(ValueError, match="close in rupees must be finite and above zero, got nan"):
        rsi.update(math.nan)

    assert rsi.update(101.0) == 100.0
