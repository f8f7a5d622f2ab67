"""Supertrend with a fixed multiplier against worked examples, and what its line may never do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.indicators.atr import AtrMode, atr_series
from scalper.domain.indicators.supertrend import Supertrend, Trend, minimum_candles, supertrend_series
from tests.domain.candle_arrays import Candles, made_up, recorded, walked
from tests.shared_files import golden_cases


def _cases(*, is_short: bool) -> list[Any]:
    """The worked examples with a fixed multiplier, or those about too few candles; a skipped stand-in without them."""
    found = []
    for case in golden_cases("indicators.supertrend"):
        wanted = case.values[0] and case.values[0]["input"]
        if wanted is None or ("candles" in wanted if is_short else wanted.get("multipliers") == "fixed"):
            found.append(case)
    return found


@pytest.mark.parametrize("case", _cases(is_short=False))
def test_supertrend_equals_the_worked_examples(case: dict[str, Any]) -> None:
    wanted, expected = case["input"], case["expected"]

    series = supertrend_series(*recorded(wanted["candle_set"]), wanted["period"], wanted["base_multiplier"])

    assert series.trend[-1] == expected["trend"]
    assert series.line[-1] == pytest.approx(expected["last_value"], abs=case["tolerance"])
    assert series.atr[-1] == pytest.approx(expected["atr_last"], abs=case["tolerance"])
    assert np.flatnonzero(series.is_flip).tolist() == expected["flip_indices"]


@pytest.mark.parametrize("case", _cases(is_short=True))
def test_an_adaptive_multiplier_needs_its_training_candles(case: dict[str, Any]) -> None:
    wanted = case["input"]

    needed = minimum_candles(wanted["period"], wanted["training_period"], is_adaptive=True)

    assert (wanted["candles"] >= needed) is case["expected"].get("computed", False)


@pytest.mark.parametrize(
    ("period", "training_period", "is_adaptive", "needed"),
    [(10, 50, True, 50), (10, 50, False, 11), (60, 50, True, 61), (7, 50, False, 8)],
)
def test_minimum_of_candles(period: int, training_period: int, is_adaptive: bool, needed: int) -> None:
    assert minimum_candles(period, training_period, is_adaptive) == needed


@pytest.mark.parametrize("period", [1, 7, 10])
def test_a_fixed_multiplier_gives_a_trend_from_the_minimum_of_candles_on(period: int) -> None:
    needed = minimum_candles(period, training_period=50, is_adaptive=False)

    series = supertrend_series(*walked(seed=4, count=needed + 3), period)

    assert [trend is not None for trend in series.trend] == [False] * (needed - 1) + [True] * 4
    assert np.isnan(series.line).tolist() == [True] * (needed - 1) + [False] * 4


def test_wilder_mode_draws_its_bands_with_wilders_atr() -> None:
    candles = walked(seed=5)

    series = supertrend_series(*candles, 10, 3.0, AtrMode.WILDER)

    np.testing.assert_array_equal(series.atr, atr_series(*candles, period=10))


@given(
    candles=made_up(),
    period=st.integers(1, 15),
    multiplier=st.floats(0.5, 4.0),
    mode=st.sampled_from(AtrMode),
)
def test_supertrend_fed_candle_by_candle_is_the_series(
    candles: Candles, period: int, multiplier: float, mode: AtrMode
) -> None:
    supertrend = Supertrend(period, multiplier, mode)

    fed = [supertrend.update(high, low, close) for high, low, close in zip(*candles, strict=True)]

    series = supertrend_series(*candles, period, multiplier, mode)
    for reading, trend, line, atr, is_flip in zip(fed, *series, strict=True):
        if reading is None:
            assert (trend, math.isnan(line), math.isnan(atr), is_flip) == (None, True, True, False)
        else:
            assert (trend, line, atr, is_flip) == (reading.trend, reading.line, reading.atr, reading.is_flip)


@given(candles=made_up(), multiplier=st.floats(0.5, 4.0), mode=st.sampled_from(AtrMode))
def test_the_line_is_never_on_the_wrong_side_of_the_close(candles: Candles, multiplier: float, mode: AtrMode) -> None:
    series = supertrend_series(*candles, 10, multiplier, mode)

    for trend, line, atr, is_flip, high, low, close in zip(*series, *candles, strict=True):
        # A candle longer than both bands are apart can close beyond the far band and short of the near one.
        if trend is None or (is_flip and high - low > 2 * multiplier * atr - 1e-6):
            continue
        assert close >= line - 1e-6 if trend is Trend.BULLISH else close <= line + 1e-6


def test_a_candle_longer_than_both_bands_are_apart_may_close_between_the_old_band_and_the_new() -> None:
    supertrend = Supertrend(10, 1.0)
    for _ in range(12):
        supertrend.update(101.0, 99.0, 100.0)

    reading = supertrend.update(160.0, 110.0, 110.0)

    assert reading is not None
    assert (reading.trend, reading.is_flip) == (Trend.BULLISH, True)
    assert reading.line > 110.0


@given(candles=made_up(), mode=st.sampled_from(AtrMode))
def test_the_line_of_a_rising_market_never_falls_and_of_a_falling_one_never_rises(
    candles: Candles, mode: AtrMode
) -> None:
    supertrend = Supertrend(5, 3.0, mode)

    readings = [supertrend.update(*candle) for candle in zip(*candles, strict=True)]

    for i in range(6, len(readings)):
        before, after = readings[i - 1], readings[i]
        assert before is not None
        assert after is not None
        is_settled = not before.is_flip and not after.is_flip and before.trend is after.trend
        if is_settled and after.trend is Trend.BULLISH:
            assert after.line >= before.line
        if is_settled and after.trend is Trend.BEARISH:
            assert after.line <= before.line


@given(
    price=st.integers(1, 9_999_999).map(lambda paise: paise / 100),
    count=st.integers(0, 130),
    mode=st.sampled_from(AtrMode),
)
def test_flat_candles_have_no_trend(price: float, count: int, mode: AtrMode) -> None:
    flat = np.full(count, price)

    series = supertrend_series(flat, flat, flat, 10, 3.0, mode)

    assert set(series.trend) <= {None}
    assert not series.is_flip.any()


def test_the_direction_turns_up_only_when_the_close_is_beyond_the_upper_band() -> None:
    supertrend = Supertrend(1, 1.0, AtrMode.WILDER)
    supertrend.update(101.0, 99.0, 100.0)
    before = supertrend.update(101.0, 99.0, 100.0)

    on_the_band = supertrend.update(102.0, 100.0, 102.0)
    beyond_it = supertrend.update(102.5, 101.5, 102.01)

    assert before is not None
    assert on_the_band is not None
    assert beyond_it is not None
    assert (before.trend, before.line) == (Trend.BEARISH, 102.0)
    assert (on_the_band.trend, on_the_band.line, on_the_band.is_flip) == (Trend.BEARISH, 102.0, False)
    assert (beyond_it.trend, beyond_it.line, beyond_it.is_flip) == (Trend.BULLISH, 101.0, True)


@pytest.mark.parametrize("multiplier", [0.0, -1.0, math.nan])
def test_a_multiplier_that_separates_nothing_is_refused(multiplier: float) -> None:
    with pytest.raises(ValueError, match="Supertrend multiplier must be finite and above zero"):
        Supertrend(10, multiplier)
