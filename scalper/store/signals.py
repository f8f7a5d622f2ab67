"""Signals, deliveries, exit signals and exit intents: written by SignalManager alone.

Source: REQUIREMENTS 14.1 to 14.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import msgspec

from scalper.domain.orders import Order
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import (
    LIVE_INTENT_STATUSES,
    Delivery,
    DeliveryStatus,
    ExitIntent,
    ExitSignal,
    IntentStatus,
    Signal,
    SignalStatus,
)
from scalper.domain.times import us_from
from scalper.store.database import Store
from scalper.store.errors import Conflict, LiveExitExists
from scalper.store.moves import move_intent
from scalper.store.rows import Rows
from scalper.store.spans import within_day
from scalper.store.tables import EXIT_INTENTS, EXIT_SIGNALS, ORDERS, SIGNAL_DELIVERIES, SIGNALS

#: What is asked between a tick and a sale, ready-made: building these queries would take longer than the commit.
_LIVE_EXIT = "SELECT id FROM exit_intents WHERE position_id = ? AND status IN ('PENDING', 'APPROVED', 'PLACED')"
_LATEST_EXIT = "SELECT * FROM exit_signals WHERE position_id = ? AND reason = ? ORDER BY episode DESC LIMIT 1"
_INTENT_OF_EXIT = "SELECT * FROM exit_intents WHERE exit_signal_id = ? AND position_id = ?"

_LIVE = sorted(status.value for status in LIVE_INTENT_STATUSES)


class MaxIds(msgspec.Struct, frozen=True, kw_only=True):
    """The greatest ids given so far; 0 before the first."""

    signal: int
    delivery: int
    exit_signal: int
    exit_intent: int


class SignalRepository:
    """The way from a decision to an intent, both for entries and for exits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert_exit_signal = EXIT_SIGNALS.insert_sql(store.mark)
        self._insert_exit_intent = EXIT_INTENTS.insert_sql(store.mark)
        self._insert_order = ORDERS.insert_sql(store.mark)
        self._live_exit = _LIVE_EXIT.replace("?", store.mark)
        self._latest_exit = _LATEST_EXIT.replace("?", store.mark)
        self._intent_of_exit = _INTENT_OF_EXIT.replace("?", store.mark)

    def insert_signal(self, signal: Signal) -> tuple[Signal, bool]:
        """Add a signal unless its candle state has one; gives the row that is there, and whether it is ours.

        Raises:
            StoreError: Its id is taken by another signal.
        """
        is_new = self._store.write(SIGNALS.insert(signal).on_conflict_ignore()) == 1
        found = self._store.find(SIGNALS, _same_candle_state(signal))
        if not found:
            raise Conflict(
                f"signal id {signal.id} is taken by another signal than {signal.index_key} {signal.candle_at}"
            )
        return found[0], is_new

    def insert_deliveries(self, deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
        """Add one delivery a signal and account, unless it is there; gives those that were added."""
        return tuple(
            delivery
            for delivery in deliveries
            if self._store.write(SIGNAL_DELIVERIES.insert(delivery).on_conflict_ignore()) == 1
        )

    def mark_published(self, signal_id: int, at: datetime) -> bool:
        """DETECTED to PUBLISHED; False when somebody has done it."""
        return self._publish(SIGNALS, signal_id, at)

    def mark_exit_published(self, exit_signal_id: int, at: datetime) -> bool:
        """DETECTED to PUBLISHED of an exit signal; False when somebody has done it."""
        return self._publish(EXIT_SIGNALS, exit_signal_id, at)

    def mark_consumed(self, delivery_id: int, at: datetime) -> bool:
        """CREATED to CONSUMED; False when somebody has done it."""
        table = SIGNAL_DELIVERIES.table
        consumed = table.update(status=DeliveryStatus.CONSUMED.value, consumed_at=us_from(at))
        is_waiting = (table.id == delivery_id) & (table.status == DeliveryStatus.CREATED.value)
        return self._store.write(consumed.where(is_waiting)) == 1

    def insert_exit(self, exit_signal: ExitSignal, exit_intent: ExitIntent, orders: Iterable[Order]) -> None:
        """Add an exit signal, its intent and its orders: the way between a tick and a sale, so its SQL is ready-made.

        Raises:
            LiveExitExists: The position has an intent that may still sell; leave the unit without a commit.
            Conflict: The episode exists.
        """
        store = self._store
        try:
            store.write_sql(self._insert_exit_signal, EXIT_SIGNALS.values_of(exit_signal))
            store.write_sql(self._insert_exit_intent, EXIT_INTENTS.values_of(exit_intent))
            for order in orders:
                store.write_sql(self._insert_order, ORDERS.values_of(order))
        except Conflict as conflict:
            if _is_second_live_exit(conflict):
                raise LiveExitExists(f"position {exit_intent.position_id} has a live exit intent") from conflict
            raise

    def move_exit_intent(
        self,
        intent_id: int,
        expected: Iterable[IntentStatus],
        to: IntentStatus,
        at: datetime,
        *,
        reject_reason: str = "",
        attempts: int | None = None,
    ) -> bool:
        """Move an exit intent that is in one of the expected statuses; False when it is not, somebody else won.

        Args:
            intent_id: Of the exit intent.
            expected: Statuses it may be in.
            to: The status wanted.
            at: When.
            reject_reason: Kept when given.
            attempts: How often it has been tried, kept when given.

        Raises:
            TransitionError: From an expected status there is no such step.
        """
        changes: dict[str, Any] = {"reject_reason": reject_reason} if reject_reason else {}
        if attempts is not None:
            changes["attempts"] = attempts
        return move_intent(self._store, EXIT_INTENTS, intent_id, expected, to, at, changes)

    def unpublished(self) -> tuple[Signal, ...]:
        """Signals whose event may have been lost, by id."""
        return self._store.find(SIGNALS, SIGNALS.table.status == SignalStatus.DETECTED.value)

    def signals_of_day(self, day: date) -> tuple[Signal, ...]:
        """All signals of a trading day, by id."""
        return self._store.find(SIGNALS, SIGNALS.table.day == day.isoformat())

    def signal(self, signal_id: int) -> Signal | None:
        """The signal with this id."""
        found = self._store.find(SIGNALS, SIGNALS.table.id == signal_id)
        return found[0] if found else None

    def unconsumed(self) -> tuple[Delivery, ...]:
        """Deliveries nobody has decided on, by id."""
        return self._store.find(SIGNAL_DELIVERIES, SIGNAL_DELIVERIES.table.status == DeliveryStatus.CREATED.value)

    def deliveries_of(self, signal_id: int) -> tuple[Delivery, ...]:
        """The deliveries of one signal, by id."""
        return self._store.find(SIGNAL_DELIVERIES, SIGNAL_DELIVERIES.table.signal_id == signal_id)

    def latest_exit(self, position_id: int, reason: ExitReason) -> tuple[ExitSignal, ExitIntent] | None:
        """The last episode of a reason for a position, with what became of it."""
        found = self._store.rows_of_sql(self._latest_exit, (position_id, reason.value))
        if not found:
            return None
        (intent,) = self._store.rows_of_sql(self._intent_of_exit, (found[0]["id"], position_id))
        return EXIT_SIGNALS.value_of(found[0]), EXIT_INTENTS.value_of(intent)

    def any_live_exit(self, position_id: int) -> bool:
        """An intent of the position, for whatever reason, may still sell."""
        return bool(self._store.rows_of_sql(self._live_exit, (position_id,)))

    def live_exit_intents(self) -> tuple[ExitIntent, ...]:
        """Exit intents that may still sell, by id: PENDING and APPROVED are replayed, PLACED are reconciled."""
        return self._store.find(EXIT_INTENTS, EXIT_INTENTS.table.status.in_(_LIVE))

    def exit_intent(self, intent_id: int) -> ExitIntent | None:
        """The exit intent with this id."""
        found = self._store.find(EXIT_INTENTS, EXIT_INTENTS.table.id == intent_id)
        return found[0] if found else None

    def exit_signals_of_day(self, day: date) -> tuple[ExitSignal, ...]:
        """Exit signals detected on a day of India, by id."""
        return self._store.find(EXIT_SIGNALS, within_day(EXIT_SIGNALS.table.detected_at, day))

    def exit_intents_of_day(self, day: date) -> tuple[ExitIntent, ...]:
        """Exit intents made on a day of India, by id."""
        return self._store.find(EXIT_INTENTS, within_day(EXIT_INTENTS.table.created_at, day))

    def max_ids(self) -> MaxIds:
        """Where the numbering of each table goes on."""
        return MaxIds(
            signal=self._store.greatest(SIGNALS, "id"),
            delivery=self._store.greatest(SIGNAL_DELIVERIES, "id"),
            exit_signal=self._store.greatest(EXIT_SIGNALS, "id"),
            exit_intent=self._store.greatest(EXIT_INTENTS, "id"),
        )

    def max_intent_number(self, account_id: str, day: date) -> int:
        """The last number of the account's day: entries and exits share one series; 0 before the first."""
        entries, exits, signals = SIGNAL_DELIVERIES.table, EXIT_INTENTS.table, SIGNALS.table
        signals_of_day = signals.select(signals.id).where(signals.day == day.isoformat())
        is_entry = (entries.account_id == account_id) & entries.signal_id.in_(signals_of_day)
        is_exit = (exits.account_id == account_id) & within_day(exits.created_at, day)
        return max(
            self._store.greatest(SIGNAL_DELIVERIES, "intent_number", is_entry),
            self._store.greatest(EXIT_INTENTS, "intent_number", is_exit),
        )

    def _publish(self, rows: Rows[Any], row_id: int, at: datetime) -> bool:
        table = rows.table
        published = table.update(status=SignalStatus.PUBLISHED.value, published_at=us_from(at))
        is_detected = (table.id == row_id) & (table.status == SignalStatus.DETECTED.value)
        return self._store.write(published.where(is_detected)) == 1


def _same_candle_state(signal: Signal) -> Any:
    """The condition on the unique key of signals."""
    table = SIGNALS.table
    return (
        (table.index_key == signal.index_key)
        & (table.direction == signal.direction)
        & (table.confluence_type == signal.confluence_type)
        & (table.day == signal.day.isoformat())
        & (table.effective_floor_paise == signal.effective_floor_paise)
        & (table.effective_ceiling_paise == signal.effective_ceiling_paise)
        & (table.candle_at == us_from(signal.candle_at))
    )


def _is_second_live_exit(conflict: Conflict) -> bool:
    """Whether the partial unique index refused; SQLite tells by its columns, PostgreSQL by its name."""
    text = str(conflict)
    return text.endswith("UNIQUE constraint failed: exit_intents.position_id") or '"exit_intents_one_live"' in text
