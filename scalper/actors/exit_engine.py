"""The only door to an exit: sends the orders of approved intents and presses on until they end.

Owns: exits in flight.
Receives: ExitIntentApproved, LiveExits, order reports, OrderAccepted, PositionMarked, Pulse.
Sends: SubmitOrders, ReviseOrder, CancelOrder; ExitPlaced, ExitFilled, ExitFailed.
Recovers from: SignalManager's live intents and OrderUpdateHandler's reports of their orders.
Limits: a resting order is re-priced every 2 s and cancelled from 15 s on; what is left goes to a new episode.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from scalper.actors.messages.exits import (
    ExitFailed,
    ExitFilled,
    ExitIntentApproved,
    ExitPlaced,
    LiveExits,
    ReportLiveExits,
)
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderNotPlaced,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    ReportOrders,
    ReviseOrder,
    SubmitOrders,
)
from scalper.actors.messages.positions import PositionMarked
from scalper.domain.order_prices import protected_limit
from scalper.domain.orders import Order, OrderPurpose, OrderSide, OrderType
from scalper.domain.signals import ExitIntent, IntentStatus
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse

#: REQUIREMENTS 13.5, step 7.
REPRICE_EVERY = timedelta(seconds=2)
RESTS_MAX = timedelta(seconds=15)


class _Exit(msgspec.Struct):
    """One intent in flight."""

    intent: ExitIntent
    orders: dict[str, Order]
    since: datetime
    priced_at: datetime
    reports: dict[str, OrderReport] = {}
    is_placed: bool = False
    cancelled_at: datetime | None = None

    @property
    def filled(self) -> int:
        return sum(report.filled_quantity for report in self.reports.values())

    @property
    def resting(self) -> list[Order]:
        """Orders that have not ended, as far as is known."""
        return [
            order
            for order in self.orders.values()
            if order.id not in self.reports or not self.reports[order.id].is_final
        ]


class ExitEngine(Actor):
    """Executes exit intents."""

    def __init__(self, link: Link, *, cushion_ticks: int, tick_sizes: dict[str, int]) -> None:
        """`tick_sizes`: paise, by instrument key."""
        super().__init__(link)
        self._cushion_ticks = cushion_ticks
        self._tick_sizes = tick_sizes
        self._exits: dict[int, _Exit] = {}
        self._bids: dict[str, int] = {}

    def recover(self, at: datetime) -> None:
        self.hold_for("signal_manager", ReportLiveExits(at=at, reply_to=self.name))

    @receives(LiveExits)
    def on_live_exits(self, answer: LiveExits) -> None:
        """Take every live intent up again: its orders are submitted once more, and known ones are not sent twice."""
        for intent in answer.intents:
            orders = tuple(order for order in answer.orders if order.intent_id == intent.id)
            if intent.id not in self._exits:
                self._take_up(intent, orders, answer.at)
        self.resume()
        if answer.orders:
            ids = tuple(order.id for order in answer.orders)
            self.send("order_update_handler", ReportOrders(at=answer.at, reply_to=self.name, order_ids=ids))

    @receives(ExitIntentApproved)
    def on_approved(self, approved: ExitIntentApproved) -> None:
        if approved.intent.id not in self._exits:
            self._take_up(approved.intent, approved.orders, approved.at)

    @receives(OrderAccepted)
    def on_accepted(self, accepted: OrderAccepted) -> None:
        known = self._of(accepted.purpose, accepted.intent_id)
        if known is not None and not known.is_placed:
            known.is_placed = True
            self.publish(ExitPlaced(at=accepted.at, intent_id=known.intent.id, position_id=known.intent.position_id))

    @receives(OrderFilled, OrderPartiallyFilled, OrderCancelled, OrderRejected, OrderNotPlaced)
    def on_report(self, report: OrderReport) -> None:
        known = self._of(report.purpose, report.intent_id)
        if known is not None:
            self._take_report(known, report)

    @receives(OrderReports)
    def on_reports(self, answer: OrderReports) -> None:
        for report in answer.reports:
            self.on_report(report)

    @receives(PositionMarked)
    def on_marked(self, marked: PositionMarked) -> None:
        if self._exits:
            self._bids[marked.key] = marked.bid_paise

    def on_restart_of(self, name: str, at: datetime) -> None:
        """Reports or commands may have been lost with the letter that crashed an order actor: ask, and send again."""
        if name == "signal_manager":
            self.send("signal_manager", ReportLiveExits(at=at, reply_to=self.name))
        elif name == "order_update_handler" or name.startswith("order_gateway."):
            for known in tuple(self._exits.values()):
                self._submit(known, at)
                ids = tuple(known.orders)
                self.send("order_update_handler", ReportOrders(at=at, reply_to=self.name, order_ids=ids))

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        for known in tuple(self._exits.values()):
            if pulse.at - known.since >= RESTS_MAX:
                self._cancel(known, pulse.at)
            elif pulse.at - known.priced_at >= REPRICE_EVERY:
                known.priced_at = pulse.at
                self._reprice(known, pulse.at)

    def _take_up(self, intent: ExitIntent, orders: tuple[Order, ...], at: datetime) -> None:
        known = _Exit(
            intent=intent,
            orders={order.id: order for order in orders},
            since=at,
            priced_at=at,
            is_placed=intent.status is IntentStatus.PLACED,
        )
        self._exits[intent.id] = known
        for order in orders:
            # What is left of an earlier exit of this security is no price any more.
            self._bids.pop(order.instrument_key, None)
        self._submit(known, at)

    def _submit(self, known: _Exit, at: datetime) -> None:
        orders = tuple(known.orders.values())
        self.send(f"order_gateway.{known.intent.account_id}", SubmitOrders(at=at, orders=orders))

    def _take_report(self, known: _Exit, report: OrderReport) -> None:
        before = known.reports.get(report.order_id)
        if before is not None and (before.is_final or before.filled_quantity > report.filled_quantity):
            return
        known.reports[report.order_id] = report
        intent = known.intent
        if known.filled >= intent.quantity:
            del self._exits[intent.id]
            self.publish(ExitFilled(at=report.at, intent_id=intent.id, position_id=intent.position_id))
        elif not known.resting:
            del self._exits[intent.id]
            self.publish(
                ExitFailed(
                    at=report.at,
                    intent_id=intent.id,
                    position_id=intent.position_id,
                    quantity_left=intent.quantity - known.filled,
                    text=report.text or "ended with units left",
                )
            )

    def _reprice(self, known: _Exit, at: datetime) -> None:
        for order in known.resting:
            limit = protected_limit(
                OrderSide.SELL,
                best_paise=self._bids.get(order.instrument_key, 0),
                cushion_ticks=self._cushion_ticks,
                tick_size_paise=self._tick_sizes[order.instrument_key],
            )
            if order.order_type is OrderType.LIMIT and 0 < limit != order.limit_price_paise:
                known.orders[order.id] = msgspec.structs.replace(order, limit_price_paise=limit)
                revise = ReviseOrder(at=at, order_id=order.id, limit_price_paise=limit)
                self.send(f"order_gateway.{order.account_id}", revise)

    def _cancel(self, known: _Exit, at: datetime) -> None:
        """Again and again until the orders have ended: one that is not known to the broker yet cannot be cancelled."""
        if known.cancelled_at is None or at - known.cancelled_at >= REPRICE_EVERY:
            known.cancelled_at = at
            for order in known.resting:
                self.send(f"order_gateway.{order.account_id}", CancelOrder(at=at, order_id=order.id))

    def _of(self, purpose: OrderPurpose, intent_id: int) -> _Exit | None:
        return self._exits.get(intent_id) if purpose is OrderPurpose.EXIT else None
