"""Which way an index goes, as two timeframes see it; whatever is missing, weak or at odds means avoid.

Source: REQUIREMENTS 7.2.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from scalper.domain.indicators.adx import Adx, AdxReading
from scalper.domain.indicators.atr import AtrMode
from scalper.domain.indicators.supertrend import Supertrend, SupertrendReading, Trend
from scalper.domain.quotes import Candle
from scalper.domain.units import paise_from_rupees, rupees_from_paise


class Direction(StrEnum):
    """The view of an index: bullish buys a call, bearish buys a put, avoid buys nothing."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    AVOID = "avoid"


class ReadingStatus(StrEnum):
    """Whether a timeframe could be read at all."""

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"


class ReadingReason(StrEnum):
    """Why one timeframe has no direction."""

    NO_DATA = "NO_DATA"
    BAD_CANDLE = "BAD_CANDLE"
    TOO_FEW_CANDLES = "TOO_FEW_CANDLES"
    NO_TREND = "NO_TREND"
    WEAK_ADX = "WEAK_ADX"


class AvoidReason(StrEnum):
    """Why two timeframes together have no direction; the primary is asked first."""

    NO_DATA = "NO_DATA"
    BAD_CANDLE_PRIMARY = "BAD_CANDLE_PRIMARY"
    TOO_FEW_CANDLES_PRIMARY = "TOO_FEW_CANDLES_PRIMARY"
    NO_TREND_PRIMARY = "NO_TREND_PRIMARY"
    WEAK_ADX_PRIMARY = "WEAK_ADX_PRIMARY"
    CONFIRMATION_MISSING = "CONFIRMATION_MISSING"
    BAD_CANDLE_CONFIRMATION = "BAD_CANDLE_CONFIRMATION"
    TOO_FEW_CANDLES_CONFIRMATION = "TOO_FEW_CANDLES_CONFIRMATION"
    NO_TREND_CONFIRMATION = "NO_TREND_CONFIRMATION"
    WEAK_ADX_CONFIRMATION = "WEAK_ADX_CONFIRMATION"
    TIMEFRAMES_DISAGREE = "TIMEFRAMES_DISAGREE"


#: Of each reason of one timeframe: its name when it is the primary's, and when it is the confirmation's.
_AVOID_REASONS: dict[ReadingReason, tuple[AvoidReason, AvoidReason]] = {
    ReadingReason.NO_DATA: (AvoidReason.NO_DATA, AvoidReason.CONFIRMATION_MISSING),
    ReadingReason.BAD_CANDLE: (AvoidReason.BAD_CANDLE_PRIMARY, AvoidReason.BAD_CANDLE_CONFIRMATION),
    ReadingReason.TOO_FEW_CANDLES: (AvoidReason.TOO_FEW_CANDLES_PRIMARY, AvoidReason.TOO_FEW_CANDLES_CONFIRMATION),
    ReadingReason.NO_TREND: (AvoidReason.NO_TREND_PRIMARY, AvoidReason.NO_TREND_CONFIRMATION),
    ReadingReason.WEAK_ADX: (AvoidReason.WEAK_ADX_PRIMARY, AvoidReason.WEAK_ADX_CONFIRMATION),
}

_TIMEFRAME = re.compile(r"(\d+)\s*(m|min|mins|minute|minutes|h|hr|hour|hours)?", re.ASCII)


class TimeframeReading(msgspec.Struct, frozen=True, kw_only=True):
    """What one timeframe said at its last closed candle.

    Attributes:
        interval_minutes: Length of a candle.
        candle_start_us: Start of that candle, UTC microseconds; None when there was none.
        status: `ok`, or why nothing could be read.
        direction: `avoid` unless status is ok, the trend is known and the ADX is strong enough.
        reason: Why the direction is `avoid`; None when it is not.
        trend: Side of the Supertrend line; None while unknown.
        supertrend_paise: The line, to the nearest paisa.
        atr: Supertrend's average true range in rupees.
        adx, plus_di, minus_di: Points from 0 to 100; None while there are too few candles.
        adx_minimum: The gate that was applied, in points; 0 or None is no gate.
        problem: What was wrong with the candle, for people; empty unless status is error.
    """

    interval_minutes: int
    candle_start_us: int | None
    status: ReadingStatus
    direction: Direction
    reason: ReadingReason | None
    trend: Trend | None = None
    supertrend_paise: int | None = None
    atr: float | None = None
    adx: float | None = None
    plus_di: float | None = None
    minus_di: float | None = None
    adx_minimum: float | None = None
    problem: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The direction of an index, and of `avoid` the reason; `reason` is None exactly when there is a direction."""

    direction: Direction
    reason: AvoidReason | None


def decide_direction(trend: str | None, adx: float | None, adx_minimum: float | None) -> Direction:
    """The trend, when the ADX (points) reaches the minimum; a minimum of 0 or None asks for no ADX at all.

    An unknown ADX, a NaN on either side and a trend that is neither bullish nor bearish all give `avoid`.
    Source: REQUIREMENTS 7.2.
    """
    if trend not in (Trend.BULLISH, Trend.BEARISH) or not _is_strong(adx, adx_minimum):
        return Direction.AVOID
    return Direction(trend)


def _is_strong(adx: float | None, adx_minimum: float | None) -> bool:
    if not adx_minimum:
        return True
    # Asked as "at least", because a NaN answers no to every comparison and "below" would let it through.
    return adx is not None and adx >= adx_minimum


def combine_directions(
    primary: Direction, confirmation: Direction | None, is_confirmation_configured: bool
) -> Direction:
    """The direction both timeframes share; the primary's own when no confirmation is configured.

    A configured confirmation that is missing (None) gives `avoid`: never the primary alone. Source: REQUIREMENTS 7.2.
    """
    if not is_confirmation_configured or primary == confirmation:
        return primary
    return Direction.AVOID


def two_timeframe_verdict(
    primary: TimeframeReading, confirmation: TimeframeReading | None, is_confirmation_configured: bool
) -> Verdict:
    """What the timeframes decide together, and the first reason against it, the primary's before the confirmation's."""
    heard = None if confirmation is None else confirmation.direction
    direction = combine_directions(primary.direction, heard, is_confirmation_configured)
    if direction is not Direction.AVOID:
        return Verdict(direction=direction, reason=None)
    if primary.reason is not None:
        return Verdict(direction=direction, reason=_AVOID_REASONS[primary.reason][0])
    if confirmation is None:
        return Verdict(direction=direction, reason=AvoidReason.CONFIRMATION_MISSING)
    if confirmation.reason is not None:
        return Verdict(direction=direction, reason=_AVOID_REASONS[confirmation.reason][1])
    return Verdict(direction=direction, reason=AvoidReason.TIMEFRAMES_DISAGREE)


def interval_minutes_from(label: str | None) -> int | None:
    """Minutes of a timeframe label: `1m` and `1` are 1, `60 min` and `1h` are 60; None of an empty label (disabled).

    Raises:
        ValueError: The label names no length, or a length of zero.
    """
    text = (label or "").strip().lower()
    if not text:
        return None
    found = _TIMEFRAME.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"timeframe must be a number of minutes or hours above zero, such as 5m or 1h, got {label!r}")
    return int(found[1]) * (60 if (found[2] or "m").startswith("h") else 1)


class TimeframeAnalysis:
    """Supertrend and ADX of one index in one timeframe, fed its closed candles in order of time."""

    def __init__(
        self,
        *,
        interval_minutes: int,
        period: int,
        multiplier: float,
        atr_mode: AtrMode,
        adx_period: int,
        adx_minimum: float | None,
    ) -> None:
        self._interval_minutes = interval_minutes
        self._adx_minimum = adx_minimum
        self._supertrend = Supertrend(period, multiplier, atr_mode)
        self._adx = Adx(adx_period)
        self._start_us_last: int | None = None
        self._reading = self._without_direction(None, ReadingStatus.NO_DATA, ReadingReason.NO_DATA)

    @property
    def reading(self) -> TimeframeReading:
        """What the last candle gave; status `no_data` before the first."""
        return self._reading

    def update(self, candle: Candle) -> TimeframeReading:
        """The reading with this closed candle in it.

        A candle that is not later than the last one, or whose prices make no sense, changes no indicator and gives
        status `error`, so direction `avoid`, until the next good one.
        """
        try:
            self._reading = self._read(candle)
        except ValueError as refusal:
            self._reading = self._without_direction(
                candle.start_us, ReadingStatus.ERROR, ReadingReason.BAD_CANDLE, str(refusal)
            )
        return self._reading

    def _read(self, candle: Candle) -> TimeframeReading:
        last = self._start_us_last
        if last is not None and candle.start_us <= last:
            raise ValueError(f"candle must start after the last one: {candle.start_us} us <= {last} us")
        prices = (
            rupees_from_paise(candle.high_paise),
            rupees_from_paise(candle.low_paise),
            rupees_from_paise(candle.close_paise),
        )
        supertrend, adx = self._supertrend.update(*prices), self._adx.update(*prices)
        self._start_us_last = candle.start_us
        return self._judged(candle.start_us, supertrend, adx)

    def _judged(self, start_us: int, supertrend: SupertrendReading | None, adx: AdxReading | None) -> TimeframeReading:
        trend = supertrend.trend if supertrend else None
        strength = adx.adx if adx else None
        return TimeframeReading(
            interval_minutes=self._interval_minutes,
            candle_start_us=start_us,
            status=ReadingStatus.OK,
            direction=decide_direction(trend, strength, self._adx_minimum),
            reason=_reason_against(supertrend, strength, self._adx_minimum),
            trend=trend,
            supertrend_paise=paise_from_rupees(supertrend.line) if supertrend else None,
            atr=supertrend.atr if supertrend else None,
            adx=strength,
            plus_di=adx.plus_di if adx else None,
            minus_di=adx.minus_di if adx else None,
            adx_minimum=self._adx_minimum,
        )

    def _without_direction(
        self, start_us: int | None, status: ReadingStatus, reason: ReadingReason, problem: str = ""
    ) -> TimeframeReading:
        return TimeframeReading(
            interval_minutes=self._interval_minutes,
            candle_start_us=start_us,
            status=status,
            direction=Direction.AVOID,
            reason=reason,
            adx_minimum=self._adx_minimum,
            problem=problem,
        )


def _reason_against(
    supertrend: SupertrendReading | None, adx: float | None, adx_minimum: float | None
) -> ReadingReason | None:
    """Why `decide_direction` avoids; None when it does not."""
    if supertrend is None:
        return ReadingReason.TOO_FEW_CANDLES
    if supertrend.trend is None:
        return ReadingReason.NO_TREND
    if _is_strong(adx, adx_minimum):
        return None
    return ReadingReason.TOO_FEW_CANDLES if adx is None else ReadingReason.WEAK_ADX
