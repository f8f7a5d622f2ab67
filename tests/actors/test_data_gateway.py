"""DataGateway answers every question; that the source could not be asked is an answer too."""

from __future__ import annotations

from datetime import date, datetime

from scalper.actors.data_gateway import DataGateway
from scalper.actors.messages.candles import CandlesFetched, GetCandles
from scalper.actors.messages.feed import GetQuotes, QuotesFetched
from scalper.broker.ports import ChainLeg
from scalper.domain.quotes import Candle, Tick
from scalper.errors import BrokerError
from tests.actors.harness import Stage
from tests.builders import ELEVEN, INDEX_KEY, OPTION_KEY, a_tick, candles_from, clock

CANDLES = candles_from(clock("10:58:00"), [100_00, 101_00])


class Source:
    """Knows one option and one index, and can be struck dumb."""

    def __init__(self, *, is_dumb: bool = False) -> None:
        self.is_dumb = is_dumb

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        self._speak()
        return CANDLES if key == INDEX_KEY else ()

    def quote(self, key: str, at: datetime) -> Tick | None:
        self._speak()
        return a_tick() if key == OPTION_KEY else None

    def expiries(self, index_key: str, at: datetime) -> tuple[date, ...]:
        return ()

    def chain(self, index_key: str, expiry: date, at: datetime) -> tuple[ChainLeg, ...]:
        return ()

    def _speak(self) -> None:
        if self.is_dumb:
            raise BrokerError("no answer in 3 s")


def a_stage(*, is_dumb: bool = False) -> Stage:
    source = Source(is_dumb=is_dumb)
    return Stage({"data_gateway": (DataGateway, lambda link: DataGateway(link, source=source))})


def test_candles_are_told_to_who_asked() -> None:
    stage = a_stage()

    stage.tell(GetCandles(at=ELEVEN, key=INDEX_KEY, reply_to="somebody"))

    (answer,) = stage.told("somebody", CandlesFetched)
    assert (answer.key, answer.candles, answer.problem) == (INDEX_KEY, CANDLES, "")


def test_candles_that_could_not_be_read_are_none_with_a_problem() -> None:
    stage = a_stage(is_dumb=True)

    stage.tell(GetCandles(at=ELEVEN, key=INDEX_KEY, reply_to="somebody"))

    (answer,) = stage.told("somebody", CandlesFetched)
    assert answer.candles == ()
    assert "no answer in 3 s" in answer.problem


def test_quotes_come_in_the_order_of_the_keys() -> None:
    stage = a_stage()

    stage.tell(GetQuotes(at=ELEVEN, request="r", reply_to="somebody", keys=("NSE_FNO:9", OPTION_KEY)))

    (answer,) = stage.told("somebody", QuotesFetched)
    assert (answer.request, answer.ticks) == ("r", (None, a_tick()))


def test_quotes_that_could_not_be_read_are_none() -> None:
    stage = a_stage(is_dumb=True)

    stage.tell(GetQuotes(at=ELEVEN, request="r", reply_to="somebody", keys=(OPTION_KEY, INDEX_KEY)))

    (answer,) = stage.told("somebody", QuotesFetched)
    assert answer.ticks == (None, None)
