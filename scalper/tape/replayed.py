"""A tape of ticks as a market: a day that was run once, played again tick by tick."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from operator import attrgetter
from pathlib import Path

import msgspec

from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import ist_from_us, us_from
from scalper.errors import InputError, LogError
from scalper.tape.faults import Faults
from scalper.tape.file import TapeReader
from scalper.tape.minutes import RecentMinutes

#: The records that are the market's; all others are what the tree made of them.
_MARKET_KIND = "FeedFrame"


class _Index(msgspec.Struct, frozen=True):
    """What one pass over a tape leaves: where each minute lies, the candles of the ticks, and what was skipped."""

    blocks: dict[int, tuple[int, ...]]
    candles: dict[str, tuple[Candle, ...]]
    warnings: tuple[str, ...]


class TapeDay:
    """One day from a tape. Ticks come by their own time, not by the time of their delivery.

    Made by `open`. Fields as in `scalper.tape.market.Market`; a tape makes nothing up, so the seed changes nothing.

    Source: REQUIREMENTS 21.
    """

    kind = "tape"

    def __init__(self, name: str, seed: int, reader: TapeReader, index: _Index) -> None:
        header = reader.header
        self.name = name
        self.day = header.day
        self.seed = seed
        self.instruments = header.instruments
        self.opens_at = ist_from_us(min(index.blocks))
        self.closes_at = ist_from_us(max(index.blocks) + MINUTE_US)
        self.warnings = ((reader.torn,) if reader.torn else ()) + index.warnings
        self._reader = reader
        self._index = index
        self._keys = {each.key for each in header.instruments}
        self._candles = {key: _merged(index.candles.get(key, ()), header.candles.get(key, ())) for key in self._keys}
        self._recent = RecentMinutes(self._made)

    @classmethod
    def open(cls, path: Path, seed: int) -> TapeDay:
        """Read a tape once, to know where its minutes lie.

        Raises:
            InputError: There is no such file, or it holds no ticks of its day.
            LogError: The tape is damaged before its tail.
        """
        reader = TapeReader.open(path)
        try:
            index = _indexed(reader, path.name)
            if not index.blocks:
                raise InputError(f"{path}: expected ticks of {reader.header.day} in {_MARKET_KIND} records, found none")
        except (InputError, LogError):
            reader.close()
            raise
        return cls(path.name, seed, reader, index)

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        """All ticks of the minute that starts at `minute`, by time."""
        return self._recent.ticks(us_from(minute))

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        """The candles of the previous session with which the taped run was warmed up."""
        return self._reader.header.warm_up.get(key, ())

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        """Candles closed at `until`: those the taped run began with, then those of its ticks."""
        closed = self._candles.get(key, ())
        return closed[: bisect_right(closed, us_from(until) - MINUTE_US, key=attrgetter("start_us"))]

    def quote(self, key: str, at: datetime) -> Tick | None:
        """The last tick of `key` at or before `at`; None when it did not trade in the ten minutes before."""
        return self._recent.last(key, us_from(at)) if key in self._keys else None

    def close(self) -> None:
        """Let go of the tape; harmless twice."""
        self._reader.close()

    def _made(self, minute_us: int) -> tuple[Tick, ...]:
        end_us = minute_us + MINUTE_US
        found = [
            tick
            for number in self._index.blocks.get(minute_us, ())
            for record in self._reader.block(number)
            if record.kind == _MARKET_KIND
            for tick in record.ticks
            if minute_us <= tick.at_us < end_us and tick.key in self._keys
        ]
        return tuple(sorted(found, key=attrgetter("at_us")))


class _Forming:
    """The candle of one security and minute, while its ticks are read."""

    __slots__ = ("close", "high", "low", "open", "volume")

    def __init__(self, tick: Tick) -> None:
        self.open = self.high = self.low = self.close = tick.ltp_paise
        self.volume = tick.volume

    def add(self, tick: Tick) -> None:
        ltp = self.close = tick.ltp_paise
        if ltp > self.high:
            self.high = ltp
        elif ltp < self.low:
            self.low = ltp
        self.volume = tick.volume


def _indexed(reader: TapeReader, name: str) -> _Index:
    """One pass over the tape; only candles and places of blocks are kept."""
    known = {each.key for each in reader.header.instruments}
    faults = Faults(name)
    blocks: dict[int, list[int]] = {}
    forming: dict[str, dict[int, _Forming]] = {}
    is_ours: dict[int, bool] = {}
    for number in range(reader.blocks):
        for tick in (tick for record in reader.block(number) if record.kind == _MARKET_KIND for tick in record.ticks):
            minute_us = tick.at_us - tick.at_us % MINUTE_US
            if minute_us not in is_ours:
                is_ours[minute_us] = ist_from_us(minute_us).date() == reader.header.day
            if not is_ours[minute_us]:
                faults.add("tick of another day, skipped", f"{tick.key} at {ist_from_us(tick.at_us)}")
            elif tick.key not in known:
                faults.add("tick of an unknown instrument, skipped", tick.key)
            else:
                places = blocks.setdefault(minute_us, [])
                if not places or places[-1] != number:
                    places.append(number)
                if tick.ltp_paise:
                    _add(forming.setdefault(tick.key, {}), minute_us, tick)
    candles = {key: _candles(minutes) for key, minutes in forming.items()}
    return _Index({minute_us: tuple(places) for minute_us, places in blocks.items()}, candles, faults.lines())


def _add(minutes: dict[int, _Forming], minute_us: int, tick: Tick) -> None:
    found = minutes.get(minute_us)
    if found is None:
        minutes[minute_us] = _Forming(tick)
    else:
        found.add(tick)


def _candles(minutes: dict[int, _Forming]) -> tuple[Candle, ...]:
    """Candles by time; the volume of each is what the day's volume grew by since the one before."""
    candles = []
    before = 0
    for start_us, each in sorted(minutes.items()):
        candles.append(Candle(start_us, each.open, each.high, each.low, each.close, max(0, each.volume - before)))
        before = each.volume
    return tuple(candles)


def _merged(ticked: tuple[Candle, ...], fetched: tuple[Candle, ...]) -> tuple[Candle, ...]:
    """Both in order of time; the fetched candle wins its minute. Source: REQUIREMENTS 5.2."""
    by_start = {candle.start_us: candle for candle in (*ticked, *fetched)}
    return tuple(candle for _, candle in sorted(by_start.items()))
