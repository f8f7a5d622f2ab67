"""What the broker says of orders, booked once.

Owns: the broker's side of each order, its fills and their charges.
Receives: OrderUpdate, ReportOrders.
Sends: OrderFilled, OrderPartiallyFilled, OrderCancelled, OrderRejected after the commit; OrderReports;
    SweepOrders when it (re)starts.
Recovers from: its rows and the broker's book; everything it says is cumulative, so saying it again is harmless.
Limits: a trade is booked once, by the exchange's number; quantities only grow.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from scalper.actors.messages.orders import (
    OrderCancelled,
    OrderFilled,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    OrderUpdate,
    ReportOrders,
    SweepOrders,
)
from scalper.domain.charges import ChargeTable, charges_delta, charges_of_order, exchange_of
from scalper.domain.orders import FINAL_STATUSES, BrokerStatus, BrokerTrade, Fill, Order
from scalper.domain.positions import OrderTotals
from scalper.domain.times import ist_from_us
from scalper.runtime.actor import Actor, Link, receives
from scalper.store.database import Store
from scalper.store.orders import OrderRepository


class OrderUpdateHandler(Actor):
    """Turns a broker's words into rows, and rows into events."""

    def __init__(self, link: Link, *, store: Store, charges: ChargeTable, day: date) -> None:
        super().__init__(link)
        self._store = store
        self._rows = OrderRepository(store)
        self._charges = charges
        self._day = day

    def recover(self, at: datetime) -> None:
        """An update may have been lost with the letter that crashed it: have everything told again."""
        self.publish(SweepOrders(at=at))

    @receives(OrderUpdate)
    def on_update(self, update: OrderUpdate) -> None:
        order = self._rows.order(update.order_id)
        if order is None:
            # Somebody else's order in the same account: none of ours (REQUIREMENTS 13.7).
            return
        booked = self._book(order, update)
        if booked != order:
            self.publish(_report_of(booked, update))

    @receives(ReportOrders)
    def on_report(self, query: ReportOrders) -> None:
        of_positions = (order for one in query.position_ids for order in self._rows.of_position(one))
        # Only what this actor has written of an order is told: another's row may be a moment ahead of its letter.
        filled = (order.id for order in of_positions if order.filled_quantity)
        orders = (self._rows.order(order_id) for order_id in dict.fromkeys((*query.order_ids, *filled)))
        reports = tuple(_report(OrderReport, order, query) for order in orders if order is not None)
        self.send(query.reply_to, OrderReports(at=query.at, reports=reports))

    def _book(self, order: Order, update: OrderUpdate) -> Order:
        with self._store.unit() as unit:
            for trade in update.trades:
                order = self._book_trade(order, trade)
            if order.broker_status not in FINAL_STATUSES and order.broker_status is not update.status:
                self._rows.set_broker_status(order.id, update.status, update.at, reason_text=update.text)
                order = msgspec.structs.replace(order, broker_status=update.status)
            unit.commit()
        return order

    def _book_trade(self, order: Order, trade: BrokerTrade) -> Order:
        rates = self._charges.rates(exchange_of(order.instrument_key.partition(":")[0]), self._day)
        value = order.filled_value_paise + trade.quantity * trade.price_paise
        before = charges_of_order(order.side, order.filled_value_paise, rates)
        after = charges_of_order(order.side, value, rates)
        fill = Fill(
            account_id=order.account_id,
            exchange_trade_id=trade.exchange_trade_id,
            order_id=order.id,
            position_id=order.position_id,
            side=order.side,
            quantity=trade.quantity,
            price_paise=trade.price_paise,
            at=ist_from_us(trade.at_us),
            charges=charges_delta(before, after),
        )
        filled = msgspec.structs.replace(
            order,
            filled_quantity=order.filled_quantity + trade.quantity,
            filled_value_paise=value,
            charges_paise=after.total_paise,
        )
        return filled if self._rows.add_fill(fill, _totals_of(filled)) else order


def _totals_of(order: Order) -> OrderTotals:
    return OrderTotals(
        order_id=order.id,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        filled_value_paise=order.filled_value_paise,
        charges_paise=order.charges_paise,
        is_final=order.broker_status in FINAL_STATUSES,
    )


def _kind_of(order: Order) -> type[OrderReport]:
    if order.broker_status is BrokerStatus.TRADED:
        return OrderFilled
    if order.broker_status is BrokerStatus.REJECTED:
        return OrderRejected
    if order.broker_status in FINAL_STATUSES:
        return OrderCancelled
    return OrderPartiallyFilled


def _report_of(order: Order, update: OrderUpdate) -> OrderReport:
    return _report(_kind_of(order), order, update)


def _report(kind: type[OrderReport], order: Order, cause: OrderUpdate | ReportOrders) -> OrderReport:
    return kind(
        at=cause.at,
        order_id=order.id,
        position_id=order.position_id,
        intent_id=order.intent_id,
        purpose=order.purpose,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        filled_value_paise=order.filled_value_paise,
        charges_paise=order.charges_paise,
        # Of its own columns alone: what the gateway knows of the sending, the gateway says.
        is_final=order.broker_status in FINAL_STATUSES,
        tag=order.tag,
        text=order.reason_text,
    )
