"""Signals and exits as rows before anybody acts on them.

Owns: signals, deliveries, exit signals, exit intents, and the numbering of intents within an account's day.
Receives: StrikesPicked, TradeIntentApproved, TradeIntentRejected, ExitCandidate, ExitPlaced, ExitFilled,
    ExitFailed, ReportLiveExits.
Sends: SignalPublished, DeliveryCreated; ExitSignalPublished, ExitIntentApproved/Rejected, ExitCandidateDropped;
    LiveExits to whoever asked.
Recovers from: its rows; signals left DETECTED are published, deliveries nobody consumed are told once more as stale.
Limits: one live exit intent a position (the database refuses a second); re-arm cool-downs computed from rows.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from scalper.actors.messages.exits import (
    ExitCandidate,
    ExitCandidateDropped,
    ExitFailed,
    ExitFilled,
    ExitIntentApproved,
    ExitIntentRejected,
    ExitPlaced,
    ExitSignalPublished,
    LiveExits,
    ReportLiveExits,
)
from scalper.actors.messages.signals import (
    DeliveryCreated,
    SignalPublished,
    StrikesPicked,
    TradeIntentApproved,
    TradeIntentRejected,
)
from scalper.domain.booking import BookingRules, exit_orders
from scalper.domain.calendar import SessionTimes
from scalper.domain.episodes import next_episode, rearm_wait_ms
from scalper.domain.orders import BrokerStatus, Order, OrderPurpose, SendState
from scalper.domain.signals import (
    Delivery,
    DeliveryStatus,
    ExitIntent,
    ExitSignal,
    IntentStatus,
    Signal,
    SignalStatus,
)
from scalper.runtime.actor import Actor, Link, receives
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from scalper.store.signals import SignalRepository


class SignalManager(Actor):
    """Persists first, emits second."""

    def __init__(
        self,
        link: Link,
        *,
        store: Store,
        day: date,
        session: SessionTimes,
        accounts: tuple[str, ...],
        rules: BookingRules,
        rearm_s: int,
    ) -> None:
        super().__init__(link)
        self._store = store
        self._rows = SignalRepository(store)
        self._orders = OrderRepository(store)
        self._day = day
        self._session = session
        self._accounts = accounts
        self._rules = rules
        self._rearm_s = rearm_s

    def recover(self, at: datetime) -> None:
        self._ids = self._rows.max_ids()
        self._numbers = {account: self._rows.max_intent_number(account, self._day) for account in self._accounts}
        unpublished = self._rows.unpublished()
        unconsumed = self._rows.unconsumed()
        with self._store.unit() as unit:
            for signal in unpublished:
                self._rows.mark_published(signal.id, at)
            for delivery in unconsumed:
                # Its candle is gone: the next one will speak for itself (REQUIREMENTS 14.7).
                self._rows.mark_consumed(delivery.id, at)
            unit.commit()
        for signal in unpublished:
            self.publish(SignalPublished(at=at, signal=signal))
        for delivery in unconsumed:
            of_delivery = self._rows.signal(delivery.signal_id)
            if of_delivery is not None:
                stale = DeliveryCreated(
                    at=at, delivery=delivery, signal=of_delivery, picks=(), reason="", is_stale=True
                )
                self.publish(stale)

    @receives(StrikesPicked)
    def on_picked(self, picked: StrikesPicked) -> None:
        signal, deliveries = self._new_signal(picked)
        with self._store.unit() as unit:
            signal, is_new = self._rows.insert_signal(signal)
            if is_new:
                self._rows.insert_deliveries(deliveries)
                self._rows.mark_published(signal.id, picked.at)
            unit.commit()
        if not is_new:
            return
        signal = msgspec.structs.replace(signal, status=SignalStatus.PUBLISHED, published_at=picked.at)
        self._ids = msgspec.structs.replace(self._ids, signal=signal.id, delivery=deliveries[-1].id)
        for delivery in deliveries:
            self._numbers[delivery.account_id] = delivery.intent_number
        self.publish(SignalPublished(at=picked.at, signal=signal))
        for delivery in deliveries:
            self.publish(
                DeliveryCreated(
                    at=picked.at, delivery=delivery, signal=signal, picks=picked.picks, reason=picked.reason
                )
            )

    @receives(TradeIntentApproved, TradeIntentRejected)
    def on_decided(self, decided: TradeIntentApproved | TradeIntentRejected) -> None:
        with self._store.unit() as unit:
            self._rows.mark_consumed(decided.intent.delivery_id, decided.at)
            unit.commit()

    def _new_signal(self, picked: StrikesPicked) -> tuple[Signal, list[Delivery]]:
        found = picked.found
        line = found.primary.supertrend_paise
        edges = (found.close_paise, line if line is not None else found.close_paise)
        figures = {"primary": found.primary, "confirmation": found.confirmation}
        signal = Signal(
            id=self._ids.signal + 1,
            index_key=found.index_key,
            direction=found.direction,
            confluence_type=found.confluence_type,
            day=self._day,
            effective_floor_paise=min(edges),
            effective_ceiling_paise=max(edges),
            candle_at=found.candle_at,
            figures=msgspec.json.encode(figures).decode(),
            status=SignalStatus.DETECTED,
            created_at=picked.at,
        )
        deliveries = [
            Delivery(
                id=self._ids.delivery + place,
                signal_id=signal.id,
                account_id=account,
                intent_number=self._numbers[account] + 1,
                status=DeliveryStatus.CREATED,
                created_at=picked.at,
            )
            for place, account in enumerate(self._accounts, start=1)
        ]
        return signal, deliveries

    @receives(ExitCandidate)
    def on_candidate(self, candidate: ExitCandidate) -> None:
        """Stage B: episode and re-arm from the rows, then one commit of signal, intent and orders."""
        with self._store.unit() as unit:
            if self._rows.any_live_exit(candidate.position_id):
                self._drop(candidate, "an exit is in flight", None)
                return
            if self._is_sold_already(candidate):
                return
            latest = self._rows.latest_exit(candidate.position_id, candidate.reason)
            episode = self._episode(latest, candidate)
            if episode is None:
                assert latest is not None
                wait = timedelta(milliseconds=rearm_wait_ms(candidate.reason, self._rearm_s))
                self._drop(candidate, "re-arm cool-down", latest[1].updated_at + wait)
                return
            signal, intent, orders = self._new_exit(candidate, episode)
            self._rows.insert_exit(signal, intent, orders)
            unit.commit()
        self._ids = msgspec.structs.replace(self._ids, exit_signal=signal.id, exit_intent=intent.id)
        self._numbers[intent.account_id] = intent.intent_number
        self.publish(ExitSignalPublished(at=candidate.at, signal=signal))
        if intent.status is IntentStatus.APPROVED:
            self.publish(ExitIntentApproved(at=candidate.at, intent=intent, orders=orders))
        else:
            retry_at = candidate.at + timedelta(milliseconds=rearm_wait_ms(candidate.reason, self._rearm_s))
            self.publish(ExitIntentRejected(at=candidate.at, intent=intent, retry_at=retry_at))

    def _is_sold_already(self, candidate: ExitCandidate) -> bool:
        """The claim was made before PositionTracker had told of the last sale: selling again would go short."""
        held = self._orders.units_held(candidate.position_id)
        if candidate.quantity <= held:
            return False
        retry_at = candidate.at + timedelta(milliseconds=rearm_wait_ms(candidate.reason, self._rearm_s))
        self._drop(candidate, f"{held} units are held, not {candidate.quantity}", retry_at)
        return True

    def _drop(self, candidate: ExitCandidate, why: str, retry_at: datetime | None) -> None:
        self.publish(
            ExitCandidateDropped(
                at=candidate.at,
                position_id=candidate.position_id,
                reason=candidate.reason,
                why=why,
                retry_at=retry_at,
            )
        )

    def _episode(self, latest: tuple[ExitSignal, ExitIntent] | None, candidate: ExitCandidate) -> int | None:
        if latest is None:
            return 1
        signal, intent = latest
        return next_episode(
            signal.episode, intent.status, intent.updated_at, candidate.at, candidate.reason, self._rearm_s
        )

    def _new_exit(self, candidate: ExitCandidate, episode: int) -> tuple[ExitSignal, ExitIntent, tuple[Order, ...]]:
        is_open = self._session.opens_at <= candidate.at < self._session.closes_at
        refusal = "" if is_open else "the market is closed"
        evidence = {
            "trigger_paise": candidate.trigger_paise,
            "stop_paise": candidate.stop_paise,
            "bid_paise": candidate.bid_paise,
            "tick_at_us": candidate.tick_at_us,
            "verdicts": candidate.verdicts,
        }
        signal = ExitSignal(
            id=self._ids.exit_signal + 1,
            position_id=candidate.position_id,
            reason=candidate.reason,
            episode=episode,
            ltp_paise=candidate.ltp_paise,
            evidence=msgspec.json.encode(evidence).decode(),
            status=SignalStatus.PUBLISHED,
            detected_at=candidate.at,
            published_at=candidate.at,
        )
        intent = ExitIntent(
            id=self._ids.exit_intent + 1,
            exit_signal_id=signal.id,
            position_id=candidate.position_id,
            account_id=candidate.account_id,
            reason=candidate.reason,
            episode=episode,
            tag=candidate.tag,
            text=candidate.text,
            quantity=candidate.quantity,
            intent_number=self._numbers[candidate.account_id] + 1,
            status=IntentStatus.REJECTED if refusal else IntentStatus.APPROVED,
            reject_reason=refusal,
            attempts=0 if refusal else 1,
            created_at=candidate.at,
            updated_at=candidate.at,
        )
        return signal, intent, () if refusal else self._exit_orders(candidate, intent)

    def _exit_orders(self, candidate: ExitCandidate, intent: ExitIntent) -> tuple[Order, ...]:
        return exit_orders(
            intent,
            candidate.instrument,
            bid_paise=candidate.bid_paise,
            ltp_paise=candidate.ltp_paise,
            day=self._day,
            rules=self._rules,
            at=candidate.at,
        )

    @receives(ExitPlaced)
    def on_placed(self, placed: ExitPlaced) -> None:
        self._move(placed.intent_id, (IntentStatus.APPROVED,), IntentStatus.PLACED, placed.at)

    @receives(ExitFilled)
    def on_filled(self, filled: ExitFilled) -> None:
        self._move(filled.intent_id, (IntentStatus.APPROVED, IntentStatus.PLACED), IntentStatus.FILLED, filled.at)

    @receives(ExitFailed)
    def on_failed(self, failed: ExitFailed) -> None:
        self._move(
            failed.intent_id,
            (IntentStatus.APPROVED, IntentStatus.PLACED),
            IntentStatus.FAILED,
            failed.at,
            failed.text,
        )

    @receives(ReportLiveExits)
    def on_asked(self, query: ReportLiveExits) -> None:
        intents = self._rows.live_exit_intents()
        orders = tuple(order for intent in intents for order in self._orders_of(intent))
        self.send(query.reply_to, LiveExits(at=query.at, intents=intents, orders=orders))

    def on_restart_of(self, name: str, at: datetime) -> None:
        """PositionTracker may have lost the letter that said why a position is being left."""
        if name == "position_tracker":
            for intent in self._rows.live_exit_intents():
                self.send(name, ExitIntentApproved(at=at, intent=intent, orders=self._orders_of(intent)))

    def _orders_of(self, intent: ExitIntent) -> tuple[Order, ...]:
        return tuple(
            _as_born(order)
            for order in self._orders.of_position(intent.position_id)
            if order.intent_id == intent.id and order.purpose is OrderPurpose.EXIT
        )

    def close(self) -> None:
        self._store.close_thread()

    def _move(
        self, intent_id: int, expected: tuple[IntentStatus, ...], to: IntentStatus, at: datetime, why: str = ""
    ) -> None:
        with self._store.unit() as unit:
            self._rows.move_exit_intent(intent_id, expected, to, at, reject_reason=why)
            unit.commit()


def _as_born(order: Order) -> Order:
    """Only what this actor wrote of it: how it was sent and filled is the order side's, who tells it itself."""
    return msgspec.structs.replace(
        order,
        send_state=SendState.NEW,
        broker_order_id="",
        broker_status=BrokerStatus.NONE,
        filled_quantity=0,
        filled_value_paise=0,
        charges_paise=0,
        reason_text="",
        sent_at=None,
        updated_at=None,
    )
