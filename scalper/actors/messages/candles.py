"""Candles, and how their readers rebuild themselves."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from scalper.domain.quotes import Candle
from scalper.message import Message


class CandleClosed(Message, frozen=True, kw_only=True):
    """CandleBook says: this interval of an index is over; longer intervals come first."""

    index_key: str
    interval_minutes: int
    candle: Candle


class GetCandles(Message, frozen=True, kw_only=True):
    """CandleBook asks DataGateway for the one-minute candles of an index, previous session and today."""

    key: str
    reply_to: str


class CandlesFetched(Message, frozen=True, kw_only=True):
    """DataGateway answers GetCandles; `problem` says why there are none."""

    key: str
    candles: tuple[Candle, ...]
    problem: str = ""

    is_control: ClassVar[bool] = True


class ReportCandles(Message, frozen=True, kw_only=True):
    """SignalEngine asks CandleBook for every closed candle it knows; answered with CandleHistory."""

    reply_to: str


class CandleSeries(msgspec.Struct, frozen=True, array_like=True):
    """Closed candles of one index and interval, ascending."""

    index_key: str
    interval_minutes: int
    candles: tuple[Candle, ...]


class CandleHistory(Message, frozen=True, kw_only=True):
    """CandleBook answers ReportCandles."""

    series: tuple[CandleSeries, ...]

    is_control: ClassVar[bool] = True
