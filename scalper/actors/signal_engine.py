"""Which way each index goes, looked at when a primary candle closes.

Owns: the indicators of both timeframes of each index.
Receives: CandleClosed, CandleHistory.
Sends: SignalEvaluated for every primary candle; DirectionFound when both timeframes agree.
Recovers from: CandleBook's history, fed through the same indicators.
Limits: one evaluation a candle; only closed candles.
"""

from __future__ import annotations

from datetime import datetime

from scalper.actors.messages.candles import CandleClosed, CandleHistory, ReportCandles
from scalper.actors.messages.signals import DirectionFound, SignalEvaluated
from scalper.domain.direction import Direction, TimeframeAnalysis, TimeframeReading, two_timeframe_verdict
from scalper.domain.quotes import Candle
from scalper.domain.signal_rules import SignalRules, analysis_of
from scalper.domain.times import ist_from_us
from scalper.runtime.actor import Actor, Link, receives


class _View:
    """The two timeframes of one index; `confirmation` is None when none is configured."""

    def __init__(self, rules: SignalRules) -> None:
        self.rules = rules
        self.primary: TimeframeAnalysis = analysis_of(rules, is_primary=True)
        self.confirmation: TimeframeAnalysis | None = (
            analysis_of(rules, is_primary=False) if rules.confirmation_minutes else None
        )

    def feed(self, interval_minutes: int, candle: Candle) -> TimeframeReading | None:
        """Take in one candle; the primary reading when it was a primary candle.

        A candle that waited in the mailbox may be in the history already: it is looked at, and not counted twice.
        """
        if self.confirmation is not None and interval_minutes == self.rules.confirmation_minutes:
            _update(self.confirmation, candle)
        if interval_minutes == self.rules.primary_minutes:
            _update(self.primary, candle)
            reading = self.primary.reading
            return reading if reading.candle_start_us == candle.start_us else None
        return None


def _update(analysis: TimeframeAnalysis, candle: Candle) -> None:
    last_us = analysis.reading.candle_start_us
    if last_us is None or candle.start_us > last_us:
        analysis.update(candle)


class SignalEngine(Actor):
    """Evaluates each index at each closed primary candle."""

    def __init__(self, link: Link, *, rules: dict[str, SignalRules]) -> None:
        """`rules`: of each index key."""
        super().__init__(link)
        self._rules = rules
        self._views: dict[str, _View] = {}

    def recover(self, at: datetime) -> None:
        self.hold_for("candle_book", ReportCandles(at=at, reply_to=self.name))

    @receives(CandleHistory)
    def on_history(self, history: CandleHistory) -> None:
        self._views = {index_key: _View(rules) for index_key, rules in self._rules.items()}
        for series in history.series:
            view = self._views.get(series.index_key)
            if view is not None:
                for candle in series.candles:
                    view.feed(series.interval_minutes, candle)
        self.resume()

    def on_restart_of(self, name: str, at: datetime) -> None:
        """Candles may have closed while CandleBook was away: build the indicators anew from its history."""
        if name == "candle_book":
            self.recover(at)

    @receives(CandleClosed)
    def on_closed(self, closed: CandleClosed) -> None:
        view = self._views.get(closed.index_key)
        if view is None:
            return
        primary = view.feed(closed.interval_minutes, closed.candle)
        if primary is not None:
            self._evaluate(view, closed, primary)

    def _evaluate(self, view: _View, closed: CandleClosed, primary: TimeframeReading) -> None:
        confirmation = view.confirmation.reading if view.confirmation is not None else None
        verdict = two_timeframe_verdict(primary, confirmation, view.confirmation is not None)
        candle_at = ist_from_us(closed.candle.start_us)
        self.publish(
            SignalEvaluated(
                at=closed.at,
                index_key=closed.index_key,
                candle_at=candle_at,
                close_paise=closed.candle.close_paise,
                primary=primary,
                confirmation=confirmation,
                verdict=verdict,
            )
        )
        if verdict.direction is not Direction.AVOID:
            self.publish(
                DirectionFound(
                    at=closed.at,
                    index_key=closed.index_key,
                    direction=verdict.direction,
                    candle_at=candle_at,
                    close_paise=closed.candle.close_paise,
                    confluence_type=view.rules.confluence_type,
                    primary=primary,
                    confirmation=confirmation,
                )
            )
