"""CandleBook tells closed candles only, each once, over restarts too."""

from __future__ import annotations

from datetime import datetime, timedelta

from scalper.actors.candle_book import CandleBook
from scalper.actors.messages.candles import CandleClosed, CandleHistory, CandlesFetched, GetCandles, ReportCandles
from scalper.actors.messages.feed import IndexTicks
from scalper.actors.messages.risk import Alert
from scalper.domain.quotes import Candle
from scalper.domain.times import ist_from_us, us_from
from scalper.runtime.actor import Link
from tests.actors.harness import Stage, restarted
from tests.builders import ELEVEN, INDEX_KEY, an_index_tick, candles_from, clock, later

#: Twenty minutes up to eleven, one rupee apart.
HISTORY = candles_from(ELEVEN - timedelta(minutes=20), [25_700_00 + 100 * step for step in range(20)])


def a_stage(at: datetime = ELEVEN, history: tuple[Candle, ...] = HISTORY, problem: str = "") -> Stage:
    def make(link: Link) -> CandleBook:
        return CandleBook(link, indices={INDEX_KEY: "NIFTY"}, intervals=(1, 5))

    stage = Stage({"candle_book": (CandleBook, make)}, at=at)
    stage.tell(fetched(at, history, problem))
    return stage


def fetched(at: datetime, candles: tuple[Candle, ...], problem: str = "") -> CandlesFetched:
    return CandlesFetched(at=at, key=INDEX_KEY, candles=candles, problem=problem)


def ticks(*prices: tuple[float, int]) -> list[IndexTicks]:
    """One letter for each (seconds after eleven, value in paise)."""
    return [IndexTicks(at=later(second), ticks=(an_index_tick(paise, later(second)),)) for second, paise in prices]


def told(stage: Stage) -> list[tuple[int, str, int]]:
    """(minutes, start, close) of every candle told."""
    return [
        (one.interval_minutes, f"{ist_from_us(one.candle.start_us):%H:%M}", one.candle.close_paise)
        for one in stage.said(CandleClosed)
    ]


def history(stage: Stage, minutes: int) -> tuple[Candle, ...]:
    mark = stage.mark
    stage.tell(ReportCandles(at=ELEVEN, reply_to="somebody"))
    (answer,) = stage.told("somebody", CandleHistory, mark)
    return next(one.candles for one in answer.series if one.interval_minutes == minutes)


def test_a_minute_is_told_when_the_next_one_begins() -> None:
    stage = a_stage()

    stage.tell(*ticks((0, 100_00), (20, 103_00), (40, 98_00), (59.9, 101_00)))
    before = told(stage)
    stage.tell(*ticks((60, 102_00)))

    (closed,) = stage.said(CandleClosed)
    assert before == []
    assert (closed.index_key, closed.candle) == ("NIFTY", Candle(us_from(ELEVEN), 100_00, 103_00, 98_00, 101_00))


def test_without_further_ticks_a_minute_is_told_a_second_after_its_end() -> None:
    stage = a_stage()
    stage.tell(*ticks((0, 100_00)))

    stage.pulse(later(60), later(60.75))
    before = told(stage)
    stage.pulse(later(61), later(61.25))

    assert (before, told(stage)) == ([], [(1, "11:00", 100_00)])


def test_the_longer_candle_is_told_before_the_minute_that_ended_it() -> None:
    stage = a_stage()

    stage.tell(*ticks(*((60.0 * minute, (100 + minute) * 100) for minute in range(6))))

    assert told(stage)[3:] == [(1, "11:03", 103_00), (5, "11:00", 104_00), (1, "11:04", 104_00)]


def test_a_tick_of_a_closed_minute_changes_nothing() -> None:
    stage = a_stage()

    stage.tell(*ticks((0, 100_00), (61, 101_00), (59, 50_00), (120, 102_00)))

    assert [one.candle.low_paise for one in stage.said(CandleClosed)] == [100_00, 101_00]


def test_history_and_live_minutes_meet_without_gap_or_overlap() -> None:
    stage = a_stage()

    stage.tell(*ticks((0, 100_00), (60, 101_00), (120, 102_00)))

    starts = [candle.start_us for candle in history(stage, 1)]
    assert starts == list(range(us_from(ELEVEN) - 20 * 60_000_000, us_from(ELEVEN) + 2 * 60_000_000, 60_000_000))
    assert [candle.start_us for candle in history(stage, 5)] == starts[:20:5]


def test_a_minute_that_was_not_seen_whole_is_fetched_and_not_built() -> None:
    stage = a_stage(later(30))
    whole = Candle(us_from(ELEVEN), 90_00, 130_00, 80_00, 101_00)

    stage.tell(*ticks((40, 100_00), (59, 101_00), (60.5, 102_00)))
    asked = stage.told("data_gateway", GetCandles)[1:]
    stage.tell(fetched(later(60.5), (*HISTORY, whole)))
    stage.tell(*ticks((120, 103_00)))

    assert [one.at for one in asked] == [later(60.5)]
    assert [one.candle for one in stage.said(CandleClosed)] == [
        whole,
        Candle(us_from(later(60)), 102_00, 102_00, 102_00, 102_00),
    ]


def test_candles_are_asked_for_again_when_the_answer_may_have_been_lost() -> None:
    stage = Stage(
        {"candle_book": (CandleBook, lambda link: CandleBook(link, indices={INDEX_KEY: "NIFTY"}, intervals=(1, 5)))}
    )

    stage.tell(restarted("data_gateway"))

    assert len(stage.told("data_gateway", GetCandles)) == 2


def test_ticks_wait_for_the_history() -> None:
    stage = Stage(
        {"candle_book": (CandleBook, lambda link: CandleBook(link, indices={INDEX_KEY: "NIFTY"}, intervals=(1, 5)))}
    )

    stage.tell(*ticks((0, 100_00), (60, 101_00)))
    before = told(stage)
    stage.tell(fetched(ELEVEN, HISTORY))

    assert (before, told(stage)) == ([], [(1, "11:00", 100_00)])


def test_a_history_that_could_not_be_read_is_an_alert_and_live_minutes_go_on() -> None:
    stage = a_stage(history=(), problem="no answer")

    stage.tell(*ticks((0, 100_00), (60, 101_00)))

    assert [alert.text for alert in stage.said(Alert)] == ["no answer"]
    assert told(stage) == [(1, "11:00", 100_00)]


def test_ticks_of_other_securities_build_nothing() -> None:
    stage = a_stage()

    stage.tell(IndexTicks(at=ELEVEN, ticks=(an_index_tick(key="IDX_I:51"),)))
    stage.pulse(later(90))

    assert told(stage) == []


def test_the_last_minute_of_the_day_is_told_too() -> None:
    close = clock("15:30:00")
    stage = a_stage(close - timedelta(minutes=1), history=())
    stage.tell(IndexTicks(at=close, ticks=(an_index_tick(100_00, close - timedelta(seconds=1)),)))

    stage.pulse(close, later(1, close))

    assert told(stage) == [(5, "15:25", 100_00), (1, "15:29", 100_00)]
