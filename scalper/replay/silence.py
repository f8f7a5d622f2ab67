"""Ports for a replay: nobody is asked and nobody is told anything."""

from __future__ import annotations

from datetime import date, datetime

from scalper.broker.ports import ChainLeg
from scalper.domain.quotes import Candle, Tick
from scalper.errors import BrokerError
from scalper.store.cache import Cache
from scalper.store.write_behind import WriteBehind


class NoData:
    """No source: what DataGateway was told is in the recording, so nobody may ask again."""

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        raise BrokerError("a replay asks no source")

    def quote(self, key: str, at: datetime) -> Tick | None:
        raise BrokerError("a replay asks no source")

    def expiries(self, index_key: str, at: datetime) -> tuple[date, ...]:
        raise BrokerError("a replay asks no source")

    def chain(self, index_key: str, expiry: date, at: datetime) -> tuple[ChainLeg, ...]:
        raise BrokerError("a replay asks no source")


def silent_cache() -> Cache:
    """A mirror whose writer is never started: the newest value of each key is kept and goes nowhere."""
    return Cache(WriteBehind(_nobody, "nobody"))


def _nobody() -> object:
    raise BrokerError("a replay has no Redis")
