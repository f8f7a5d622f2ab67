"""A recorded day as a market."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from scalper.domain.quotes import Candle, Tick
from scalper.domain.times import IST, us_from
from scalper.errors import InputError
from scalper.tape.market import Market
from scalper.tape.recorded import RecordedDay
from tests.shared_files import SHARED
from tests.tape.recordings import CALL, CALL_ROW, INDEX, INDEX_ROW, PUT, PUT_ROW, a_bar, some_bars, write_day

OPEN = datetime(2026, 1, 13, 9, 15, tzinfo=IST)
DAYS = SHARED / "data" / "days"


def minutes_of(market: Market) -> list[datetime]:
    count = (market.closes_at - market.opens_at) // timedelta(minutes=1)
    return [market.opens_at + timedelta(minutes=k) for k in range(count)]


def test_recorded_day_knows_its_day_and_session(tmp_path: Path) -> None:
    market: Market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert (market.kind, market.name, str(market.day), market.seed) == ("tape", "NIFTY-2026-01-13", "2026-01-13", 1)
    assert (market.opens_at, market.closes_at) == (OPEN, OPEN + timedelta(minutes=40))
    assert [each.symbol for each in market.instruments] == ["NIFTY", "NIFTY-Jan2026-25400-CE"]


def test_minute_gives_the_same_ticks_whatever_was_asked_before(tmp_path: Path) -> None:
    folder = write_day(tmp_path, some_bars())
    asked_all, asked_one = (RecordedDay.open(folder, seed=9) for _ in range(2))

    in_order = [asked_all.ticks(minute) for minute in minutes_of(asked_all)]

    assert asked_one.ticks(OPEN + timedelta(minutes=33)) == in_order[33]
    assert asked_all.ticks(OPEN) == in_order[0]
    assert RecordedDay.open(folder, seed=10).ticks(OPEN) != in_order[0]


def test_minute_outside_the_recording_has_no_ticks(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert market.ticks(OPEN - timedelta(minutes=1)) == ()
    assert market.ticks(market.closes_at) == ()


def test_candles_of_today_are_closed_ones_only(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    before, at_close = (market.candles(CALL, OPEN + timedelta(seconds=s)) for s in (119, 120))

    assert len(before) == 1
    assert at_close[1] == Candle(us_from(OPEN) + 60_000_000, 30_000, 30_300, 29_900, 30_100, 1300)
    assert market.candles("NSE_FNO:1", OPEN + timedelta(hours=1)) == ()


def test_volume_of_ticks_is_that_of_the_day_so_far(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    last = [tick for tick in market.ticks(OPEN + timedelta(minutes=9)) if tick.key == CALL][-1]

    assert (last.volume, last.open_interest) == (13_000, 5000)


def test_quote_is_the_last_tick_at_or_before(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)
    ticks = [tick for minute in minutes_of(market)[:2] for tick in market.ticks(minute) if tick.key == CALL]

    for second in range(0, 120, 7):
        at = OPEN + timedelta(seconds=second)
        expected = [tick for tick in ticks if tick.at_us <= us_from(at)]
        assert market.quote(CALL, at) == (expected[-1] if expected else None)


def test_quote_at_the_very_moment_of_a_tick_is_that_tick(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)
    tick = market.ticks(OPEN)[50]

    at = OPEN + timedelta(microseconds=tick.at_us - us_from(OPEN))

    assert market.quote(tick.key, at) == tick


@pytest.mark.parametrize(("minutes_later", "is_known"), [(0, True), (10, True), (11, False)])
def test_quote_looks_back_ten_minutes(tmp_path: Path, minutes_later: int, is_known: bool) -> None:
    rows = [*some_bars(), a_bar(PUT, "09:20", 5.0, 5.0, 5.0, 5.0)]
    market = RecordedDay.open(write_day(tmp_path, rows, (INDEX_ROW, CALL_ROW, PUT_ROW)), seed=1)

    quote = market.quote(PUT, OPEN + timedelta(minutes=5 + minutes_later, seconds=59))

    assert (quote is not None) == is_known


def test_unknown_key_has_no_quote(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert market.quote("NSE_FNO:1", OPEN + timedelta(minutes=3)) is None


def test_player_and_reader_of_quotes_may_be_on_two_threads(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)
    alone = RecordedDay.open(tmp_path / "NIFTY-2026-01-13", seed=1)
    minutes = minutes_of(market)
    quotes: list[Tick | None] = []
    reader = Thread(target=lambda: quotes.extend(market.quote(CALL, each + timedelta(seconds=30)) for each in minutes))

    reader.start()
    played = [market.ticks(minute) for minute in minutes]
    reader.join(timeout=10)

    assert played == [alone.ticks(minute) for minute in minutes]
    assert quotes == [alone.quote(CALL, each + timedelta(seconds=30)) for each in minutes]


def test_day_is_warmed_up_by_the_latest_earlier_day_beside_it(tmp_path: Path) -> None:
    for name, minutes in (("NIFTY-2026-01-08", 31), ("NIFTY-2026-01-09", 33), ("SENSEX-2026-01-12", 35)):
        write_day(tmp_path, some_bars(minutes), name=name)
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert len(market.warm_up(INDEX)) == 33
    assert market.warm_up(CALL) == ()
    assert not [line for line in market.warnings if "warm up" in line]


def test_day_without_an_earlier_one_says_when_it_can_first_speak(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert market.warm_up(INDEX) == ()
    assert [line for line in market.warnings if "from 09:43" in line and "from 11:35" in line]


@pytest.mark.parametrize("stated", ["NIFTY-2026-01-09", "."])
def test_stated_history_is_a_recorded_day_or_a_folder_of_them(tmp_path: Path, stated: str) -> None:
    write_day(tmp_path / "elsewhere", some_bars(33), name="NIFTY-2026-01-09")

    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1, history=tmp_path / "elsewhere" / stated)

    assert len(market.warm_up(INDEX)) == 33


@pytest.mark.parametrize("name", ["NIFTY-2026-01-13", "SENSEX-2026-01-09", "NIFTY-2026-02-30", "missing"])
def test_stated_history_without_an_earlier_day_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_day(tmp_path, some_bars())
    if name != "missing":
        write_day(tmp_path / "elsewhere", some_bars(), name=name)

    with pytest.raises(InputError, match="expected a recorded day"):
        RecordedDay.open(folder, seed=1, history=tmp_path / "elsewhere")


def test_unreadable_day_beside_it_is_said_and_not_used(tmp_path: Path) -> None:
    write_day(tmp_path, some_bars(), name="NIFTY-2026-01-12").joinpath("bars.parquet").write_bytes(b"PAR1")

    market = RecordedDay.open(write_day(tmp_path, some_bars()), seed=1)

    assert market.warm_up(INDEX) == ()
    assert [line for line in market.warnings if "the day before cannot be read" in line]


@pytest.mark.shared
def test_every_recorded_day_opens_with_true_warnings_only() -> None:
    warnings = {path.name: RecordedDay.open(path, seed=1).warnings for path in sorted(DAYS.iterdir())}

    assert len(warnings) == 79
    assert {name for name, lines in warnings.items() if lines} == {
        "BANKNIFTY-2023-04-10",
        "NIFTY-2026-01-12",
        "SENSEX-2026-01-12",
        "NIFTY-2026-03-09",
        "SENSEX-2026-03-09",
    }
    assert all(len(lines) <= 1 for lines in warnings.values())


@pytest.mark.shared
@pytest.mark.parametrize("name", ["NIFTY-2026-02-03", "SENSEX-2026-03-09", "BANKNIFTY-2023-04-10"])
def test_ticks_of_a_recorded_day_make_its_bars_again(name: str) -> None:
    market = RecordedDay.open(DAYS / name, seed=3)
    made: dict[tuple[str, int], list[int]] = {}
    times: dict[str, list[int]] = {}

    for minute in minutes_of(market)[::9]:
        for tick in market.ticks(minute):
            made.setdefault((tick.key, us_from(minute)), []).append(tick.ltp_paise)
            times.setdefault(tick.key, []).append(tick.at_us)

    candles = {
        (each.key, candle.start_us): candle
        for each in market.instruments
        for candle in market.candles(each.key, market.closes_at)
    }
    for (key, start_us), ltps in made.items():
        candle = candles[key, start_us]
        expected = (candle.open_paise, candle.high_paise, candle.low_paise, candle.close_paise)
        assert (ltps[0], max(ltps), min(ltps), ltps[-1]) == expected
        assert len(ltps) == (60 if key.startswith("IDX_I") else 20)
    assert all(earlier < later for each in times.values() for earlier, later in pairwise(each))
