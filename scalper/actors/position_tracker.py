"""The record of every position, its one writer.

Owns: positions: quantity, entry price, state, P&L booked; the wallet of a paper account, which follows from them.
Receives: TradeIntentApproved, order reports, ExitIntentApproved, StopMoved, PnlSynced, PositionProfitChanged,
    CircuitTripped, ReportPositions, Pulse.
Sends: PositionPending/Opened/Changed/Closed/Cancelled after the commit; SubmitOrders, CancelOrder; WalletChanged;
    Alert; PositionSnapshot to whoever asked.
Recovers from: its rows, brought up to date by the reports of OrderUpdateHandler.
Limits: an entry that rests for 60 s is cancelled; EXITED and CANCELLED are final.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from scalper.actors.messages.exits import ExitIntentApproved
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderCancelled,
    OrderFilled,
    OrderNotPlaced,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    ReportOrders,
    SubmitOrders,
)
from scalper.actors.messages.positions import (
    PnlSynced,
    PositionCancelled,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionProfitChanged,
    PositionSnapshot,
    ReportPositions,
    StopMoved,
    WalletChanged,
)
from scalper.actors.messages.risk import Alert, CircuitTripped
from scalper.actors.messages.signals import TradeIntentApproved
from scalper.domain.booking import BookingRules, booked, entry_orders, kept_trail, new_position, wallet_of
from scalper.domain.orders import OrderSide
from scalper.domain.positions import OrderTotals, Position, PositionStatus, Wallet, with_order_totals
from scalper.message import Message
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.store.cache import Cache
from scalper.store.database import Store
from scalper.store.orders import insert_orders
from scalper.store.positions import PositionRepository

#: An approval that is older when it is read leads to no order (REQUIREMENTS 14.7).
APPROVAL_AGE_MAX = timedelta(seconds=30)
#: An entry that rests longer is cancelled (REQUIREMENTS 12.7).
ENTRY_RESTS_MAX = timedelta(seconds=60)
#: A cancel that shows no effect is asked for again.
CANCEL_AGAIN_AFTER = timedelta(seconds=2)


class PositionTracker(Actor):
    """Books."""

    def __init__(
        self,
        link: Link,
        *,
        store: Store,
        cache: Cache,
        day: date,
        balances: dict[str, int],
        rules: BookingRules,
    ) -> None:
        """`balances`: paise each paper account once began with, by account id."""
        super().__init__(link)
        self._store = store
        self._rows = PositionRepository(store)
        self._cache = cache
        self._day = day
        self._balances = balances
        self._rules = rules
        self._positions: dict[int, Position] = {}
        self._carried: dict[str, int] = {}
        self._last_id = 0
        self._reserved: dict[int, int] = {}
        self._now: datetime | None = None
        self._cancelled_at: dict[str, datetime] = {}

    def recover(self, at: datetime) -> None:
        self._positions = {position.id: position for position in self._rows.of_day(self._day)}
        self._carried = {account: self._rows.all_closed_net_paise(account, self._day) for account in self._balances}
        self._last_id = self._rows.max_id()
        held = tuple(one for one in self._positions.values() if one.is_open)
        order_ids = tuple(totals.order_id for one in held for totals in one.orders)
        if order_ids:
            # A sale may be on record whose intent never came to be noted here.
            question = msgspec.structs.replace(
                self._question(order_ids, at), position_ids=tuple(one.id for one in held)
            )
            self.hold_for("order_update_handler", question)
            self._ask_gateways(order_ids, at)

    @receives(OrderReports)
    def on_reports(self, answer: OrderReports) -> None:
        """Fills that were booked as trades while nobody here was listening."""
        self.resume()
        for report in answer.reports:
            self._book(report)

    @receives(TradeIntentApproved)
    def on_approved(self, approved: TradeIntentApproved) -> None:
        intent = approved.intent
        if any(position.trade_intent_id == intent.id for position in self._positions.values()):
            return
        position = new_position(
            self._last_id + 1,
            intent,
            approved.signal,
            approved.instrument,
            approved.at,
            # The accounts whose balance is kept here are those of paper.
            is_paper=intent.account_id in self._balances,
        )
        if self._now is not None and self._now - approved.at > APPROVAL_AGE_MAX:
            self._pass_over(position)
            return
        orders = entry_orders(position, intent, approved.quote, self._day, self._rules, approved.at)
        position = msgspec.structs.replace(
            position,
            orders=tuple(OrderTotals(order.id, order.side, order.quantity, 0, 0, 0, False) for order in orders),
        )
        with self._store.unit() as unit:
            self._rows.insert(position)
            insert_orders(self._store, orders)
            unit.commit()
        self._last_id = position.id
        self._positions[position.id] = position
        self._reserved[position.id] = intent.quantity * (approved.quote.ask_paise or approved.quote.ltp_paise)
        self.publish(PositionPending(at=approved.at, position=position))
        self.send(f"order_gateway.{position.account_id}", SubmitOrders(at=approved.at, orders=orders))
        self._tell_wallet(position.account_id, approved.at)

    def _pass_over(self, position: Position) -> None:
        """An approval that waited too long is of a price that is gone."""
        stale = msgspec.structs.replace(position, status=PositionStatus.CANCELLED, cancel_reason="stale")
        with self._store.unit() as unit:
            self._rows.insert(stale)
            unit.commit()
        self._last_id = stale.id
        self._positions[stale.id] = stale
        self.publish(PositionCancelled(at=stale.created_at, position=stale))

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        self._now = pulse.at
        for position in self._positions.values():
            if position.is_open and (
                pulse.at - position.created_at >= ENTRY_RESTS_MAX
                or any(totals.order_id in self._cancelled_at for totals in position.orders)
            ):
                self._cancel_entries(position, pulse.at)

    @receives(CircuitTripped)
    def on_tripped(self, tripped: CircuitTripped) -> None:
        """Nothing more is bought today."""
        for position in self._positions.values():
            if position.is_open and position.account_id == tripped.account_id:
                self._cancel_entries(position, tripped.at)

    @receives(OrderFilled, OrderPartiallyFilled, OrderCancelled, OrderRejected, OrderNotPlaced)
    def on_report(self, report: OrderReport) -> None:
        self._book(report)

    def _book(self, report: OrderReport) -> None:
        before = self._positions.get(report.position_id)
        if before is None:
            return
        if not before.is_open:
            self._watch_late_fill(before, report)
            return
        if report.side is OrderSide.SELL and not before.exit_tag:
            # The letter that told why it is left was lost with a crash: the order itself still says it.
            before = msgspec.structs.replace(before, exit_tag=report.tag, exit_text=report.tag)
        after = booked(before, report.totals, report.text, self._rules, report.at)
        if after == before:
            return
        with self._store.unit() as unit:
            self._rows.save(after)
            unit.commit()
        self._positions[after.id] = after
        if after.status is PositionStatus.EXITED:
            self._cache.put_reentry(after.account_id, after.instrument.symbol, report.at)
        self.publish(_event_of(before, after, report.at))
        self._tell_wallet(after.account_id, report.at)

    def _watch_late_fill(self, position: Position, report: OrderReport) -> None:
        """Units that come or go under a position that has ended are nobody's: a person must look."""
        after = with_order_totals(position, report.totals)
        if after.quantity != position.quantity:
            text = (
                f"{report.filled_quantity} units of order {report.order_id} were filled after position {position.id} "
                f"was {position.status}: {after.quantity} units are held under no position"
            )
            self.publish(Alert(at=report.at, level="CRITICAL", text=text))

    @receives(ExitIntentApproved)
    def on_exit_approved(self, approved: ExitIntentApproved) -> None:
        """Note what the position is being left for, and end entry orders that still rest."""
        intent = approved.intent
        position = self._positions.get(intent.position_id)
        if position is None or not position.is_open:
            return
        known = {totals.order_id for totals in position.orders}
        new = tuple(
            OrderTotals(order.id, order.side, order.quantity, 0, 0, 0, False)
            for order in approved.orders
            if order.id not in known
        )
        leaving = msgspec.structs.replace(
            position,
            orders=position.orders + new,
            exit_reason=intent.reason,
            exit_tag=intent.tag,
            exit_text=intent.text,
            updated_at=approved.at,
        )
        with self._store.unit() as unit:
            self._rows.save(leaving)
            unit.commit()
        self._positions[leaving.id] = leaving
        self._cancel_entries(leaving, approved.at)

    @receives(StopMoved)
    def on_stop_moved(self, moved: StopMoved) -> None:
        position = self._positions.get(moved.position_id)
        if position is None or position.status is not PositionStatus.ACTIVE:
            return
        with self._store.unit() as unit:
            self._rows.save_trail(moved.position_id, moved.trail, moved.hwm_pnl_paise)
            unit.commit()
        self._positions[moved.position_id] = msgspec.structs.replace(
            position,
            trail=kept_trail(position.trail, moved.trail),
            hwm_pnl_paise=max(position.hwm_pnl_paise, moved.hwm_pnl_paise),
        )

    @receives(PnlSynced)
    def on_synced(self, synced: PnlSynced) -> None:
        marks = [mark for mark in synced.marks if mark.position_id in self._positions]
        with self._store.unit() as unit:
            self._rows.save_marks([(mark.position_id, mark.pnl_paise) for mark in marks])
            unit.commit()
        for mark in marks:
            position = self._positions[mark.position_id]
            if position.status is PositionStatus.ACTIVE:
                self._positions[position.id] = msgspec.structs.replace(position, last_pnl_paise=mark.pnl_paise)

    @receives(PositionProfitChanged)
    def on_profit_changed(self, changed: PositionProfitChanged) -> None:
        """Kept with the next row written: after a crash the five minutes of a winner begin anew."""
        position = self._positions.get(changed.position_id)
        if position is not None and position.status is PositionStatus.ACTIVE:
            self._positions[position.id] = msgspec.structs.replace(position, profitable_since=changed.since)

    @receives(ReportPositions)
    def on_asked(self, query: ReportPositions) -> None:
        positions = tuple(self._positions.values())
        snapshot = PositionSnapshot(
            at=query.at,
            open_positions=tuple(one for one in positions if one.is_open),
            closed_today=tuple(one for one in positions if one.status is PositionStatus.EXITED),
            wallets=tuple(self._wallet(account) for account in self._balances),
        )
        self.send(query.reply_to, snapshot)

    def on_restart_of(self, name: str, at: datetime) -> None:
        """What an order actor lost with its crash may concern a position: ask how every live order stands."""
        alive = tuple(
            totals.order_id
            for position in self._positions.values()
            if position.is_open
            for totals in position.orders
            if not totals.is_final
        )
        if alive and name == "order_update_handler":
            self.send(name, self._question(alive, at))
        elif alive and name.startswith("order_gateway."):
            self._ask_gateways(alive, at)

    def _question(self, order_ids: tuple[str, ...], at: datetime) -> ReportOrders:
        return ReportOrders(at=at, reply_to=self.name, order_ids=order_ids)

    def _ask_gateways(self, order_ids: tuple[str, ...], at: datetime) -> None:
        """OrderUpdateHandler knows what was filled, the gateways what was never placed."""
        for account_id in self._balances:
            self.send(f"order_gateway.{account_id}", self._question(order_ids, at))

    def close(self) -> None:
        self._store.close_thread()

    def _cancel_entries(self, position: Position, at: datetime) -> None:
        """Again and again until they have ended: an order the broker does not know yet cannot be cancelled."""
        for totals in position.orders:
            asked_at = self._cancelled_at.get(totals.order_id)
            is_due = asked_at is None or at - asked_at >= CANCEL_AGAIN_AFTER
            if totals.side is OrderSide.BUY and not totals.is_final and is_due:
                self._cancelled_at[totals.order_id] = at
                self.send(f"order_gateway.{position.account_id}", CancelOrder(at=at, order_id=totals.order_id))

    def _wallet(self, account_id: str) -> Wallet:
        mine = [position for position in self._positions.values() if position.account_id == account_id]
        balance = self._balances[account_id] + self._carried[account_id]
        return wallet_of(account_id, balance, mine, self._reserved)

    def _tell_wallet(self, account_id: str, at: datetime) -> None:
        self.publish(WalletChanged(at=at, wallet=self._wallet(account_id)))


def _event_of(before: Position, after: Position, at: datetime) -> Message:
    if after.status is PositionStatus.CANCELLED:
        return PositionCancelled(at=at, position=after)
    if after.status is PositionStatus.EXITED:
        return PositionClosed(at=at, position=after)
    if before.status is PositionStatus.PENDING and after.status is PositionStatus.ACTIVE:
        return PositionOpened(at=at, position=after)
    return PositionChanged(at=at, position=after)
