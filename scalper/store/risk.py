"""Starting balances and circuit trips: written by RiskManager alone.

Source: REQUIREMENTS 15.1, 15.2.
"""

from __future__ import annotations

from datetime import date

from scalper.store.database import Store
from scalper.store.records import CircuitTrip, StartingBalance
from scalper.store.tables import CIRCUIT_EVENTS, DAILY_BALANCES


class RiskRepository:
    """What the day's limits are measured against, and when they were reached."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def starting_balance(self, account_id: str, day: date) -> StartingBalance | None:
        """What the account had when the day began; None until it has been captured."""
        table = DAILY_BALANCES.table
        found = self._store.find(DAILY_BALANCES, (table.account_id == account_id) & (table.day == day.isoformat()))
        return found[0] if found else None

    def keep_starting_balance(self, balance: StartingBalance) -> StartingBalance:
        """Store the balance unless the account's day has one; gives the one that holds."""
        self._store.write(DAILY_BALANCES.insert(balance).on_conflict_ignore())
        (kept,) = self._store.find(
            DAILY_BALANCES,
            (DAILY_BALANCES.table.account_id == balance.account_id)
            & (DAILY_BALANCES.table.day == balance.day.isoformat()),
        )
        return kept

    def trip(self, trip: CircuitTrip) -> bool:
        """Store that a limit was reached; False when the account's day has a trip for this reason."""
        return self._store.write(CIRCUIT_EVENTS.insert(trip).on_conflict_ignore()) == 1

    def trips_of_day(self, account_id: str, day: date) -> tuple[CircuitTrip, ...]:
        """All trips of an account's day, oldest first."""
        table = CIRCUIT_EVENTS.table
        return self._store.find(CIRCUIT_EVENTS, (table.account_id == account_id) & (table.day == day.isoformat()))

    def last_trip(self, account_id: str) -> CircuitTrip | None:
        """The account's newest trip, of whatever day and reason."""
        found = self._store.find(CIRCUIT_EVENTS, CIRCUIT_EVENTS.table.account_id == account_id)
        return found[-1] if found else None
