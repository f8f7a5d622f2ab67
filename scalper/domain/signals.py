"""Signals, deliveries and intents: the persisted decisions between a candle and an order.

A signal is a fact about an index; a delivery is that signal for one account; an intent is a persisted
decision. Source: REQUIREMENTS 14.1.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from scalper.domain.reasons import ExitReason
from scalper.errors import TransitionError


class SignalStatus(StrEnum):
    DETECTED = "DETECTED"
    PUBLISHED = "PUBLISHED"


class DeliveryStatus(StrEnum):
    CREATED = "CREATED"
    CONSUMED = "CONSUMED"


class IntentStatus(StrEnum):
    """PENDING is an exit intent's only; REJECTED is our own no."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PLACED = "PLACED"
    FILLED = "FILLED"
    FAILED = "FAILED"


#: An exit intent in one of these may still sell: nothing else may.
LIVE_INTENT_STATUSES = frozenset({IntentStatus.PENDING, IntentStatus.APPROVED, IntentStatus.PLACED})

INTENT_STEPS: dict[IntentStatus, frozenset[IntentStatus]] = {
    IntentStatus.PENDING: frozenset({IntentStatus.APPROVED, IntentStatus.REJECTED}),
    IntentStatus.APPROVED: frozenset({IntentStatus.PLACED, IntentStatus.FAILED, IntentStatus.FILLED}),
    IntentStatus.PLACED: frozenset({IntentStatus.FILLED, IntentStatus.FAILED}),
    IntentStatus.REJECTED: frozenset(),
    IntentStatus.FILLED: frozenset(),
    IntentStatus.FAILED: frozenset(),
}


def next_intent_status(current: IntentStatus, wanted: IntentStatus) -> IntentStatus:
    """The status after a step; the same status again is harmless.

    APPROVED may go to FILLED at once: the fill can be reported before the acceptance is.

    Raises:
        TransitionError: The table has no such step.
    """
    if wanted == current or wanted in INTENT_STEPS[current]:
        return wanted
    raise TransitionError(f"intent cannot go from {current} to {wanted}")


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A direction found in an index at one closed candle.

    Attributes:
        direction: `bullish` or `bearish`.
        confluence_type: Which method agreed, `ST_ADX_1M_5M`.
        effective_floor_paise, effective_ceiling_paise: Min and max of (Supertrend line, close) of the candle.
        candle_at: Start of the primary candle that gave it.
        figures: JSON text with both timeframes' readings.
    """

    id: int
    index_key: str
    direction: str
    confluence_type: str
    day: date
    effective_floor_paise: int
    effective_ceiling_paise: int
    candle_at: datetime
    figures: str
    status: SignalStatus
    created_at: datetime
    published_at: datetime | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One signal for one account; `intent_number` is its intent's number of the account's day."""

    id: int
    signal_id: int
    account_id: str
    intent_number: int
    status: DeliveryStatus
    created_at: datetime
    consumed_at: datetime | None = None


class GateResult(msgspec.Struct, frozen=True, array_like=True):
    """What one gate measured, against which limit, and what it said.

    Attributes:
        gate: Name of the gate; its refusal reason is its own code.
        measured, limit: For people, with units.
        is_passed: The verdict.
        reason: Refusal code; empty when passed.
    """

    gate: str
    measured: str
    limit: str
    is_passed: bool
    reason: str = ""


class TradeIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The decision to buy, or not, for one delivery; with every gate it went through."""

    id: int
    delivery_id: int
    leg_no: int
    signal_id: int
    account_id: str
    index_key: str
    instrument_key: str
    quantity: int
    ltp_paise: int
    status: IntentStatus
    reason: str
    tag: str
    intent_number: int
    gates: tuple[GateResult, ...]
    created_at: datetime
    updated_at: datetime


class ExitSignal(msgspec.Struct, frozen=True, kw_only=True):
    """One rule claims, once per episode, that a position is to be left.

    Attributes:
        ltp_paise: The price that met the rule; 0 when no price is known.
        evidence: JSON text: the tick, the stop in force, what each other rule said.
    """

    id: int
    position_id: int
    reason: ExitReason
    episode: int
    ltp_paise: int
    evidence: str
    status: SignalStatus
    detected_at: datetime
    published_at: datetime | None = None


class ExitIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The decision to sell: the only thing an exit order may come from."""

    id: int
    exit_signal_id: int
    position_id: int
    account_id: str
    reason: ExitReason
    episode: int
    tag: str
    text: str
    quantity: int
    intent_number: int
    status: IntentStatus
    reject_reason: str
    attempts: int
    created_at: datetime
    updated_at: datetime
