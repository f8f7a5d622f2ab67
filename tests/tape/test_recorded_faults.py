"""Recorded days that are damaged: what is skipped, what is mended, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow
import pytest
from pyarrow.parquet import ParquetFile, write_table

from scalper.errors import InputError
from scalper.tape.recorded import RecordedDay
from tests.tape.recordings import CALL, CALL_ROW, INDEX, INDEX_ROW, PUT, Row, a_bar, some_bars, write_day

NAN = float("nan")
COLD = 2  # lines every short day without a day before it has: a short session, nothing to warm up with


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (a_bar(CALL, "09:55", NAN, 303.0, 299.0, 301.0), "a price is missing or NaN"),
        (a_bar(CALL, "09:55", 300.0, 303.0, 299.0, 301.0, close=None), "a price is missing or NaN"),
        (a_bar(CALL, "09:55", 300.0, 303.0, -299.0, 301.0), "expected prices above 0"),
        (a_bar(CALL, "09:55", 300.0, 303.0, 0.0, 301.0), "expected prices above 0"),
        (a_bar(CALL, "09:55", 300.0, float("inf"), 299.0, 301.0), "expected prices above 0"),
        (a_bar(CALL, "09:55", 300.0, 299.0, 303.0, 301.0), "high below low"),
        (a_bar(CALL, "09:55:30", 300.0, 303.0, 299.0, 301.0), "expected the start of a minute"),
        (a_bar(CALL, "09:55", 300.0, 303.0, 299.0, 301.0, ts=None), "expected the start of a minute"),
        (a_bar(CALL, "09:55", 300.0, 303.0, 299.0, 301.0, volume=-1), "expected volume and open interest"),
        (a_bar(PUT, "09:55", 300.0, 303.0, 299.0, 301.0), "security has no row in master.csv"),
        (a_bar(CALL, "09:55", 300.0, 303.0, 299.0, 301.0, security_id=None), "security has no row in master.csv"),
    ],
)
def test_bad_row_is_counted_and_skipped(tmp_path: Path, bad: Row, kind: str) -> None:
    market = RecordedDay.open(write_day(tmp_path, [*some_bars(), bad]), seed=1)

    lines = [line for line in market.warnings if kind in line]
    assert len(lines) == 1
    assert lines[0].startswith("bars.parquet: 1 row: skipped, ")
    assert "row 80" in lines[0]
    assert len(market.warnings) == 1 + COLD
    assert len(market.candles(CALL, market.closes_at + timedelta(days=1))) == 40


def test_row_of_another_day_is_skipped(tmp_path: Path) -> None:
    rows = some_bars()
    rows[3] = rows[3] | {"ts": rows[3]["ts"] - timedelta(days=1)}

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert len(market.candles(CALL, market.closes_at)) == 39
    assert "expected the start of a minute of 2026-01-13" in market.warnings[0]


def test_rows_of_one_fault_make_one_line(tmp_path: Path) -> None:
    rows = [
        row | {"high": 1.0} if row["segment"] == "NSE_FNO" and k % 4 == 1 else row for k, row in enumerate(some_bars())
    ]

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert len(market.warnings) == 1 + COLD
    assert market.warnings[0] == (
        "bars.parquet: 20 rows: skipped, high below low; first row 1, NSE_FNO:40001 2026-01-13 09:15:00, "
        "found open 300 high 1 low 299 close 301"
    )


def test_unsorted_rows_are_sorted_and_said(tmp_path: Path) -> None:
    sorted_day = RecordedDay.open(write_day(tmp_path / "sorted", some_bars()), seed=1)

    market = RecordedDay.open(write_day(tmp_path / "reversed", some_bars()[::-1]), seed=1)

    assert [line for line in market.warnings if "not in order of time, sorted" in line]
    assert market.ticks(market.opens_at) == sorted_day.ticks(market.opens_at)
    assert market.candles(CALL, market.closes_at) == sorted_day.candles(CALL, market.closes_at)


def test_later_of_two_bars_of_a_minute_is_taken(tmp_path: Path) -> None:
    rows = [*some_bars(), a_bar(CALL, "09:20", 310.0, 310.0, 310.0, 310.0)]

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert market.candles(CALL, market.closes_at)[5].open_paise == 31_000
    assert len(market.candles(CALL, market.closes_at)) == 40
    assert [line for line in market.warnings if "stated again by a later row" in line]


def test_open_outside_low_and_high_widens_the_bar(tmp_path: Path) -> None:
    rows = some_bars()
    rows[1] = a_bar(CALL, "09:15", 310.0, 303.0, 299.0, 301.0)

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert market.candles(CALL, market.closes_at)[0].high_paise == 31_000
    assert [line for line in market.warnings if "widened" in line]


def test_option_price_off_the_tick_is_taken_to_the_nearest_one(tmp_path: Path) -> None:
    rows = some_bars()
    rows[1] = a_bar(CALL, "09:15", 300.02, 303.0, 0.01, 301.0)

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    candle = market.candles(CALL, market.closes_at)[0]
    assert (candle.open_paise, candle.low_paise) == (30_000, 5)
    assert [line for line in market.warnings if "off the tick" in line]


def test_missing_index_minutes_are_counted(tmp_path: Path) -> None:
    rows = [row for row in some_bars() if row["segment"] != "IDX_I" or f"{row['ts']:%H:%M}" not in ("09:20", "09:31")]

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert "bars.parquet: 2 index minutes missing, first 09:20, last 09:31" in market.warnings


def test_security_without_a_bar_in_a_minute_has_no_ticks_in_it(tmp_path: Path) -> None:
    rows = some_bars()
    del rows[1]

    market = RecordedDay.open(write_day(tmp_path, rows), seed=1)

    assert {tick.key for tick in market.ticks(market.opens_at)} == {INDEX}


def test_folder_that_states_another_day_than_its_bars_is_said(tmp_path: Path) -> None:
    market = RecordedDay.open(write_day(tmp_path, some_bars(), name="NIFTY-2026-01-14"), seed=1)

    assert str(market.day) == "2026-01-13"
    assert [line for line in market.warnings if "states 2026-01-14" in line]


@pytest.mark.parametrize(
    ("rows", "master", "found"),
    [
        ([], (INDEX_ROW, CALL_ROW), "found no row"),
        ([row for row in some_bars() if row["segment"] != "IDX_I"], (INDEX_ROW, CALL_ROW), "bars of an index"),
        ([row for row in some_bars() if row["segment"] == "IDX_I"], (INDEX_ROW, CALL_ROW), "one option contract"),
        (some_bars(29), (INDEX_ROW, CALL_ROW), "found 29"),
        (some_bars(), (CALL_ROW,), "row of an index"),
        (some_bars(), (INDEX_ROW,), "one option contract"),
        (some_bars(), (), "row of an index"),
    ],
)
def test_day_that_makes_no_sense_is_refused(
    tmp_path: Path, rows: list[Row], master: tuple[str, ...], found: str
) -> None:
    folder = write_day(tmp_path, rows, master)

    with pytest.raises(InputError, match=found):
        RecordedDay.open(folder, seed=1)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_close(path: Path) -> None:
    rewrite(path, lambda table: table.drop_columns(["close"]))


def with_words(path: Path) -> None:
    words = pyarrow.array(["dear"] * 80)
    rewrite(path, lambda table: table.set_column(table.column_names.index("open"), "open", words))


def without_zone(path: Path) -> None:
    naive = pyarrow.array([None] * 80, pyarrow.timestamp("us"))
    rewrite(path, lambda table: table.set_column(0, "ts", naive))


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(bytes(content))


def rewrite(path: Path, change: Callable[[pyarrow.Table], pyarrow.Table]) -> None:
    with ParquetFile(path) as file:
        table = file.read()
    write_table(change(table), path)


@pytest.mark.parametrize("spoil", [cut, empty, Path.unlink, without_close, with_words, without_zone, damaged])
def test_unreadable_bars_are_refused(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    folder = write_day(tmp_path, some_bars())
    spoil(folder / "bars.parquet")

    with pytest.raises(InputError, match=r"bars\.parquet: .*expected") as refused:
        RecordedDay.open(folder, seed=1)

    assert refused.value.exit_code == 66


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        RecordedDay.open(tmp_path / "NIFTY-2026-01-13", seed=1)
