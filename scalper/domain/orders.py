"""Orders and their fills: two state tables, one for what we know of sending, one for what the broker says.

The gateway owns the sending side, the order update handler the broker's side, so that neither overwrites
the other. Source: REQUIREMENTS 13.2, 13.7, 14.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from scalper.domain.charges import Charges
from scalper.errors import TransitionError


class OrderSide(StrEnum):
    """What the order does to the account."""

    BUY = "BUY"
    SELL = "SELL"


class OrderPurpose(StrEnum):
    """Entries may be refused for lack of room; exits never are."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"


class OrderType(StrEnum):
    """LIMIT at a protected price, or MARKET where no price is known."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"


class SendState(StrEnum):
    """What we know of the sending: UNKNOWN is a state, not an error."""

    NEW = "NEW"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_PLACED = "NOT_PLACED"
    UNKNOWN = "UNKNOWN"


class BrokerStatus(StrEnum):
    """What the broker's book says of the order; NONE until it has said anything."""

    NONE = "NONE"
    TRANSIT = "TRANSIT"
    PENDING = "PENDING"
    PART_TRADED = "PART_TRADED"
    TRADED = "TRADED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


#: Nothing follows these.
FINAL_STATUSES = frozenset({BrokerStatus.TRADED, BrokerStatus.CANCELLED, BrokerStatus.REJECTED, BrokerStatus.EXPIRED})

#: A send state in which the order may be alive at the broker.
POSSIBLY_ALIVE = frozenset({SendState.NEW, SendState.SENT, SendState.ACCEPTED, SendState.UNKNOWN})

_SEND_STEPS: dict[SendState, frozenset[SendState]] = {
    SendState.NEW: frozenset(
        {SendState.SENT, SendState.ACCEPTED, SendState.REJECTED, SendState.NOT_PLACED, SendState.UNKNOWN}
    ),
    SendState.SENT: frozenset({SendState.ACCEPTED, SendState.REJECTED, SendState.NOT_PLACED, SendState.UNKNOWN}),
    SendState.UNKNOWN: frozenset({SendState.ACCEPTED, SendState.REJECTED, SendState.NOT_PLACED}),
    SendState.ACCEPTED: frozenset(),
    SendState.REJECTED: frozenset(),
    SendState.NOT_PLACED: frozenset(),
}


def next_send_state(current: SendState, wanted: SendState) -> SendState:
    """The state after a step; the same state again is harmless, anything else not in the table raises.

    Raises:
        TransitionError: The table has no such step.
    """
    if wanted == current or wanted in _SEND_STEPS[current]:
        return wanted
    raise TransitionError(f"order cannot go from {current} to {wanted}")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order as persisted before it is sent.

    Attributes:
        id: `{account}/{day}/{correlation id}`, unique.
        correlation_id: What the broker echoes; at most 25 characters.
        intent_id: Trade intent of an ENTRY, exit intent of an EXIT.
        slice_no, attempt: From 0; each slice and each attempt is an order of its own.
        limit_price_paise: 0 of a MARKET order.
        filled_value_paise: Sum of quantity x price over its fills.
        charges_paise: Of its fills so far, brokerage included once.
    """

    id: str
    account_id: str
    day: date
    correlation_id: str
    purpose: OrderPurpose
    position_id: int
    intent_id: int
    instrument_key: str
    side: OrderSide
    quantity: int
    order_type: OrderType
    limit_price_paise: int
    tag: str
    created_at: datetime
    slice_no: int = 0
    attempt: int = 0
    send_state: SendState = SendState.NEW
    broker_order_id: str = ""
    broker_status: BrokerStatus = BrokerStatus.NONE
    filled_quantity: int = 0
    filled_value_paise: int = 0
    charges_paise: int = 0
    reason_text: str = ""
    sent_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Nothing more can be filled under this order."""
        return self.broker_status in FINAL_STATUSES or self.send_state in (SendState.REJECTED, SendState.NOT_PLACED)


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of one order, as the exchange numbers it, with what it cost."""

    account_id: str
    exchange_trade_id: str
    order_id: str
    position_id: int
    side: OrderSide
    quantity: int
    price_paise: int
    at: datetime
    charges: Charges


class BrokerTrade(msgspec.Struct, frozen=True, array_like=True):
    """One trade as the exchange numbers it."""

    exchange_trade_id: str
    quantity: int
    price_paise: int
    at_us: int


def order_id_of(account_id: str, day: date, correlation_id: str) -> str:
    """The id of an order: unique per account, trading day and correlation id."""
    return f"{account_id}/{day.isoformat()}/{correlation_id}"
