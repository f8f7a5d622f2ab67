"""REST reads for everybody: it blocks so that nobody else does.

Owns: nothing; every answer is the source's, as of the letter's time.
Receives: GetCandles, GetQuotes.
Sends: CandlesFetched, QuotesFetched to whoever asked; a failed read is an answer too.
Recovers from: nothing; a question in hand is lost and asked again by whoever waits.
Limits: every read has the deadline of its port.
"""

from __future__ import annotations

from scalper.actors.messages.candles import CandlesFetched, GetCandles
from scalper.actors.messages.feed import GetQuotes, QuotesFetched
from scalper.broker.ports import MarketData
from scalper.domain.quotes import Candle, Tick
from scalper.errors import BrokerError
from scalper.runtime.actor import Actor, Link, receives


class DataGateway(Actor):
    """Asks the source and passes its answers on."""

    def __init__(self, link: Link, *, source: MarketData) -> None:
        super().__init__(link)
        self._source = source

    @receives(GetCandles)
    def on_get_candles(self, query: GetCandles) -> None:
        candles: tuple[Candle, ...] = ()
        problem = ""
        try:
            candles = self._source.candles(query.key, query.at)
        except BrokerError as error:
            problem = f"candles of {query.key} could not be read: {error}"
        self.send(query.reply_to, CandlesFetched(at=query.at, key=query.key, candles=candles, problem=problem))

    @receives(GetQuotes)
    def on_get_quotes(self, query: GetQuotes) -> None:
        ticks: tuple[Tick | None, ...] = (None,) * len(query.keys)
        try:
            ticks = tuple(self._source.quote(key, query.at) for key in query.keys)
        except BrokerError:
            # Not knowing a quote is an answer: the asker refuses the entry, and says so in its ledger.
            ticks = (None,) * len(query.keys)
        self.send(query.reply_to, QuotesFetched(at=query.at, request=query.request, ticks=ticks))
