"""Only closed candles leave the builders, each once, whatever the ticks do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.candle_builder import GRACE_US, IntervalBuilder, MinuteBuilder
from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import us_from
from tests.builders import INDEX_KEY, clock

START_US = us_from(clock("11:00:00"))


def tick(second: float, paise: int = 100_00, volume: int = 0) -> Tick:
    return Tick(INDEX_KEY, START_US + round(second * 1_000_000), paise, volume=volume)


def minute(number: int, paise: int = 100_00) -> Candle:
    """The minute that begins so many minutes after eleven."""
    return Candle(START_US + number * MINUTE_US, paise, paise + 10, paise - 10, paise + 5, 7)


def test_a_minute_has_the_first_highest_lowest_and_last_price_of_its_ticks() -> None:
    builder = MinuteBuilder()
    for second, paise in ((0, 101_00), (10, 104_00), (20, 99_00), (59.9, 102_00)):
        assert builder.add(tick(second, paise)) is None

    closed = builder.add(tick(60, 50_00))

    assert closed == Candle(START_US, 101_00, 104_00, 99_00, 102_00)


def test_a_minute_is_due_a_second_after_its_end_and_once() -> None:
    builder = MinuteBuilder()
    builder.add(tick(30))
    due_us = START_US + MINUTE_US + GRACE_US

    answers = [builder.close_due(now_us) for now_us in (due_us - 1, due_us, due_us + 1)]

    assert [answer is not None for answer in answers] == [False, True, False]


def test_a_late_tick_is_dropped_and_counted() -> None:
    builder = MinuteBuilder(START_US)
    late = [builder.add(tick(second)) for second in (-1, -61)]
    builder.add(tick(61))
    late.append(builder.add(tick(59)))

    assert (late, builder.late) == ([None] * 3, 3)


def test_a_tick_within_the_grace_still_counts() -> None:
    builder = MinuteBuilder()
    builder.add(tick(10, 100_00))
    builder.close_due(START_US + MINUTE_US + GRACE_US - 1)
    builder.add(tick(59.9, 120_00))

    closed = builder.close_due(START_US + MINUTE_US + GRACE_US)

    assert closed is not None
    assert closed.high_paise == 120_00


def test_a_price_of_zero_is_no_price() -> None:
    builder = MinuteBuilder()

    builder.add(tick(0, 0))

    assert builder.close_due(START_US + 10 * MINUTE_US) is None


def test_volume_is_what_was_traded_in_the_minute() -> None:
    builder = MinuteBuilder()
    builder.add(tick(0, volume=1_000))
    builder.add(tick(50, volume=1_300))

    first = builder.add(tick(61, volume=1_350))
    second = builder.add(tick(121, volume=1_400))

    assert first is not None
    assert second is not None
    assert (first.volume, second.volume) == (300, 50)


def test_minutes_without_ticks_are_not_made_up() -> None:
    builder = MinuteBuilder()
    builder.add(tick(0))

    closed = builder.add(tick(300))
    after = builder.close_due(START_US + 6 * MINUTE_US + GRACE_US)

    assert closed is not None
    assert after is not None
    assert after.start_us - closed.start_us == 5 * MINUTE_US


@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(1, 10**7)), max_size=60))
def test_whatever_comes_minutes_ascend_and_hold_their_prices(told: list[tuple[int, int]]) -> None:
    builder, closed = MinuteBuilder(), []
    for milliseconds, paise in told:
        done = builder.add(tick(milliseconds / 1000, paise))
        closed += [done] if done is not None else []
    last = builder.close_due(START_US + 60 * MINUTE_US)
    closed += [last] if last is not None else []

    assert all(low.start_us < high.start_us for low, high in pairwise(closed))
    assert all(one.start_us % MINUTE_US == 0 for one in closed)
    assert all(one.low_paise <= min(one.open_paise, one.close_paise) for one in closed)
    assert all(one.high_paise >= max(one.open_paise, one.close_paise) for one in closed)


def test_five_minutes_make_one_candle_with_the_last_of_them() -> None:
    builder = IntervalBuilder(5)

    done = [builder.add(minute(number, (100 + number) * 100)) for number in range(5)]

    assert done[:4] == [()] * 4
    assert done[4] == (Candle(START_US, 100_00, 104_10, 99_90, 104_05, 35),)


def test_a_gap_at_the_end_of_an_interval_closes_it_with_the_next_one() -> None:
    builder = IntervalBuilder(5)
    builder.add(minute(0))

    done = builder.add(minute(9))

    assert [candle.start_us for candle in done] == [START_US, START_US + 5 * MINUTE_US]


@pytest.mark.parametrize(("minutes", "begins"), [(3, "11:00"), (15, "11:00"), (30, "11:00"), (60, "11:00")])
def test_intervals_begin_on_the_hours_of_india(minutes: int, begins: str) -> None:
    builder = IntervalBuilder(minutes)

    done = [candle for number in range(minutes) for candle in builder.add(minute(number))]

    assert [candle.start_us for candle in done] == [us_from(clock(f"{begins}:00"))]


@given(st.sets(st.integers(0, 120)), st.sampled_from([2, 3, 5, 15, 30]))
def test_no_minute_is_lost_or_counted_twice(numbers: set[int], minutes: int) -> None:
    builder = IntervalBuilder(minutes)

    done = [candle for number in sorted(numbers) for candle in builder.add(minute(number))]

    end_us = done[-1].start_us + minutes * MINUTE_US if done else 0
    counted = sum(1 for number in numbers if START_US + number * MINUTE_US < end_us)
    assert sum(candle.volume for candle in done) == 7 * counted
    assert all(low.start_us < high.start_us for low, high in pairwise(done))
