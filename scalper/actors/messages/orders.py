"""Orders on their way to a broker, and what comes back."""

from __future__ import annotations

from typing import ClassVar

from scalper.domain.orders import BrokerStatus, BrokerTrade, Order, OrderPurpose, OrderSide
from scalper.domain.positions import OrderTotals
from scalper.message import Message


class SubmitOrders(Message, frozen=True, kw_only=True):
    """PositionTracker (entries) or ExitEngine (exits) asks a gateway to send orders that are rows already.

    An order the gateway knows is not sent again, so that the command may be repeated after a crash.
    """

    orders: tuple[Order, ...]


class ReviseOrder(Message, frozen=True, kw_only=True):
    """ExitEngine asks for another limit of an order that rests."""

    order_id: str
    limit_price_paise: int


class CancelOrder(Message, frozen=True, kw_only=True):
    """Asks for the end of an order that rests; what it has filled stays."""

    order_id: str


class OrderAccepted(Message, frozen=True, kw_only=True):
    """OrderGateway says: the broker has taken the order under this id; that is no fill."""

    order_id: str
    position_id: int
    intent_id: int
    purpose: OrderPurpose
    broker_order_id: str


class OrderUnknown(Message, frozen=True, kw_only=True):
    """OrderGateway says: nobody knows whether the order was placed; it is being looked up."""

    order_id: str
    position_id: int
    intent_id: int
    purpose: OrderPurpose
    text: str


class OrderReport(Message, frozen=True, kw_only=True):
    """What one order has brought so far. Quantities are cumulative: a repeat is harmless."""

    order_id: str
    position_id: int
    intent_id: int
    purpose: OrderPurpose
    side: OrderSide
    quantity: int
    filled_quantity: int
    filled_value_paise: int
    charges_paise: int
    is_final: bool
    tag: str
    text: str = ""

    @property
    def totals(self) -> OrderTotals:
        """The same as a position keeps it."""
        return OrderTotals(
            order_id=self.order_id,
            side=self.side,
            quantity=self.quantity,
            filled_quantity=self.filled_quantity,
            filled_value_paise=self.filled_value_paise,
            charges_paise=self.charges_paise,
            is_final=self.is_final,
        )


class OrderPartiallyFilled(OrderReport, frozen=True, kw_only=True):
    """OrderUpdateHandler says: some of it is filled and the rest rests."""


class OrderFilled(OrderReport, frozen=True, kw_only=True):
    """OrderUpdateHandler says: all of it is filled."""


class OrderCancelled(OrderReport, frozen=True, kw_only=True):
    """OrderUpdateHandler says: the order has ended (cancelled, expired); the fill so far stands."""


class OrderRejected(OrderReport, frozen=True, kw_only=True):
    """The broker said no, at placing (OrderGateway) or later (OrderUpdateHandler); the fill so far stands."""


class OrderNotPlaced(OrderReport, frozen=True, kw_only=True):
    """OrderGateway says: the broker has no such order, for certain."""


class OrderUpdate(Message, frozen=True, kw_only=True):
    """The broker's side (paper broker, order update socket) says how an order stands; repeats are harmless."""

    account_id: str
    order_id: str
    broker_order_id: str
    status: BrokerStatus
    filled_quantity: int
    trades: tuple[BrokerTrade, ...]
    text: str = ""


class SweepOrders(Message, frozen=True, kw_only=True):
    """An OrderUpdateHandler that (re)starts asks every gateway to tell again all that the broker's book holds."""


class ReportOrders(Message, frozen=True, kw_only=True):
    """Somebody who restarted asks OrderUpdateHandler how these orders stand; answered with OrderReports.

    Attributes:
        position_ids: Positions of which every order is told that has been filled, also one the asker never heard of.
    """

    reply_to: str
    order_ids: tuple[str, ...]
    position_ids: tuple[int, ...] = ()


class OrderReports(Message, frozen=True, kw_only=True):
    """OrderUpdateHandler answers ReportOrders."""

    reports: tuple[OrderReport, ...]

    is_control: ClassVar[bool] = True
