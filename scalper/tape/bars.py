"""The bars of a recorded day: read, checked row by row, put in order.

Bad rows are counted and skipped, or mended where that is harmless; each kind gives one line. What makes the whole
file useless is an InputError.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.quotes import MINUTE_US, Candle
from scalper.domain.times import ist_from_us
from scalper.errors import InputError
from scalper.tape.faults import Faults
from scalper.tape.paths import Bars, FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

_PRICES = ("open", "high", "low", "close")
_COLUMNS = ("ts", "segment", "security_id", *_PRICES, "volume", "oi")
#: Prices above this are not prices of anything we watch.
_PRICE_RUPEES_MAX = 10_000_000
#: Volumes and open interest above this are not counts of anything, and floats no longer tell them apart.
_SIZE_MAX = 2.0**53
#: India keeps one offset, 5:30, without summer time.
_IST_OFFSET_US = int(timedelta(hours=5, minutes=30) / timedelta(microseconds=1))
_DAY_US = int(timedelta(days=1) / timedelta(microseconds=1))


class DayBars(msgspec.Struct, frozen=True):
    """The usable bars of one day.

    Attributes:
        day: The day of most index bars; rows of other days were skipped.
        bars: In order of time and place among the instruments.
        warnings: One line per kind of row that was skipped or mended.
    """

    day: date
    bars: Bars
    warnings: tuple[str, ...]


class _Raw(msgspec.Struct, frozen=True):
    """Rows as they lie in the file; `position` is -1 of a security we do not know, prices are rupees."""

    ts_us: IntArray
    names: list[str]
    name: IntArray
    position: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    open_interest: FloatArray

    def example(self, row: int) -> str:
        """One row for people."""
        at = ist_from_us(int(self.ts_us[row])).strftime("%Y-%m-%d %H:%M:%S") if self.ts_us[row] >= 0 else "no time"
        prices = " ".join(f"{name} {getattr(self, name)[row]:g}" for name in _PRICES)
        return f"row {row}, {self.names[self.name[row]]} {at}, found {prices}"


def read_bars(path: Path, instruments: Sequence[Instrument], *, is_partial: bool = False) -> DayBars:
    """Read the bars of `instruments`, which begin with an index.

    Args:
        path: A parquet file with the columns ts, segment, security_id, open, high, low, close, volume, oi.
        instruments: `Bars.position` counts in them.
        is_partial: Other securities in the file are expected, and no fault.

    Raises:
        InputError: The file is missing, empty, truncated, lacks a column, or has no bar of an index.
    """
    faults = Faults(path.name)
    raw = _read(path, instruments)
    is_index = np.array([each.kind is InstrumentKind.INDEX for each in instruments])
    day_start_us = _day_start_us(raw, is_index, path)
    kept = _kept(raw, day_start_us, faults, is_partial)
    bars = _bars(raw, kept, instruments, faults)
    return DayBars(ist_from_us(day_start_us).date(), bars, faults.lines())


def candles_of(bars: Bars, position: int) -> tuple[Candle, ...]:
    """The bars of one security as candles, ascending."""
    rows = np.flatnonzero(bars.position == position)
    columns = (bars.minute_us, bars.open_paise, bars.high_paise, bars.low_paise, bars.close_paise, bars.volume)
    return tuple(map(Candle, *(column[rows].tolist() for column in columns)))


def _read(path: Path, instruments: Sequence[Instrument]) -> _Raw:
    """The columns of the file as arrays."""
    import pyarrow  # costs 0.15 s, which only a run over a recording pays

    table = _table(path)
    try:
        names, name = _names(table)
        ts = table["ts"].cast(pyarrow.timestamp("us", tz="UTC"), safe=False).cast(pyarrow.int64())
        open_, high, low, close = (_floats(table, column, np.nan) for column in _PRICES)
        volume, open_interest = (np.nan_to_num(_floats(table, column, 0.0)) for column in ("volume", "oi"))
    except pyarrow.ArrowException as error:
        raise InputError(f"{path}: expected numbers in {', '.join(_COLUMNS[3:])}, found {error}") from error
    places = {each.key: position for position, each in enumerate(instruments)}
    known = np.array([places.get(each, -1) for each in names], dtype=np.int64)
    ts_us = ts.fill_null(-1).to_numpy()
    return _Raw(ts_us, names, name, known[name], open_, high, low, close, volume, open_interest)


def _table(path: Path) -> Any:
    """The needed columns of the file as an arrow table."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            missing = [column for column in _COLUMNS if column not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: expected the column(s) {', '.join(missing)}, found none of that name")
            table = file.read(columns=list(_COLUMNS), use_threads=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected the bars of the recorded day") from None
    except (OSError, pyarrow.ArrowException) as error:
        size = path.stat().st_size if path.is_file() else 0
        raise InputError(f"{path}: expected a whole parquet file, found {size} bytes: {error}") from error
    ts_type = table.schema.field("ts").type
    if not pyarrow.types.is_timestamp(ts_type) or ts_type.tz is None:
        raise InputError(f"{path}: expected times with a zone (Asia/Kolkata) in ts, found {ts_type}")
    if table.num_rows == 0:
        raise InputError(f"{path}: expected the bars of a day, found no row")
    return table


def _names(table: Any) -> tuple[list[str], IntArray]:
    """The instrument keys of the file, and for each row its place among them."""
    segment = table["segment"].combine_chunks().dictionary_encode("encode")
    security = table["security_id"].combine_chunks().dictionary_encode("encode")
    securities = security.dictionary.to_pylist()
    pairs = segment.indices.to_numpy().astype(np.int64) * len(securities) + security.indices.to_numpy()
    found, name = np.unique(pairs, return_inverse=True)
    segments = segment.dictionary.to_pylist()
    names = [f"{str(segments[k // len(securities)]).upper()}:{securities[k % len(securities)]}" for k in found.tolist()]
    return names, name


def _floats(table: Any, column: str, missing: float) -> FloatArray:
    """One column as floats, where null is `missing`."""
    import pyarrow

    found: FloatArray = table[column].cast(pyarrow.float64(), safe=False).fill_null(missing).to_numpy()
    return found


def _day_start_us(raw: _Raw, is_index: BoolArray, path: Path) -> int:
    """Midnight in India of the day that most index bars tell."""
    rows = (raw.position >= 0) & is_index[raw.position] & (raw.ts_us >= 0)
    if not rows.any():
        raise InputError(f"{path}: expected one-minute bars of an index of the master, found none")
    days, counts = np.unique((raw.ts_us[rows] + _IST_OFFSET_US) // _DAY_US, return_counts=True)
    return int(days[counts.argmax()]) * _DAY_US - _IST_OFFSET_US


def _kept(raw: _Raw, day_start_us: int, faults: Faults, is_partial: bool) -> IntArray:
    """The usable rows, in order of time and place; the later of two bars of one minute wins."""
    usable = raw.position >= 0
    if not is_partial:
        _note(raw, ~usable, "skipped, security has no row in master.csv", faults)
    for kind, is_bad in _checks(raw, day_start_us):
        _note(raw, is_bad & usable, f"skipped, {kind}", faults)
        usable &= ~is_bad
    rows = np.flatnonzero(usable)
    is_late = np.zeros(len(usable), dtype=np.bool_)
    is_late[rows[1:]] = np.diff(raw.ts_us[rows]) < 0
    _note(raw, is_late, "not in order of time, sorted", faults)
    rows = rows[np.lexsort((rows, raw.position[rows], raw.ts_us[rows]))]
    repeats = (np.diff(raw.ts_us[rows]) == 0) & (np.diff(raw.position[rows]) == 0)
    is_repeat = np.zeros(len(usable), dtype=np.bool_)
    is_repeat[rows[:-1][repeats]] = True
    _note(raw, is_repeat, "skipped, the minute is stated again by a later row", faults)
    return rows[~is_repeat[rows]]


def _checks(raw: _Raw, day_start_us: int) -> tuple[tuple[str, BoolArray], ...]:
    """What makes a row unusable, each with the rows it is true of."""
    prices = np.stack((raw.open, raw.high, raw.low, raw.close))
    ended_us = day_start_us + _DAY_US
    outside = (raw.ts_us < day_start_us) | (raw.ts_us >= ended_us) | (raw.ts_us % MINUTE_US != 0)
    sizes = np.stack((raw.volume, raw.open_interest))
    day = ist_from_us(day_start_us).date()
    return (
        (f"expected the start of a minute of {day}", outside),
        ("a price is missing or NaN", _any(np.isnan(prices))),
        (
            f"expected prices above 0 and up to {_PRICE_RUPEES_MAX} rupees",
            _any((prices <= 0) | (prices > _PRICE_RUPEES_MAX)),
        ),
        ("high below low", raw.high < raw.low),
        ("expected volume and open interest of 0 or more", _any((sizes < 0) | (sizes > _SIZE_MAX))),
    )


def _any(faults: BoolArray) -> BoolArray:
    found: BoolArray = np.logical_or.reduce(faults, axis=0)
    return found


def _note(raw: _Raw, where: BoolArray, kind: str, faults: Faults) -> None:
    rows = np.flatnonzero(where)
    if rows.size:
        faults.add(kind, raw.example(int(rows[0])), rows.size)


def _bars(raw: _Raw, rows: IntArray, instruments: Sequence[Instrument], faults: Faults) -> Bars:
    """The kept rows in paise: options on the tick, high and low around open and close, index without volume."""
    position = raw.position[rows]
    is_option = np.array([each.kind is InstrumentKind.OPTION for each in instruments])[position]
    tick = np.where(is_option, np.array([each.tick_size_paise for each in instruments])[position], 1)
    rupees = np.stack((raw.open, raw.high, raw.low, raw.close))[:, rows]
    prices = np.maximum(np.rint(rupees * 100 / tick).astype(np.int64), 1) * tick
    is_off_tick = (np.abs(rupees * 100 - prices) > 0.01).any(axis=0) & is_option
    _note_kept(raw, rows, is_off_tick, "price off the tick, taken to the nearest", faults)
    open_, high, low, close = prices
    top, bottom = prices.max(axis=0), prices.min(axis=0)
    _note_kept(raw, rows, (top > high) | (bottom < low), "open or close outside low and high, widened", faults)
    volume = np.where(is_option, raw.volume[rows], 0).astype(np.int64)
    before = _volume_before(position, volume)
    open_interest = raw.open_interest[rows].astype(np.int64)
    return Bars(raw.ts_us[rows], position, open_, top, bottom, close, volume, before, open_interest)


def _note_kept(raw: _Raw, rows: IntArray, where: BoolArray, kind: str, faults: Faults) -> None:
    mask = np.zeros(len(raw.ts_us), dtype=np.bool_)
    mask[rows[where]] = True
    _note(raw, mask, kind, faults)


def _volume_before(position: IntArray, volume: IntArray) -> IntArray:
    """Units of the same security in earlier rows; rows are in order of time."""
    order = np.argsort(position, kind="stable")
    ran = np.cumsum(volume[order]) - volume[order]
    starts = np.searchsorted(position[order], position[order], side="left")
    before = np.empty_like(volume)
    before[order] = ran - ran[starts]
    return before
