"""What the tree asks of the outside world, as protocols; actors see these and nothing behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec

from scalper.domain.orders import BrokerStatus, BrokerTrade, Order, SendState
from scalper.domain.quotes import Candle, Tick


class Feed(Protocol):
    """The source of ticks."""

    def want(self, keys: tuple[str, ...]) -> None:
        """Ask for ticks of these keys from now on."""

    def drop(self, keys: tuple[str, ...]) -> None:
        """Ask for them no longer."""


class ChainLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One contract in an option chain; `iv_pct` and `delta` are None where they cannot be computed."""

    key: str
    strike_paise: int
    option_type: str
    tick: Tick | None
    iv_pct: float | None
    delta: float | None


class MarketData(Protocol):
    """REST reads: quotes, candles, chains. Blocks; only DataGateway calls it.

    Every method raises BrokerError when the source could not be asked.
    """

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        """Closed one-minute candles of the previous session and of today, ascending."""

    def quote(self, key: str, at: datetime) -> Tick | None:
        """The last tick, None when the source has none."""

    def expiries(self, index_key: str, at: datetime) -> tuple[date, ...]:
        """Expiries from today on, ascending."""

    def chain(self, index_key: str, expiry: date, at: datetime) -> tuple[ChainLeg, ...]:
        """Every contract of one expiry, by strike."""


class PlaceOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after a call that places an order: ACCEPTED, REJECTED, NOT_PLACED or UNKNOWN."""

    state: SendState
    broker_order_id: str = ""
    text: str = ""


class BookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the broker's book has it."""

    broker_order_id: str
    status: BrokerStatus


class OrderSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The broker's word on one order; quantities cumulative."""

    order_id: str
    broker_order_id: str
    status: BrokerStatus
    filled_quantity: int
    trades: tuple[BrokerTrade, ...]
    text: str = ""


class Broker(Protocol):
    """One account at one broker. Blocks; only the account's OrderGateway calls it.

    `seen` is how a broker that lives in this process tells of fills: the gateway calls it at every price and
    pulse. A broker across a wire tells by its order update socket and returns nothing here.
    """

    def place(self, order: Order, at: datetime) -> PlaceOutcome:
        """Send one order; never raises: not knowing is an outcome."""

    def modify(self, order: Order, limit_price_paise: int, at: datetime) -> bool:
        """Ask for another limit; False when it cannot be done any more."""

    def cancel(self, order: Order, at: datetime) -> bool:
        """Ask for its end; False when it cannot be done any more."""

    def look_up(self, order: Order, at: datetime) -> BookEntry | None:
        """The order in the broker's book by correlation id; None when it is not there.

        Raises:
            BrokerError: The book could not be read: nothing is known.
        """

    def book(self, at: datetime) -> Sequence[OrderSeen]:
        """Every order of today with all its trades, as the broker has it.

        Raises:
            BrokerError: The book could not be read: nothing is known.
        """

    def restore(self, orders: Sequence[Order], at: datetime) -> None:
        """Tell a broker that lives in this process which orders rest in it; those it knows are left as they are."""

    def seen(self, at: datetime, ticks: Sequence[Tick]) -> Sequence[OrderSeen]:
        """Move on to `at` with these new ticks; what happened to orders since."""
