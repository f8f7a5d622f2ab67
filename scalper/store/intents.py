"""Trade intents with the ledger of their gates: written by EntryGuard alone.

Source: REQUIREMENTS 12.1, 14.1, 14.2, 14.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from scalper.domain.signals import GateResult, IntentStatus, TradeIntent
from scalper.store.database import Store
from scalper.store.moves import move_intent
from scalper.store.spans import within_day
from scalper.store.tables import GATE_RESULTS, TRADE_INTENTS


class IntentRepository:
    """Trade intents by id; each is read with its gates, in the order in which they were asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def insert(self, intent: TradeIntent) -> None:
        """Add an intent and the verdict of every gate.

        Raises:
            Conflict: This leg of the delivery has an intent already.
        """
        self._store.write(TRADE_INTENTS.insert(intent))
        self._store.write_all(
            GATE_RESULTS.insert(gate, intent_id=intent.id, place=place) for place, gate in enumerate(intent.gates)
        )

    def move(
        self, intent_id: int, expected: Iterable[IntentStatus], to: IntentStatus, at: datetime, *, reason: str = ""
    ) -> bool:
        """Move an intent that is in one of the expected statuses; a reason is kept when given.

        Raises:
            TransitionError: From an expected status there is no such step.
        """
        changes = {"reason": reason} if reason else {}
        return move_intent(self._store, TRADE_INTENTS, intent_id, expected, to, at, changes)

    def get(self, intent_id: int) -> TradeIntent | None:
        """The intent with this id."""
        found = intents_where(self._store, TRADE_INTENTS.table.id == intent_id)
        return found[0] if found else None

    def by_delivery(self, delivery_id: int) -> tuple[TradeIntent, ...]:
        """The intents of one delivery, by id: one a leg."""
        return intents_where(self._store, TRADE_INTENTS.table.delivery_id == delivery_id)

    def approved_unplaced(self) -> tuple[TradeIntent, ...]:
        """Intents that are APPROVED and not yet known to be PLACED, by id."""
        return intents_where(self._store, TRADE_INTENTS.table.status == IntentStatus.APPROVED.value)

    def placed(self) -> tuple[TradeIntent, ...]:
        """Intents that are PLACED: to be reconciled after a restart, by id."""
        return intents_where(self._store, TRADE_INTENTS.table.status == IntentStatus.PLACED.value)

    def of_day(self, day: date) -> tuple[TradeIntent, ...]:
        """Intents decided on a day of India, by id."""
        return intents_where(self._store, within_day(TRADE_INTENTS.table.created_at, day))

    def max_id(self) -> int:
        """The greatest id given so far; 0 before the first."""
        return self._store.greatest(TRADE_INTENTS, "id")


def intents_where(store: Store, condition: Any) -> tuple[TradeIntent, ...]:
    """The intents that meet a condition on their table, each with its gates, by id."""
    table = TRADE_INTENTS.table
    gates: defaultdict[int, list[GateResult]] = defaultdict(list)
    of_these = GATE_RESULTS.table.intent_id.in_(table.select(table.id).where(condition))
    for row in store.rows(GATE_RESULTS.select(of_these)):
        gates[row["intent_id"]].append(GATE_RESULTS.value_of(row))
    rows = store.rows(TRADE_INTENTS.select(condition))
    return tuple(TRADE_INTENTS.value_of(row, gates=tuple(gates[row["id"]])) for row in rows)
