"""One account's way to its broker: orders out, acceptance back. It blocks so that nobody else does.

Owns: what is known of the sending of each order; the account's connection to its broker.
Receives: SubmitOrders, ReviseOrder, CancelOrder, ReportOrders, SweepOrders, HeldTicks, Pulse.
Sends: OrderAccepted, OrderRejected, OrderNotPlaced, OrderUnknown; OrderUpdate of a broker in this process.
Recovers from: its rows: an order NEW, SENT or UNKNOWN may have reached the broker and is looked up.
Limits: one look-up a second and order; an order is sent once, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from scalper.actors.messages.feed import HeldTicks
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderAccepted,
    OrderNotPlaced,
    OrderRejected,
    OrderReport,
    OrderReports,
    OrderUnknown,
    OrderUpdate,
    ReportOrders,
    ReviseOrder,
    SubmitOrders,
    SweepOrders,
)
from scalper.broker.ports import Broker, OrderSeen, PlaceOutcome
from scalper.domain.orders import Order, SendState
from scalper.domain.quotes import Tick
from scalper.errors import BrokerError, InvariantError
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.store.database import Store
from scalper.store.orders import OrderRepository

#: How often an order of unknown fate is looked up.
LOOK_UP_EVERY = timedelta(seconds=1)
#: Two readings without the order have to lie this far apart (REQUIREMENTS 13.2).
READINGS_APART = timedelta(seconds=2)

_UNSETTLED = (SendState.NEW, SendState.SENT, SendState.UNKNOWN)
#: What is told of an order that never came into the broker's book.
_UNPLACED: dict[SendState, type[OrderReport]] = {
    SendState.REJECTED: OrderRejected,
    SendState.NOT_PLACED: OrderNotPlaced,
}


class _LookUp(msgspec.Struct):
    """An order whose fate is unknown."""

    order: Order
    sent_at: datetime
    next_at: datetime
    absent_at: datetime | None = None


class OrderGateway(Actor):
    """Sends, and knows what it does not know."""

    def __init__(
        self,
        link: Link,
        *,
        account_id: str,
        broker: Broker,
        store: Store,
        settle_s: int,
        before_send: Callable[[], None],
    ) -> None:
        """`broker` outlives this actor; `before_send` puts the message log out before bytes leave."""
        super().__init__(link)
        self._account_id = account_id
        self._broker = broker
        self._store = store
        self._rows = OrderRepository(store)
        self._settle = timedelta(seconds=settle_s)
        self._before_send = before_send
        self._orders: dict[str, Order] = {}
        self._unknown: dict[str, _LookUp] = {}
        self._is_sweep_due = False

    def recover(self, at: datetime) -> None:
        alive = self._rows.possibly_alive(self._account_id)
        self._orders = {order.id: order for order in alive}
        self._broker.restore([order for order in alive if order.send_state is SendState.ACCEPTED], at)
        for order in alive:
            if order.send_state is not SendState.ACCEPTED:
                self._unknown[order.id] = _LookUp(order, order.sent_at or order.created_at, at)
        self._sweep(at)

    @receives(SubmitOrders)
    def on_submit(self, command: SubmitOrders) -> None:
        for order in command.orders:
            if order.id not in self._orders:
                self._submit(order, command.at)

    def _submit(self, order: Order, at: datetime) -> None:
        """Send what is NEW and was born since this actor recovered; of anything else only say how it ended."""
        sending = self._rows.sending_of(order.id)
        if sending is None:
            raise InvariantError(f"order {order.id} was to be sent before it was a row")
        state, reason = sending
        if state is SendState.NEW:
            self._orders[order.id] = order
            self._before_send()
            self._settle_outcome(order, self._broker.place(order, at), at)
        elif state in _UNPLACED:
            self.publish(_ended(_UNPLACED[state], order, reason, at))

    @receives(ReportOrders)
    def on_report(self, query: ReportOrders) -> None:
        """The orders that ended here, before the broker's book ever had them."""
        rows = (self._rows.order(order_id) for order_id in query.order_ids)
        ended = tuple(
            _ended(OrderReport, row, row.reason_text, query.at)
            for row in rows
            if row is not None and row.send_state in _UNPLACED
        )
        self.send(query.reply_to, OrderReports(at=query.at, reports=ended))

    @receives(ReviseOrder)
    def on_revise(self, command: ReviseOrder) -> None:
        order = self._orders.get(command.order_id)
        if order is not None and self._broker.modify(order, command.limit_price_paise, command.at):
            self._orders[order.id] = msgspec.structs.replace(order, limit_price_paise=command.limit_price_paise)
            with self._store.unit() as unit:
                self._rows.set_limit_price(order.id, command.limit_price_paise, command.at)
                unit.commit()

    @receives(CancelOrder)
    def on_cancel(self, command: CancelOrder) -> None:
        order = self._orders.get(command.order_id)
        if order is not None:
            self._broker.cancel(order, command.at)
            return
        row = self._rows.order(command.order_id)
        if row is not None and row.send_state is SendState.NEW:
            # Born since this actor recovered, and the command to send it was lost with its sender: it never will be.
            text = "cancelled before it was sent"
            self._settle_outcome(row, PlaceOutcome(state=SendState.NOT_PLACED, text=text), command.at)

    @receives(SweepOrders)
    def on_sweep(self, command: SweepOrders) -> None:
        self._sweep(command.at)

    @receives(HeldTicks)
    def on_ticks(self, message: HeldTicks) -> None:
        self._listen(message.at, message.ticks)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        self._listen(pulse.at, ())
        if self._is_sweep_due:
            self._sweep(pulse.at)
        for look_up in tuple(self._unknown.values()):
            if pulse.at >= look_up.next_at:
                look_up.next_at = pulse.at + LOOK_UP_EVERY
                self._look_up(look_up, pulse.at)

    def _listen(self, at: datetime, ticks: tuple[Tick, ...]) -> None:
        for seen in self._broker.seen(at, ticks):
            self._tell(seen, at)

    def _sweep(self, at: datetime) -> None:
        """Tell again all that the book holds; a book that cannot be read is read at the next pulse."""
        try:
            book = self._broker.book(at)
        except BrokerError:
            self._is_sweep_due = True
            return
        self._is_sweep_due = False
        for seen in book:
            self._tell(seen, at)

    def _tell(self, seen: OrderSeen, at: datetime) -> None:
        self.publish(
            OrderUpdate(
                at=at,
                account_id=self._account_id,
                order_id=seen.order_id,
                broker_order_id=seen.broker_order_id,
                status=seen.status,
                filled_quantity=seen.filled_quantity,
                trades=seen.trades,
                text=seen.text,
            )
        )

    def _settle_outcome(self, order: Order, outcome: PlaceOutcome, at: datetime) -> None:
        self._unknown.pop(order.id, None)
        with self._store.unit() as unit:
            self._rows.set_send_state(
                order.id,
                _UNSETTLED,
                outcome.state,
                at,
                broker_order_id=outcome.broker_order_id,
                reason_text=outcome.text,
            )
            unit.commit()
        if outcome.state is SendState.ACCEPTED:
            self.publish(
                OrderAccepted(
                    at=at,
                    order_id=order.id,
                    position_id=order.position_id,
                    intent_id=order.intent_id,
                    purpose=order.purpose,
                    broker_order_id=outcome.broker_order_id,
                )
            )
        elif outcome.state is SendState.UNKNOWN:
            self._lose_sight(order, outcome.text, at)
        else:
            # Who asks for it again is told again how it ended: the first telling may be lost with a crash.
            self._orders.pop(order.id, None)
            self.publish(_ended(_UNPLACED[outcome.state], order, outcome.text, at))

    def _lose_sight(self, order: Order, text: str, at: datetime) -> None:
        self._unknown[order.id] = _LookUp(order, at, at + LOOK_UP_EVERY)
        self.publish(
            OrderUnknown(
                at=at,
                order_id=order.id,
                position_id=order.position_id,
                intent_id=order.intent_id,
                purpose=order.purpose,
                text=text,
            )
        )

    def _look_up(self, look_up: _LookUp, at: datetime) -> None:
        """The one rule for an unknown outcome (REQUIREMENTS 13.2)."""
        try:
            entry = self._broker.look_up(look_up.order, at)
        except BrokerError:
            # Could not ask is not the same as not there: nothing is learned, the next second asks again.
            return
        if entry is not None:
            outcome = PlaceOutcome(state=SendState.ACCEPTED, broker_order_id=entry.broker_order_id)
            self._settle_outcome(look_up.order, outcome, at)
        elif look_up.absent_at is None:
            look_up.absent_at = at
        elif at - look_up.absent_at >= READINGS_APART and at - look_up.sent_at >= self._settle:
            text = f"not in the broker's book at {look_up.absent_at:%H:%M:%S} and {at:%H:%M:%S}"
            self._settle_outcome(look_up.order, PlaceOutcome(state=SendState.NOT_PLACED, text=text), at)


def _ended(kind: type[OrderReport], order: Order, text: str, at: datetime) -> OrderReport:
    return kind(
        at=at,
        order_id=order.id,
        position_id=order.position_id,
        intent_id=order.intent_id,
        purpose=order.purpose,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        filled_value_paise=order.filled_value_paise,
        charges_paise=order.charges_paise,
        is_final=True,
        tag=order.tag,
        text=text,
    )
