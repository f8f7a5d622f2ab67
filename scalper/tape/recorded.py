"""A recorded day as a market: bars beside their instruments, turned into ticks minute by minute."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import cache
from operator import attrgetter
from pathlib import Path

import numpy as np

from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import ist_from_us, us_from
from scalper.errors import InputError
from scalper.tape.bars import candles_of, read_bars
from scalper.tape.history import day_of, index_candles, previous_day, stated_history
from scalper.tape.master import read_master
from scalper.tape.minutes import RecentMinutes
from scalper.tape.paths import Bars, IntArray, TickMaker

#: With fewer index minutes no indicator ever speaks, and the day makes no sense.
_INDEX_MINUTES_MIN = 30
#: Candles that ADX(14) needs. Source: REQUIREMENTS 6.1.
_DIRECTION_CANDLES_MIN = 28
#: Minutes of an ordinary session, 09:15 to 15:30.
_SESSION_MINUTES = 375


class RecordedDay:
    """One recorded day of one index and its options; every answer is a pure function of files and seed.

    Made by `open`. Fields as in `scalper.tape.market.Market`.

    Source: REQUIREMENTS 21.
    """

    kind = "tape"

    def __init__(
        self,
        *,
        name: str,
        day: date,
        seed: int,
        instruments: tuple[Instrument, ...],
        bars: Bars,
        history: dict[str, tuple[Candle, ...]],
        warnings: tuple[str, ...],
    ) -> None:
        self.name = name
        self.day = day
        self.seed = seed
        self.instruments = instruments
        self.warnings = warnings
        index_minutes = _index_minutes(bars, instruments)
        self.opens_at = ist_from_us(int(index_minutes[0]))
        self.closes_at = ist_from_us(int(index_minutes[-1]) + MINUTE_US)
        self._bars = bars
        self._places = {each.key: position for position, each in enumerate(instruments)}
        self._history = history
        self._maker = TickMaker(seed, instruments)
        self._recent = RecentMinutes(self._made)
        self._candles = cache(self._all_candles)

    @classmethod
    def open(cls, folder: Path, seed: int, history: Path | None = None) -> RecordedDay:
        """Read `bars.parquet` and `master.csv` of a folder, and the day before for its candles.

        Args:
            folder: The recorded day, usually `<UNDERLYING>-<YYYY-MM-DD>`.
            seed: Seed of the paths between the prices of a bar, of spreads and of sizes.
            history: A recorded day, or a folder of them, to warm up with; the day before beside `folder` when None.

        Raises:
            InputError: A file is missing or unreadable, or the day makes no sense; says what was expected and found.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected a recorded day (bars.parquet and master.csv)")
        master = read_master(folder / "master.csv")
        if not master.instruments or master.instruments[0].kind is not InstrumentKind.INDEX:
            raise InputError(f"{folder / 'master.csv'}: expected the row of an index, found none")
        found = read_bars(folder / "bars.parquet", master.instruments)
        instruments = master.instruments
        coverage = _coverage(folder, found.bars, instruments, found.day)
        candles, history_warnings = _history(folder, instruments, found.day, found.bars, history)
        return cls(
            name=folder.resolve().name,
            day=found.day,
            seed=seed,
            instruments=instruments,
            bars=found.bars,
            history=candles,
            warnings=master.warnings + found.warnings + coverage + history_warnings,
        )

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        """All ticks of the minute that starts at `minute`, by time; empty where nothing was recorded."""
        return self._recent.ticks(us_from(minute))

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        """One-minute candles of an index on the day before; empty of options, whose ids change from day to day."""
        return self._history.get(key, ())

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        """Today's candles of an index or option that are closed at `until`."""
        closed = self._candles(key)
        return closed[: bisect_right(closed, us_from(until) - MINUTE_US, key=attrgetter("start_us"))]

    def quote(self, key: str, at: datetime) -> Tick | None:
        """The last tick of `key` at or before `at`; None when it did not trade in the ten minutes before."""
        return self._recent.last(key, us_from(at)) if key in self._places else None

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _made(self, minute_us: int) -> tuple[Tick, ...]:
        lo, hi = np.searchsorted(self._bars.minute_us, (minute_us, minute_us + 1))
        return self._maker.ticks(self._bars.rows(slice(int(lo), int(hi)))) if hi > lo else ()

    def _all_candles(self, key: str) -> tuple[Candle, ...]:
        position = self._places.get(key)
        return () if position is None else candles_of(self._bars, position)


def _index_minutes(bars: Bars, instruments: tuple[Instrument, ...]) -> IntArray:
    """Starts of the minutes in which an index has a bar, ascending, each once."""
    indices = sum(each.kind is InstrumentKind.INDEX for each in instruments)
    return np.unique(bars.minute_us[bars.position < indices])


def _coverage(folder: Path, bars: Bars, instruments: tuple[Instrument, ...], day: date) -> tuple[str, ...]:
    """What the recording lacks, one line each.

    Raises:
        InputError: Too few index minutes, or no contract has a bar: the day makes no sense.
    """
    minutes = _index_minutes(bars, instruments)
    if len(minutes) < _INDEX_MINUTES_MIN:
        raise InputError(
            f"{folder}: expected at least {_INDEX_MINUTES_MIN} usable minutes of the index, found {len(minutes)}"
        )
    places = np.unique(bars.position)
    contracts = [each for each in instruments if each.kind is InstrumentKind.OPTION]
    silent = [each for position, each in enumerate(instruments) if position not in places]
    if all(each in silent for each in contracts):
        raise InputError(f"{folder}: expected bars of at least one option contract of the master, found none")
    lines = list(_gaps(minutes))
    if silent:
        lines.append(
            f"bars.parquet: no usable bar of {len(silent)} instruments of master.csv; first {silent[0].symbol}"
        )
    stated = day_of(folder.resolve(), instruments[0].underlying)
    if stated is not None and stated != day:
        lines.append(f"{folder.name}: the folder states {stated}, its bars state {day}; the bars are taken")
    return tuple(lines)


def _gaps(minutes: IntArray) -> list[str]:
    """Missing index minutes between the first and the last, and a session shorter than an ordinary one."""
    expected = np.arange(minutes[0], minutes[-1] + MINUTE_US, MINUTE_US)
    missing = np.setdiff1d(expected, minutes)
    lines = []
    if missing.size:
        first, last = (ist_from_us(int(at_us)).strftime("%H:%M") for at_us in (missing[0], missing[-1]))
        lines.append(f"bars.parquet: {missing.size} index minutes missing, first {first}, last {last}")
    if expected.size < _SESSION_MINUTES:
        start, end = (ist_from_us(int(at_us)).strftime("%H:%M") for at_us in (minutes[0], minutes[-1] + MINUTE_US))
        lines.append(
            f"bars.parquet: index recorded from {start} to {end}, {expected.size} minutes; "
            f"an ordinary session has {_SESSION_MINUTES}"
        )
    return lines


def _history(
    folder: Path, instruments: tuple[Instrument, ...], day: date, bars: Bars, history: Path | None
) -> tuple[dict[str, tuple[Candle, ...]], tuple[str, ...]]:
    """Warm-up candles by index key, and the lines that belong to them.

    Raises:
        InputError: The trader named a history that cannot serve.
    """
    candles: dict[str, tuple[Candle, ...]] = {}
    lines: tuple[str, ...] = ()
    opens_at = ist_from_us(int(_index_minutes(bars, instruments)[0]))
    for index in (each for each in instruments if each.kind is InstrumentKind.INDEX):
        try:
            if history is not None:
                found: Path | None = stated_history(history, index.underlying, day)
            else:
                found = previous_day(folder.resolve().parent, index.underlying, day)
            if found is not None:
                candles[index.key], faults = index_candles(found, index)
                lines += faults
                continue
        except InputError as error:
            if history is not None:
                raise
            lines += (f"the day before cannot be read: {error}",)
        lines += (_cold_start(index, opens_at),)
    return candles, lines


def _cold_start(index: Instrument, opens_at: datetime) -> str:
    """When both timeframes can first speak without candles of the day before."""
    first_1m, first_5m = (opens_at + timedelta(minutes=k * _DIRECTION_CANDLES_MIN) for k in (1, 5))
    return (
        f"{index.symbol}: no earlier recorded day to warm up with; one-minute direction speaks from {first_1m:%H:%M}, "
        f"five-minute direction, and so both, from {first_5m:%H:%M} at the earliest"
    )
