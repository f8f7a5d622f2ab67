"""Days, accounts and settings: written by the application itself.

Source: REQUIREMENTS 14.7, 17.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from peewee import Case

from scalper.domain.times import ist_from_us, us_from
from scalper.store.database import Store
from scalper.store.records import Account, Day, DayState, Setting
from scalper.store.rows import Rows
from scalper.store.spans import within_day
from scalper.store.tables import (
    ACCOUNTS,
    CIRCUIT_EVENTS,
    DAILY_BALANCES,
    DAYS,
    EXIT_INTENTS,
    EXIT_SIGNALS,
    FILLS,
    ORDERS,
    POSITIONS,
    SETTINGS,
    SIGNAL_DELIVERIES,
    SIGNALS,
    TRADE_INTENTS,
)

#: Every column that says when something happened during a day; a mark of the day itself is one of them.
_TIMES: tuple[tuple[Rows[Any], tuple[str, ...]], ...] = (
    (DAYS, ("last_at",)),
    (DAILY_BALANCES, ("captured_at",)),
    (CIRCUIT_EVENTS, ("at",)),
    (SIGNALS, ("created_at", "published_at")),
    (SIGNAL_DELIVERIES, ("created_at", "consumed_at")),
    (TRADE_INTENTS, ("created_at", "updated_at")),
    (EXIT_SIGNALS, ("detected_at", "published_at")),
    (EXIT_INTENTS, ("created_at", "updated_at")),
    (ORDERS, ("created_at", "updated_at")),
    (FILLS, ("at",)),
    (POSITIONS, ("created_at", "updated_at")),
)


class DayRepository:
    """Which days this database has seen, for which accounts, and how far it got."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_day(self, day: Day) -> Day:
        """Begin a day, or count one more start of it; gives the row that holds.

        A day that is there keeps its market, seed and configuration: the caller compares them with its own.
        """
        table = DAYS.table
        if self._store.write(DAYS.insert(day).on_conflict_ignore()) == 0:
            again = table.update({table.started_count: table.started_count + 1, table.state: DayState.RUNNING.value})
            self._store.write(again.where(table.day == day.day.isoformat()))
            self.mark(day.day, day.last_at)
        (kept,) = self._store.find(DAYS, table.day == day.day.isoformat())
        return kept

    def mark(self, day: date, at: datetime) -> None:
        """Remember that the day has come this far; an earlier time changes nothing."""
        table = DAYS.table
        later = Case(None, [(table.last_at >= us_from(at), table.last_at)], us_from(at))
        self._store.write(table.update({table.last_at: later}).where(table.day == day.isoformat()))

    def finish_day(self, day: date, summary: str, at: datetime) -> None:
        """Store the summary, JSON text, of a day that is over."""
        table = DAYS.table
        finished = table.update(state=DayState.FINISHED.value, summary=summary)
        self._store.write(finished.where(table.day == day.isoformat()))
        self.mark(day, at)

    def get(self, day: date) -> Day | None:
        """The day, or None when it was never opened."""
        found = self._store.find(DAYS, DAYS.table.day == day.isoformat())
        return found[0] if found else None

    def days(self) -> tuple[Day, ...]:
        """All days, oldest first."""
        return self._store.find(DAYS)

    def last_at(self, day: date) -> datetime | None:
        """The newest time on a day of India that any table holds, from which a resumed day goes on."""
        newest = max(
            self._store.greatest(rows, column, within_day(getattr(rows.table, column), day))
            for rows, columns in _TIMES
            for column in columns
        )
        return ist_from_us(newest) if newest else None

    def put_account(self, account: Account) -> None:
        """Add an account, or replace what is known of it."""
        changes = ACCOUNTS.row_of(account)
        replaced = self._store.write(ACCOUNTS.table.update(**changes).where(ACCOUNTS.table.id == account.id))
        if not replaced:
            self._store.write(ACCOUNTS.insert(account))

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, by id."""
        return self._store.find(ACCOUNTS)

    def put_setting(self, setting: Setting) -> None:
        """Add a setting, or replace its value."""
        replaced = self._store.write(
            SETTINGS.table.update(value=setting.value).where(SETTINGS.table.key == setting.key)
        )
        if not replaced:
            self._store.write(SETTINGS.insert(setting))

    def setting(self, key: str) -> str | None:
        """The value of a setting."""
        found = self._store.find(SETTINGS, SETTINGS.table.key == key)
        return found[0].value if found else None
