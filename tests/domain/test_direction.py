"""Which way an index goes: the ADX gate, two timeframes that must agree, and what every refusal is called."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.direction import (
    AvoidReason,
    Direction,
    ReadingReason,
    ReadingStatus,
    TimeframeAnalysis,
    TimeframeReading,
    Verdict,
    combine_directions,
    decide_direction,
    interval_minutes_from,
    two_timeframe_verdict,
)
from scalper.domain.indicators.adx import adx_series
from scalper.domain.indicators.atr import AtrMode
from scalper.domain.indicators.supertrend import Trend, supertrend_series
from scalper.domain.quotes import MINUTE_US, Candle
from scalper.domain.units import paise_from_rupees
from tests.domain.candle_arrays import Candles, made_up, recorded, walked
from tests.shared_files import golden_cases

BULLISH, BEARISH, AVOID = Direction.BULLISH, Direction.BEARISH, Direction.AVOID


def _analysis(adx_minimum: float | None = 18.0, period: int = 10) -> TimeframeAnalysis:
    return TimeframeAnalysis(
        interval_minutes=1,
        period=period,
        multiplier=3.0,
        atr_mode=AtrMode.ADAPTIVE,
        adx_period=14,
        adx_minimum=adx_minimum,
    )


def _candles(prices: Candles) -> list[Candle]:
    """Minute candles in paise; they open where they close, for no indicator asks."""
    rows = [[paise_from_rupees(price) for price in row] for row in zip(*(p.tolist() for p in prices), strict=True)]
    return [Candle(i * MINUTE_US, close, high, low, close) for i, (high, low, close) in enumerate(rows)]


def _flat(count: int) -> list[Candle]:
    return [Candle(i * MINUTE_US, 100_00, 100_00, 100_00, 100_00) for i in range(count)]


def _a_reading(direction: Direction, reason: ReadingReason | None = None) -> TimeframeReading:
    return TimeframeReading(
        interval_minutes=1, candle_start_us=0, status=ReadingStatus.OK, direction=direction, reason=reason
    )


@pytest.mark.parametrize("case", golden_cases("signal.decide_direction"))
def test_direction_of_a_timeframe_equals_the_worked_examples(case: dict[str, Any]) -> None:
    wanted = case["input"]

    direction = decide_direction(wanted["supertrend_trend"], wanted["adx"], wanted["min_strength"])

    assert direction == case["expected"]["direction"]


@pytest.mark.parametrize(
    ("trend", "adx", "adx_minimum", "direction"),
    [
        (Trend.BULLISH, 18.0, 18, BULLISH),  # the minimum itself is strong enough
        (Trend.BULLISH, 17.999_999, 18, AVOID),
        (Trend.BEARISH, 18.0, 18, BEARISH),
        (Trend.BEARISH, 0.0, 18, AVOID),
        (None, 40.0, 18, AVOID),
        (None, 40.0, 0, AVOID),
        (Trend.BULLISH, None, 0, BULLISH),  # without a gate nobody asks for the ADX
        (Trend.BULLISH, None, None, BULLISH),
        (Trend.BULLISH, None, 18, AVOID),
        (Trend.BULLISH, math.nan, 18, AVOID),  # NaN is below nothing, and still not strong
        (Trend.BULLISH, 40.0, math.nan, AVOID),
    ],
)
def test_a_trend_is_a_direction_when_the_adx_reaches_the_minimum(
    trend: Trend | None, adx: float | None, adx_minimum: float | None, direction: Direction
) -> None:
    assert decide_direction(trend, adx, adx_minimum) is direction


@pytest.mark.parametrize("case", golden_cases("signal.multi_timeframe"))
def test_two_timeframes_equal_the_worked_examples(case: dict[str, Any]) -> None:
    primary, heard = Direction(case["input"]["primary"]), case["input"]["confirmation"]

    direction = combine_directions(primary, heard and Direction(heard), is_confirmation_configured=True)

    assert direction == case["expected"]["direction"]


@pytest.mark.parametrize(
    ("primary", "confirmation", "is_confirmation_configured", "direction"),
    [
        (BULLISH, BULLISH, True, BULLISH),
        (BEARISH, BEARISH, True, BEARISH),
        (BULLISH, BEARISH, True, AVOID),
        (BULLISH, AVOID, True, AVOID),
        (AVOID, BULLISH, True, AVOID),
        (BULLISH, None, True, AVOID),  # configured and missing: never the primary alone
        (BULLISH, None, False, BULLISH),
        (BEARISH, None, False, BEARISH),
        (AVOID, None, False, AVOID),
    ],
)
def test_both_timeframes_must_agree_when_a_confirmation_is_configured(
    primary: Direction, confirmation: Direction | None, is_confirmation_configured: bool, direction: Direction
) -> None:
    assert combine_directions(primary, confirmation, is_confirmation_configured) is direction


@pytest.mark.parametrize("case", golden_cases("signal.normalize_interval"))
def test_interval_of_a_label_equals_the_worked_examples(case: dict[str, Any]) -> None:
    minutes = interval_minutes_from(case["input"]["timeframe"])

    assert (minutes and str(minutes)) == case["expected"]["interval"]


@pytest.mark.parametrize(
    ("label", "minutes"),
    [("1m", 1), ("5", 5), ("15 Min", 15), ("1h", 60), ("2 hours", 120), ("60m", 60), ("", None), ("  ", None)],
)
def test_interval_of_a_label(label: str, minutes: int | None) -> None:
    assert interval_minutes_from(label) == minutes


@pytest.mark.parametrize("label", ["0", "0m", "0h", "m", "h", "-5m", "1.5h", "1d", "5m 5m", "five", "٥m"])
def test_a_label_that_names_no_length_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="timeframe must be a number of minutes or hours above zero"):
        interval_minutes_from(label)


@pytest.mark.parametrize(
    ("primary", "confirmation", "reason"),
    [
        (_a_reading(AVOID, ReadingReason.NO_DATA), _a_reading(BULLISH), AvoidReason.NO_DATA),
        (_a_reading(AVOID, ReadingReason.BAD_CANDLE), _a_reading(BULLISH), AvoidReason.BAD_CANDLE_PRIMARY),
        (_a_reading(AVOID, ReadingReason.TOO_FEW_CANDLES), None, AvoidReason.TOO_FEW_CANDLES_PRIMARY),
        (_a_reading(AVOID, ReadingReason.NO_TREND), _a_reading(BULLISH), AvoidReason.NO_TREND_PRIMARY),
        (
            _a_reading(AVOID, ReadingReason.WEAK_ADX),
            _a_reading(AVOID, ReadingReason.NO_TREND),
            AvoidReason.WEAK_ADX_PRIMARY,
        ),
        (_a_reading(BULLISH), None, AvoidReason.CONFIRMATION_MISSING),
        (_a_reading(BULLISH), _a_reading(AVOID, ReadingReason.NO_DATA), AvoidReason.CONFIRMATION_MISSING),
        (_a_reading(BULLISH), _a_reading(AVOID, ReadingReason.BAD_CANDLE), AvoidReason.BAD_CANDLE_CONFIRMATION),
        (
            _a_reading(BULLISH),
            _a_reading(AVOID, ReadingReason.TOO_FEW_CANDLES),
            AvoidReason.TOO_FEW_CANDLES_CONFIRMATION,
        ),
        (_a_reading(BEARISH), _a_reading(AVOID, ReadingReason.NO_TREND), AvoidReason.NO_TREND_CONFIRMATION),
        (_a_reading(BEARISH), _a_reading(AVOID, ReadingReason.WEAK_ADX), AvoidReason.WEAK_ADX_CONFIRMATION),
        (_a_reading(BEARISH), _a_reading(BULLISH), AvoidReason.TIMEFRAMES_DISAGREE),
    ],
)
def test_a_verdict_names_the_first_reason_against_it(
    primary: TimeframeReading, confirmation: TimeframeReading | None, reason: AvoidReason
) -> None:
    verdict = two_timeframe_verdict(primary, confirmation, is_confirmation_configured=True)

    assert verdict == Verdict(direction=AVOID, reason=reason)


def test_a_verdict_has_a_direction_or_a_reason_and_never_both() -> None:
    readings = [_a_reading(BULLISH), _a_reading(BEARISH)] + [_a_reading(AVOID, reason) for reason in ReadingReason]

    for primary, confirmation, is_configured in itertools.product(readings, [*readings, None], [True, False]):
        verdict = two_timeframe_verdict(primary, confirmation, is_configured)

        heard = None if confirmation is None else confirmation.direction
        assert verdict.direction is combine_directions(primary.direction, heard, is_configured)
        assert (verdict.reason is None) is (verdict.direction is not AVOID)


def test_without_a_configured_confirmation_the_primary_decides_alone() -> None:
    primary, confirmation = _a_reading(BULLISH), _a_reading(BEARISH)

    verdict = two_timeframe_verdict(primary, confirmation, is_confirmation_configured=False)

    assert verdict == Verdict(direction=BULLISH, reason=None)


def test_before_the_first_candle_there_is_no_data() -> None:
    reading = _analysis().reading

    assert (reading.status, reading.direction, reading.reason) == (ReadingStatus.NO_DATA, AVOID, ReadingReason.NO_DATA)
    assert reading.candle_start_us is None


@pytest.mark.shared
@pytest.mark.parametrize("name", ["synthetic_uptrend_80", "synthetic_downtrend_80", "nifty_1m_d1_last120"])
def test_the_reading_carries_the_indicators_of_the_last_candle(name: str) -> None:
    prices = recorded(name)
    analysis, candles = _analysis(), _candles(prices)

    for candle in candles:
        analysis.update(candle)

    supertrend, adx = supertrend_series(*prices), adx_series(*prices)
    trend = supertrend.trend[-1]
    assert trend is not None
    assert analysis.reading == TimeframeReading(
        interval_minutes=1,
        candle_start_us=candles[-1].start_us,
        status=ReadingStatus.OK,
        direction=Direction(trend),
        reason=None,
        trend=trend,
        supertrend_paise=paise_from_rupees(float(supertrend.line[-1])),
        atr=supertrend.atr[-1],
        adx=adx.adx[-1],
        plus_di=adx.plus_di[-1],
        minus_di=adx.minus_di[-1],
        adx_minimum=18.0,
    )


@pytest.mark.parametrize(
    ("count", "adx_minimum", "reason"),
    [
        (10, 0.0, ReadingReason.TOO_FEW_CANDLES),  # Supertrend needs its period and one more
        (11, 0.0, None),
        (27, 1.0, ReadingReason.TOO_FEW_CANDLES),  # ADX needs twice its period
        (28, 1.0, None),
        (28, 99.9, ReadingReason.WEAK_ADX),
    ],
)
def test_too_few_candles_or_a_weak_adx_mean_avoid(count: int, adx_minimum: float, reason: ReadingReason | None) -> None:
    analysis = _analysis(adx_minimum)

    for candle in _candles(walked(seed=6, count=count)):
        analysis.update(candle)

    reading = analysis.reading
    assert (reading.status, reading.reason) == (ReadingStatus.OK, reason)
    assert (reading.direction is AVOID) is (reason is not None)


def test_a_flat_market_has_no_trend_even_without_a_gate() -> None:
    analysis = _analysis(adx_minimum=None)

    for candle in _flat(60):
        analysis.update(candle)

    assert (analysis.reading.direction, analysis.reading.reason) == (AVOID, ReadingReason.NO_TREND)
    assert analysis.reading.adx == 0.0


@given(prices=made_up(), adx_minimum=st.none() | st.floats(0, 60))
def test_a_reading_has_a_direction_or_a_reason_and_never_both(prices: Candles, adx_minimum: float | None) -> None:
    analysis = _analysis(adx_minimum, period=5)

    for candle in _candles(prices):
        reading = analysis.update(candle)

        assert reading is analysis.reading
        assert reading.direction is decide_direction(reading.trend, reading.adx, adx_minimum)
        assert (reading.reason is None) is (reading.direction is not AVOID)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda good: Candle(good.start_us, 0, 0, 0, 0), "high in rupees must be finite and above zero, got 0.0"),
        (
            lambda good: Candle(good.start_us, 100_00, 99_00, 101_00, 100_00),
            "low must not be above high: low 101.0 > high 99.0 rupees",
        ),
        (
            lambda good: Candle(good.start_us - MINUTE_US, 100_00, 101_00, 99_00, 100_00),
            "candle must start after the last one: 2340000000 us <= 2340000000 us",
        ),
        (
            lambda good: Candle(good.start_us - 2 * MINUTE_US, 100_00, 101_00, 99_00, 100_00),
            "candle must start after the last one: 2280000000 us <= 2340000000 us",
        ),
    ],
)
def test_a_bad_candle_means_avoid_until_the_next_good_one_and_moves_no_indicator(spoil: Any, problem: str) -> None:
    analysis, untouched = _analysis(adx_minimum=None), _analysis(adx_minimum=None)
    *candles, last = _candles(walked(seed=7, count=41))
    for candle in candles:
        analysis.update(candle)
        untouched.update(candle)

    reading = analysis.update(spoil(last))

    assert (reading.status, reading.direction, reading.reason) == (ReadingStatus.ERROR, AVOID, ReadingReason.BAD_CANDLE)
    assert reading.problem == problem
    assert analysis.update(last) == untouched.update(last)
