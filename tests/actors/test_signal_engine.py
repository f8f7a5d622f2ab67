"""SignalEngine looks once at every closed candle, and a restart changes nothing of what it sees."""

from __future__ import annotations

import random

import pytest

from scalper.actors.messages.candles import CandleClosed, CandleHistory, CandleSeries, ReportCandles
from scalper.actors.messages.signals import DirectionFound, SignalEvaluated
from scalper.actors.signal_engine import SignalEngine
from scalper.domain.candle_builder import IntervalBuilder
from scalper.domain.direction import AvoidReason, Direction
from scalper.domain.indicators.atr import AtrMode
from scalper.domain.quotes import Candle
from scalper.domain.signal_rules import SignalRules
from scalper.domain.times import us_from
from tests.actors.harness import Stage, restarted
from tests.builders import ELEVEN, candles_from, clock

RULES = SignalRules(
    primary_minutes=1,
    confirmation_minutes=5,
    supertrend_period=7,
    supertrend_multiplier=2.0,
    atr_mode=AtrMode.WILDER,
    adx_minimum_primary=10.0,
    adx_minimum_confirmation=10.0,
)


def a_day(seed: int = 5) -> list[tuple[int, Candle]]:
    """Two hundred minutes of a day that trends, with the five-minute candles before the minutes that end them."""
    chance = random.Random(seed)
    prices, price, drift = [], 25_700_00, 300
    for step in range(200):
        drift = -drift if step % 70 == 69 else drift
        price += drift + chance.randint(-700, 700)
        prices.append(price)
    longer, stream = IntervalBuilder(5), []
    for minute in candles_from(clock("09:15:00"), prices):
        stream += [(5, candle) for candle in longer.add(minute)]
        stream.append((1, minute))
    return stream


def a_stage(history: list[tuple[int, Candle]] | None = None, rules: SignalRules = RULES) -> Stage:
    stage = Stage({"signal_engine": (SignalEngine, lambda link: SignalEngine(link, rules={"NIFTY": rules}))})
    stage.tell(answer(history or []))
    return stage


def answer(history: list[tuple[int, Candle]]) -> CandleHistory:
    """CandleBook's answer, every timeframe by itself."""
    series = tuple(
        CandleSeries("NIFTY", minutes, tuple(candle for length, candle in history if length == minutes))
        for minutes in (5, 1)
    )
    return CandleHistory(at=ELEVEN, series=series)


def closed(minutes: int, candle: Candle, index_key: str = "NIFTY") -> CandleClosed:
    return CandleClosed(at=ELEVEN, index_key=index_key, interval_minutes=minutes, candle=candle)


def closings(stream: list[tuple[int, Candle]]) -> list[CandleClosed]:
    return [closed(minutes, candle) for minutes, candle in stream]


def test_every_primary_candle_is_evaluated_once_and_no_other() -> None:
    stage, day = a_stage(), a_day()

    stage.tell(*closings(day))

    evaluated = [us_from(one.candle_at) for one in stage.said(SignalEvaluated)]
    assert evaluated == [candle.start_us for minutes, candle in day if minutes == 1]


def test_a_direction_is_found_exactly_when_the_verdict_says_so() -> None:
    stage = a_stage()

    stage.tell(*closings(a_day()))

    found = [(one.candle_at, one.direction) for one in stage.said(DirectionFound)]
    told = [(one.candle_at, one.verdict.direction) for one in stage.said(SignalEvaluated)]
    assert found == [pair for pair in told if pair[1] is not Direction.AVOID]
    assert {direction for _, direction in found} == {Direction.BULLISH, Direction.BEARISH}
    assert {one.confluence_type for one in stage.said(DirectionFound)} == {"ST_ADX_1M_5M"}


@pytest.mark.parametrize("place", [60, 121, 122, 200])
def test_after_a_restart_every_reading_is_that_of_an_uninterrupted_day(place: int) -> None:
    day = a_day()
    whole, second = a_stage(), a_stage(day[:place])

    whole.tell(*closings(day))
    second.tell(*closings(day[place:]))

    again = second.said(SignalEvaluated)
    assert again == whole.said(SignalEvaluated)[-len(again) :]


#: CandleBook takes a minute and the longer candle it ends in one step, so a history always ends with a minute.
WHOLE_MINUTES = [place for place in range(119, 127) if a_day()[place - 1][0] == 1]


@pytest.mark.parametrize("place", WHOLE_MINUTES)
def test_a_candle_that_waits_while_the_history_has_it_already_is_evaluated_once_and_counted_once(place: int) -> None:
    day = a_day()
    whole = a_stage()
    whole.tell(*closings(day))
    stage = Stage({"signal_engine": (SignalEngine, lambda link: SignalEngine(link, rules={"NIFTY": RULES}))})

    stage.tell(*closings(day[place - 2 : place]))
    stage.tell(answer(day[:place]), *closings(day[place:]))

    expected = {one.candle_at: one for one in whole.said(SignalEvaluated)}
    evaluated = stage.said(SignalEvaluated)
    assert len({one.candle_at for one in evaluated}) == len(evaluated)
    assert all(one == expected[one.candle_at] for one in evaluated)
    newest = max((candle.start_us for minutes, candle in day[:place] if minutes == 1))
    waited = any(minutes == 1 and candle.start_us == newest for minutes, candle in day[place - 2 : place])
    assert (us_from(evaluated[0].candle_at) == newest) is waited


def test_a_new_candle_book_is_asked_for_its_history() -> None:
    stage = a_stage()
    mark = stage.mark

    stage.tell(restarted("candle_book"))

    assert len(stage.told("candle_book", ReportCandles, mark)) == 1


def test_without_a_confirmation_the_primary_is_not_enough() -> None:
    stage, day = a_stage(), a_day()

    stage.tell(*closings([pair for pair in day if pair[0] == 1]))

    assert stage.said(DirectionFound) == []
    assert stage.said(SignalEvaluated)[-1].verdict.reason is AvoidReason.CONFIRMATION_MISSING


def test_without_a_configured_confirmation_the_primary_decides_alone() -> None:
    rules = SignalRules(
        primary_minutes=1,
        confirmation_minutes=0,
        supertrend_period=7,
        supertrend_multiplier=2.0,
        atr_mode=RULES.atr_mode,
        adx_minimum_primary=10.0,
        adx_minimum_confirmation=0.0,
    )
    stage = a_stage(rules=rules)

    stage.tell(*closings([pair for pair in a_day() if pair[0] == 1]))

    assert {one.confluence_type for one in stage.said(DirectionFound)} == {"ST_ADX_1M"}


def test_candles_of_an_index_it_has_no_rules_for_are_passed_over() -> None:
    stage, (first, *_) = a_stage(), a_day()

    stage.tell(closed(first[0], first[1], "SENSEX"))

    assert stage.said(SignalEvaluated) == []


def test_candles_wait_for_the_history() -> None:
    stage = Stage({"signal_engine": (SignalEngine, lambda link: SignalEngine(link, rules={"NIFTY": RULES}))})
    day = a_day()

    stage.tell(*closings(day[:2]))
    before = len(stage.said(SignalEvaluated))
    stage.tell(answer([]))

    assert (before, len(stage.said(SignalEvaluated))) == (0, 2)
