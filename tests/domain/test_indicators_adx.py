"""ADX and the directional indicators against worked examples, TA-Lib and an outsider's figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.indicators.adx import Adx, adx_series
from tests.domain.candle_arrays import Candles, made_up, recorded, recorded_fully, sources, walked
from tests.shared_files import golden_cases


def _candles_of(case: dict[str, Any]) -> Candles:
    wanted = case["input"]
    return recorded(wanted["candle_set"]) if "candle_set" in wanted else walked(seed=1, count=wanted["candles"])


@pytest.mark.parametrize("case", golden_cases("indicators.adx"))
def test_adx_equals_the_worked_examples(case: dict[str, Any]) -> None:
    adx, expected = Adx(case["input"]["period"]), case["expected"]

    readings = [adx.update(*candle) for candle in zip(*_candles_of(case), strict=True)]

    last = readings[-1]
    assert last is not None
    assert last.adx == (expected["adx"] and pytest.approx(expected["adx"], abs=1e-6))
    if "di_plus" in expected:
        assert last.plus_di == pytest.approx(expected["di_plus"], abs=1e-6)
        assert last.minus_di == pytest.approx(expected["di_minus"], abs=1e-6)


@pytest.mark.parametrize("source", sources())
def test_adx_comes_within_a_thousandth_of_ta_lib_once_its_other_seed_has_faded(source: Callable[[], Candles]) -> None:
    candles = source()
    beyond = slice(min(100, len(candles.close) - 1), None)
    # A set shorter than 100 candles still holds some of TA-Lib's seed, which lacks one range.
    tolerance = 1e-3 if len(candles.close) >= 100 else 1e-2

    series = adx_series(*candles)

    np.testing.assert_allclose(series.adx[beyond], talib.ADX(*candles)[beyond], rtol=tolerance)
    np.testing.assert_allclose(series.plus_di[beyond], talib.PLUS_DI(*candles)[beyond], rtol=tolerance, atol=0.01)
    np.testing.assert_allclose(series.minus_di[beyond], talib.MINUS_DI(*candles)[beyond], rtol=tolerance, atol=0.01)


@pytest.mark.shared
def test_adx_and_both_indicators_equal_the_figures_of_an_outsider_over_five_days() -> None:
    days = recorded_fully()

    series = adx_series(days["high"], days["low"], days["close"])

    # The outsider writes 0 until index 14; its first figures are our second ones.
    np.testing.assert_allclose(series.plus_di[15:], days["plus_di14"][15:], rtol=1e-9)
    np.testing.assert_allclose(series.minus_di[15:], days["minus_di14"][15:], rtol=1e-9)
    np.testing.assert_allclose(series.adx[27:], days["adx14"][27:], rtol=1e-9)


@given(candles=made_up(), period=st.integers(1, 20))
def test_adx_fed_candle_by_candle_is_the_series_and_stays_between_0_and_100(candles: Candles, period: int) -> None:
    adx = Adx(period)

    fed = [adx.update(high, low, close) for high, low, close in zip(*candles, strict=True)]

    series = adx_series(*candles, period=period)
    for reading, strength, plus_di, minus_di in zip(fed, *series, strict=True):
        assert math.isnan(plus_di) if reading is None else (plus_di, minus_di) == (reading.plus_di, reading.minus_di)
        assert math.isnan(strength) if reading is None or reading.adx is None else strength == reading.adx
    known = np.concatenate(series)
    assert ((known >= 0) & (known <= 100 + 1e-9) | np.isnan(known)).all()


@pytest.mark.parametrize("period", [1, 5, 14])
def test_adx_needs_twice_its_period_of_candles_and_the_indicators_one_more_than_it(period: int) -> None:
    candles = walked(seed=2, count=3 * period + 3)

    series = adx_series(*candles, period=period)

    assert np.isnan(series.plus_di).sum() == np.isnan(series.minus_di).sum() == period
    assert np.isnan(series.adx).sum() == max(2 * period - 1, period)


def test_flat_candles_have_an_adx_of_zero_and_never_nan() -> None:
    flat = np.full(60, 100.0)

    series = adx_series(flat, flat, flat)

    assert (series.adx[-1], series.plus_di[-1], series.minus_di[-1]) == (0.0, 0.0, 0.0)


def test_a_candle_inside_the_one_before_moves_in_neither_direction() -> None:
    adx = Adx(1)

    adx.update(110.0, 90.0, 100.0)
    reading = adx.update(105.0, 95.0, 100.0)

    assert reading is not None
    assert (reading.plus_di, reading.minus_di) == (0.0, 0.0)


def test_a_candle_that_reaches_out_as_far_above_as_below_moves_in_neither_direction() -> None:
    adx = Adx(1)

    adx.update(105.0, 95.0, 100.0)
    reading = adx.update(110.0, 90.0, 100.0)

    assert reading is not None
    assert (reading.plus_di, reading.minus_di) == (0.0, 0.0)


def test_nan_is_refused_and_changes_nothing() -> None:
    adx, untouched = Adx(2), Adx(2)
    candles = list(zip(*walked(seed=3, count=10), strict=True))
    for one in (adx, untouched):
        for candle in candles[:-1]:
            one.update(*candle)

    with pytest.raises(ValueError, match="low in rupees must be finite and above zero, got nan"):
        adx.update(25_100.0, math.nan, 25_000.0)

    assert adx.update(*candles[-1]) == untouched.update(*candles[-1])
