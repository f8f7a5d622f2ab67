"""True range, Wilder's ATR and the adaptive ATR against worked examples, TA-Lib and an outsider's figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.indicators.atr import AtrMode, TrueRange, VolatilityFactor, atr_of, atr_series
from tests.domain.candle_arrays import Candles, made_up, recorded, recorded_fully, sources, walked
from tests.shared_files import golden_cases


@pytest.mark.parametrize("case", golden_cases("indicators.atr"))
def test_wilder_atr_equals_the_worked_examples(case: dict[str, Any]) -> None:
    candles = recorded(case["input"]["candle_set"])

    atr = atr_series(*candles, period=case["input"]["period"])

    assert atr[-1] == pytest.approx(case["expected"]["atr"], abs=case["tolerance"])


@pytest.mark.parametrize("source", sources())
@pytest.mark.parametrize("period", [1, 7, 14])
def test_wilder_atr_equals_ta_lib(source: Callable[[], Candles], period: int) -> None:
    candles = source()

    atr = atr_series(*candles, period=period)

    np.testing.assert_allclose(atr, talib.ATR(*candles, timeperiod=period), rtol=1e-12)


@pytest.mark.shared
def test_wilder_atr_equals_the_figures_of_an_outsider_over_five_days() -> None:
    days = recorded_fully()
    # The outsider's seed has the first candle's own range in it: so has ours, when a point-like candle comes before.
    before = days["close"][:1]
    high, low, close = (np.concatenate((before, days[name])) for name in ("high", "low", "close"))

    atr = atr_series(high, low, close, period=14)[1:]

    np.testing.assert_allclose(atr[13:], days["atr14"][13:], rtol=1e-12)
    assert np.isnan(atr[:13]).all()


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        (105.0, 101.0, 5.0),  # up from the close of 100: the gap belongs to the range
        (99.0, 96.0, 4.0),  # down from it: so it does
        (102.0, 99.0, 3.0),  # around it: the candle's own range
        (100.0, 100.0, 0.0),
    ],
)
def test_true_range_reaches_back_to_the_previous_close(high: float, low: float, expected: float) -> None:
    true_range = TrueRange()

    first = true_range.update(103.0, 98.0, 100.0)
    second = true_range.update(high, low, high)

    assert (first, second) == (5.0, expected)


@pytest.mark.parametrize("mode", AtrMode)
def test_atr_starts_with_the_mean_of_the_ranges_that_have_a_previous_close(mode: AtrMode) -> None:
    atr = atr_of(mode, 3)

    values = [atr.update(100.0 + span, 100.0, 100.0) for span in (50.0, 1.0, 2.0, 6.0)]

    assert values == [None, None, None, 3.0]


@given(candles=made_up(), mode=st.sampled_from(AtrMode), period=st.integers(1, 20))
def test_atr_fed_candle_by_candle_is_the_series(candles: Candles, mode: AtrMode, period: int) -> None:
    atr = atr_of(mode, period)

    fed = [atr.update(high, low, close) for high, low, close in zip(*candles, strict=True)]

    series = atr_series(*candles, period=period, mode=mode)
    assert [None if math.isnan(value) else value for value in series] == fed
    assert sum(value is None for value in fed) == min(period, len(fed))


@given(candles=made_up(count_min=2), mode=st.sampled_from(AtrMode), period=st.integers(1, 20))
def test_atr_stays_between_the_smallest_and_the_largest_range(candles: Candles, mode: AtrMode, period: int) -> None:
    true_range = TrueRange()
    ranges = [true_range.update(*candle) for candle in zip(*candles, strict=True)][1:]

    atr = atr_series(*candles, period=period, mode=mode)

    known = atr[~np.isnan(atr)]
    assert ((known >= min(ranges) - 1e-9) & (known <= max(ranges) + 1e-9)).all()


@pytest.mark.parametrize("mode", AtrMode)
def test_atr_of_flat_candles_is_exactly_zero(mode: AtrMode) -> None:
    flat = np.full(200, 100.0)

    atr = atr_series(flat, flat, flat, period=10, mode=mode)

    assert (atr[10:] == 0.0).all()


def test_volatility_factor_is_the_ratio_of_root_mean_square_returns_of_20_and_101_closes() -> None:
    close = walked(seed=1, count=300).close
    factor = VolatilityFactor()

    factors = [factor.update(one) for one in close.tolist()]

    squares = (np.diff(close) / close[:-1]) ** 2
    for i in (20, 21, 99, 100, 101, 299):
        short, long = squares[i - 19 : i], squares[max(i - 100, 0) : i]
        assert factors[i] == pytest.approx(math.sqrt(short.mean()) / (math.sqrt(long.mean()) + 1e-8), rel=1e-9)
    assert factors[:20] == [1.0] * 20


def test_volatility_factor_forgets_a_shock_entirely() -> None:
    factor = VolatilityFactor()
    closes = [100.0, 10_000.0, *[100.0] * 101]

    factors = [factor.update(close) for close in closes]

    assert factors[-1] == 1.0
    assert min(factors) >= 0.0


@pytest.mark.parametrize(
    ("candle", "found"),
    [
        ((math.nan, 99.0, 100.0), "high in rupees .* got nan"),
        ((101.0, math.nan, 100.0), "low in rupees .* got nan"),
        ((101.0, 99.0, math.nan), "close in rupees .* got nan"),
        ((math.inf, 99.0, 100.0), "high in rupees .* got inf"),
        ((101.0, 0.0, 100.0), "low in rupees .* got 0.0"),
        ((101.0, 99.0, -1.0), "close in rupees .* got -1.0"),
        ((99.0, 101.0, 100.0), "low 101.0 > high 99.0"),
    ],
)
def test_a_candle_that_makes_no_sense_is_refused_and_changes_nothing(
    candle: tuple[float, float, float], found: str
) -> None:
    atr, untouched = atr_of(AtrMode.ADAPTIVE, 1), atr_of(AtrMode.ADAPTIVE, 1)
    for one in (atr, untouched):
        one.update(103.0, 98.0, 100.0)

    with pytest.raises(ValueError, match=found):
        atr.update(*candle)

    assert atr.update(105.0, 101.0, 102.0) == untouched.update(105.0, 101.0, 102.0)


def test_a_period_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="period must be finite and above zero, got 0"):
        atr_of(AtrMode.WILDER, 0)
