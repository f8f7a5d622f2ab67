"""Closed candles of the indices.

Owns: the candles of the previous session and of today, one minute and the timeframes of the signals.
Receives: IndexTicks, Pulse, CandlesFetched, ReportCandles.
Sends: CandleClosed, longer intervals before the minute that ended them; CandleHistory to whoever asked.
Recovers from: DataGateway, which knows every closed minute; ticks build the rest.
Limits: candles of two sessions; a tick of a minute that is closed is dropped.
"""

from __future__ import annotations

from datetime import datetime

from scalper.actors.messages.candles import (
    CandleClosed,
    CandleHistory,
    CandleSeries,
    CandlesFetched,
    GetCandles,
    ReportCandles,
)
from scalper.actors.messages.feed import IndexTicks
from scalper.actors.messages.risk import Alert
from scalper.domain.candle_builder import IntervalBuilder, MinuteBuilder
from scalper.domain.quotes import MINUTE_US, Candle
from scalper.domain.times import us_from
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse


class _Book:
    """The candles of one index."""

    def __init__(self, index_key: str, intervals: tuple[int, ...]) -> None:
        self.index_key = index_key
        self.builder = MinuteBuilder()
        self.longer = {minutes: IntervalBuilder(minutes) for minutes in intervals if minutes != 1}
        self.closed: dict[int, list[Candle]] = {minutes: [] for minutes in (*self.longer, 1)}
        self.whole_from_us = 0

    @property
    def last_minute_us(self) -> int:
        """Start of the last closed minute; 0 when there is none."""
        return self.closed[1][-1].start_us if self.closed[1] else 0

    def begin_live(self, now_us: int) -> None:
        """From now on ticks build minutes; the minute that is running is not seen whole unless it starts now."""
        self.builder = MinuteBuilder(self.last_minute_us + MINUTE_US)
        self.whole_from_us = -(-now_us // MINUTE_US) * MINUTE_US

    def take_in(self, minute: Candle) -> list[tuple[int, Candle]]:
        """One more closed minute; every candle that is over with it, longest first."""
        over = [(length, candle) for length, builder in self.longer.items() for candle in builder.add(minute)]
        over.sort(key=lambda pair: -pair[0])
        over.append((1, minute))
        for length, candle in over:
            self.closed[length].append(candle)
        return over


class CandleBook(Actor):
    """Builds minutes from ticks and longer candles from minutes."""

    def __init__(self, link: Link, *, indices: dict[str, str], intervals: tuple[int, ...]) -> None:
        """`indices`: index key by instrument key; `intervals`: minutes of the signals' timeframes."""
        super().__init__(link)
        self._indices = indices
        self._intervals = intervals
        self._books: dict[str, _Book] = {}
        self._awaited: set[str] = set()

    def recover(self, at: datetime) -> None:
        self._awaited = set(self._indices)
        for key in self._indices:
            self.hold_for("data_gateway", GetCandles(at=at, key=key, reply_to=self.name))

    @receives(CandlesFetched)
    def on_fetched(self, fetched: CandlesFetched) -> None:
        """At first all there is; later the minutes that were not seen whole: what is fetched wins."""
        if fetched.problem:
            self.publish(Alert(at=fetched.at, level="WARNING", text=fetched.problem))
        book = self._books.get(fetched.key)
        if book is None:
            book = self._books[fetched.key] = _Book(self._indices[fetched.key], self._intervals)
            for candle in fetched.candles:
                book.take_in(candle)
            book.begin_live(us_from(fetched.at))
        else:
            for candle in fetched.candles:
                if candle.start_us > book.last_minute_us:
                    self._tell(book, candle, fetched.at)
        self._awaited.discard(fetched.key)
        if not self._awaited:
            self.resume()

    @receives(IndexTicks)
    def on_ticks(self, message: IndexTicks) -> None:
        for tick in message.ticks:
            book = self._books.get(tick.key)
            if book is not None:
                closed = book.builder.add(tick)
                if closed is not None:
                    self._close(book, closed, message.at)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        now_us = us_from(pulse.at)
        for book in self._books.values():
            closed = book.builder.close_due(now_us)
            if closed is not None:
                self._close(book, closed, pulse.at)

    @receives(ReportCandles)
    def on_report(self, query: ReportCandles) -> None:
        series = tuple(
            CandleSeries(book.index_key, minutes, tuple(candles))
            for book in self._books.values()
            for minutes, candles in book.closed.items()
        )
        self.send(query.reply_to, CandleHistory(at=query.at, series=series))

    def _close(self, book: _Book, minute: Candle, at: datetime) -> None:
        if minute.start_us < book.whole_from_us:
            # Its first ticks were missed: the source has seen them all.
            self.send("data_gateway", GetCandles(at=at, key=self._key_of(book), reply_to=self.name))
        else:
            self._tell(book, minute, at)

    def _key_of(self, book: _Book) -> str:
        return next(key for key, index_key in self._indices.items() if index_key == book.index_key)

    def _tell(self, book: _Book, minute: Candle, at: datetime) -> None:
        for length, candle in book.take_in(minute):
            self.publish(CandleClosed(at=at, index_key=book.index_key, interval_minutes=length, candle=candle))
