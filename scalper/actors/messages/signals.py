"""From a direction found to an intent approved or rejected."""

from __future__ import annotations

from datetime import datetime

import msgspec

from scalper.domain.direction import Direction, TimeframeReading, Verdict
from scalper.domain.instruments import Instrument
from scalper.domain.quotes import Tick
from scalper.domain.signals import Delivery, Signal, TradeIntent
from scalper.message import Message


class SignalEvaluated(Message, frozen=True, kw_only=True):
    """SignalEngine says: this closed candle was looked at, with this verdict; one for every candle."""

    index_key: str
    candle_at: datetime
    close_paise: int
    primary: TimeframeReading
    confirmation: TimeframeReading | None
    verdict: Verdict


class DirectionFound(Message, frozen=True, kw_only=True):
    """SignalEngine claims: both timeframes agree on a direction of this index at this candle.

    Attributes:
        close_paise: Close of the candle: the spot at its end.
    """

    index_key: str
    direction: Direction
    candle_at: datetime
    close_paise: int
    confluence_type: str
    primary: TimeframeReading
    confirmation: TimeframeReading | None


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """One contract to buy, with the price it was picked at (0 = none known)."""

    instrument: Instrument
    ltp_paise: int


class StrikesPicked(Message, frozen=True, kw_only=True):
    """StrikeSelector says: these contracts, best first, stand for the direction; none, and why, in `reason`."""

    found: DirectionFound
    picks: tuple[Pick, ...]
    reason: str = ""


class SignalPublished(Message, frozen=True, kw_only=True):
    """SignalManager says: the signal is a row, and its deliveries are too."""

    signal: Signal


class DeliveryCreated(Message, frozen=True, kw_only=True):
    """SignalManager says: this account is to decide on this signal.

    Attributes:
        picks: Best first; none, and why, in `reason`.
        is_stale: Nobody decided on it while its candle was young: it is to be refused.
    """

    delivery: Delivery
    signal: Signal
    picks: tuple[Pick, ...]
    reason: str
    is_stale: bool = False


class TradeIntentApproved(Message, frozen=True, kw_only=True):
    """EntryGuard says: every gate was passed and the intent is a row; `quote` is what it was sized on."""

    intent: TradeIntent
    signal: Signal
    instrument: Instrument
    quote: Tick


class TradeIntentRejected(Message, frozen=True, kw_only=True):
    """EntryGuard says: a gate refused; which, and on what figures, stands in the intent."""

    intent: TradeIntent
