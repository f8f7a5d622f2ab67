"""From an exit rule that hit to a position that is flat."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from scalper.domain.exits import RuleVerdict
from scalper.domain.instruments import Instrument
from scalper.domain.orders import Order
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import ExitIntent, ExitSignal
from scalper.message import Message


class ExitCandidate(Message, frozen=True, kw_only=True):
    """RiskManager claims that one position meets one exit rule, and on which numbers.

    Attributes:
        ltp_paise, bid_paise: 0 when no usable price is known.
        trigger_paise: Level that was met; None when time, not price, triggered it.
        tick_at_us: When the exchange made the tick it was decided on; 0 = none.
        verdicts: What every rule of the list said at that moment.
    """

    position_id: int
    account_id: str
    instrument: Instrument
    reason: ExitReason
    tag: str
    text: str
    quantity: int
    ltp_paise: int
    bid_paise: int
    trigger_paise: int | None
    stop_paise: int
    tick_at_us: int
    verdicts: tuple[RuleVerdict, ...]


class ExitSignalPublished(Message, frozen=True, kw_only=True):
    """SignalManager says: the claim is a row, in this episode."""

    signal: ExitSignal


class ExitIntentApproved(Message, frozen=True, kw_only=True):
    """SignalManager says: intent and orders are rows; ExitEngine may send them."""

    intent: ExitIntent
    orders: tuple[Order, ...]


class ExitIntentRejected(Message, frozen=True, kw_only=True):
    """SignalManager says: the exit cannot be placed now; the reason stands in the intent."""

    intent: ExitIntent
    retry_at: datetime


class ExitCandidateDropped(Message, frozen=True, kw_only=True):
    """SignalManager says: no new episode for this claim, not before `retry_at` (None: one is in flight)."""

    position_id: int
    reason: ExitReason
    why: str
    retry_at: datetime | None


class ExitPlaced(Message, frozen=True, kw_only=True):
    """ExitEngine says: the broker has taken the first order of the intent."""

    intent_id: int
    position_id: int


class ExitFilled(Message, frozen=True, kw_only=True):
    """ExitEngine says: every unit of the intent is sold."""

    intent_id: int
    position_id: int


class ExitFailed(Message, frozen=True, kw_only=True):
    """ExitEngine says: all orders of the intent have ended and units are left."""

    intent_id: int
    position_id: int
    quantity_left: int
    text: str


class ReportLiveExits(Message, frozen=True, kw_only=True):
    """An ExitEngine that (re)starts asks SignalManager what is in flight; answered with LiveExits."""

    reply_to: str


class LiveExits(Message, frozen=True, kw_only=True):
    """SignalManager answers ReportLiveExits; an APPROVED intent may not have been sent yet."""

    intents: tuple[ExitIntent, ...]
    orders: tuple[Order, ...]

    is_control: ClassVar[bool] = True
