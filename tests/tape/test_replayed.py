"""A tape of ticks as a market."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import us_from
from scalper.errors import InputError
from scalper.tape.file import TapeHeader, TapeRecord, TapeWriter
from scalper.tape.market import Market
from scalper.tape.recorded import RecordedDay
from scalper.tape.replayed import TapeDay
from tests.shared_files import SHARED
from tests.tape.recordings import CALL, INDEX, some_bars, write_day


def taped(path: Path, source: Market, ticks: list[Tick], kind: str = "FeedFrame", **header: object) -> Path:
    """Write ticks as a feed would deliver them, seven in a frame."""
    fields = {
        "day": source.day,
        "market": source.name,
        "market_kind": source.kind,
        "seed": source.seed,
        "opens_at_us": us_from(source.opens_at),
        "closes_at_us": us_from(source.closes_at),
        "instruments": source.instruments,
        "warm_up": {INDEX: source.warm_up(INDEX)},
    }
    writer = TapeWriter.create(path, TapeHeader(**(fields | header)))  # type: ignore[arg-type]
    for seq, start in enumerate(range(0, len(ticks), 7), start=1):
        frame = tuple(ticks[start : start + 7])
        writer.append(TapeRecord(seq, 0, "feed_hub", ("tick_cache",), kind, frame[-1].at_us, frame))
    writer.close()
    return path


def all_ticks(market: Market) -> list[Tick]:
    count = (market.closes_at - market.opens_at) // timedelta(minutes=1)
    return [tick for k in range(count) for tick in market.ticks(market.opens_at + timedelta(minutes=k))]


@pytest.fixture
def source(tmp_path: Path) -> RecordedDay:
    write_day(tmp_path, some_bars(33), name="NIFTY-2026-01-12")
    return RecordedDay.open(write_day(tmp_path, some_bars()), seed=5)


def test_taped_day_is_the_day_that_was_played(tmp_path: Path, source: RecordedDay) -> None:
    market: Market = TapeDay.open(taped(tmp_path / "day.tape", source, all_ticks(source)), seed=1)

    assert (market.kind, market.name, market.day, market.seed) == ("tape", "day.tape", source.day, 1)
    assert (market.opens_at, market.closes_at) == (source.opens_at, source.closes_at)
    assert market.instruments == source.instruments
    assert market.warnings == ()
    assert all_ticks(market) == all_ticks(source)
    assert market.warm_up(INDEX) == source.warm_up(INDEX) != ()
    assert market.candles(CALL, market.closes_at) == source.candles(CALL, source.closes_at)
    at = source.opens_at + timedelta(minutes=20, seconds=30)
    assert market.quote(CALL, at) == source.quote(CALL, at)


def test_ticks_delivered_late_take_their_own_place(tmp_path: Path, source: RecordedDay) -> None:
    ticks = all_ticks(source)
    delivered = ticks[::2] + ticks[1::2]

    market = TapeDay.open(taped(tmp_path / "day.tape", source, delivered), seed=1)

    assert all_ticks(market) == ticks


def test_only_frames_of_the_feed_are_played(tmp_path: Path, source: RecordedDay) -> None:
    path = taped(tmp_path / "day.tape", source, all_ticks(source), kind="Ticks")

    with pytest.raises(InputError, match="expected ticks of 2026-01-13 in FeedFrame records"):
        TapeDay.open(path, seed=1)


def test_tick_of_another_day_or_an_unknown_security_is_skipped(tmp_path: Path, source: RecordedDay) -> None:
    ticks = all_ticks(source)
    old = [Tick(CALL, ticks[0].at_us - 86_400_000_000, 1)] * 2
    unknown = [Tick("NSE_FNO:1", ticks[0].at_us, 1)]

    market = TapeDay.open(taped(tmp_path / "day.tape", source, [*old, *unknown, *ticks]), seed=1)

    assert all_ticks(market) == ticks
    assert [line.split(";")[0] for line in market.warnings] == [
        "day.tape: 2 rows: tick of another day, skipped",
        "day.tape: 1 row: tick of an unknown instrument, skipped",
    ]


def test_torn_tape_plays_up_to_its_last_whole_block(tmp_path: Path, source: RecordedDay) -> None:
    path = taped(tmp_path / "day.tape", source, all_ticks(source))
    os.truncate(path, path.stat().st_size - 9)

    market = TapeDay.open(path, seed=1)

    ticks = all_ticks(market)
    assert ticks == all_ticks(source)[: len(ticks)]
    assert len(ticks) > 1_000
    assert "bytes dropped" in market.warnings[0]


def test_candles_from_before_the_tape_come_first_and_fetched_ones_win(tmp_path: Path, source: RecordedDay) -> None:
    start_us = us_from(source.opens_at)
    fetched = (Candle(start_us - MINUTE_US, 1, 1, 1, 1), Candle(start_us, 2, 2, 2, 2))
    path = taped(tmp_path / "day.tape", source, all_ticks(source), candles={INDEX: fetched})

    candles = TapeDay.open(path, seed=1).candles(INDEX, source.closes_at)

    assert candles == (*fetched, *source.candles(INDEX, source.closes_at)[1:])


def test_tick_without_a_price_makes_no_candle(tmp_path: Path, source: RecordedDay) -> None:
    ticks = [Tick(CALL, us_from(source.opens_at), 0), Tick(CALL, us_from(source.opens_at) + 1, 500)]

    market = TapeDay.open(taped(tmp_path / "day.tape", source, ticks), seed=1)

    assert market.candles(CALL, market.closes_at) == (Candle(us_from(source.opens_at), 500, 500, 500, 500),)


@pytest.mark.shared
def test_recorded_day_survives_the_tape(tmp_path: Path) -> None:
    source = RecordedDay.open(SHARED / "data" / "days" / "NIFTY-2026-02-09", seed=5)
    ticks = all_ticks(source)

    market = TapeDay.open(taped(tmp_path / "day.tape", source, ticks), seed=1)

    assert all_ticks(market) == ticks
    assert all(
        market.candles(each.key, market.closes_at) == source.candles(each.key, source.closes_at)
        for each in market.instruments
    )
