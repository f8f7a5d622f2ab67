"""Rows of `positions`: written by PositionTracker alone.

Source: REQUIREMENTS 8.1, 8.3, 8.4, 14.6, 14.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from peewee import Case, fn

from scalper.domain.positions import Position, PositionStatus, Trail
from scalper.store.database import Store
from scalper.store.spans import start_us, within_day
from scalper.store.tables import CARRIED_RESULTS, POSITIONS

_OPEN = (PositionStatus.PENDING.value, PositionStatus.ACTIVE.value)


class PositionRepository:
    """Positions by id; every write needs a unit of work on the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def insert(self, position: Position) -> None:
        """Add a row.

        Raises:
            Conflict: Its id, or the trade intent it comes from, has a position already.
        """
        self._store.write(POSITIONS.insert(position, **_beside(position)))

    def save(self, position: Position) -> None:
        """Replace the whole row; the position says what holds, its trail included.

        Raises:
            Conflict: Its trade intent has another position.
        """
        row = POSITIONS.row_of(position, **_beside(position))
        self._store.write(POSITIONS.table.update(**row).where(POSITIONS.table.id == position.id))

    def save_marks(self, marks: Iterable[tuple[int, int]]) -> None:
        """Store the last P&L, in paise, of active positions by id; `updated_at` stays, since no rule sees a change."""
        table = POSITIONS.table
        for position_id, last_pnl_paise in marks:
            is_active = (table.id == position_id) & (table.status == PositionStatus.ACTIVE.value)
            self._store.write(table.update(last_pnl_paise=last_pnl_paise).where(is_active))

    def save_trail(self, position_id: int, trail: Trail, hwm_pnl_paise: int) -> None:
        """Store how an active position is protected; what the row holds higher, or locked, stays."""
        table = POSITIONS.table
        is_tighter = table.stop_paise.is_null() | (table.stop_paise < trail.stop_paise)
        changes = {
            table.stop_paise: Case(None, [(is_tighter, trail.stop_paise)], table.stop_paise),
            table.stop_source: Case(None, [(is_tighter, trail.stop_source.value)], table.stop_source),
            table.hwm_ltp_paise: _higher(table.hwm_ltp_paise, trail.hwm_ltp_paise),
            table.hwm_pnl_paise: _higher(table.hwm_pnl_paise, hwm_pnl_paise),
            table.is_breakeven_locked: fn.COALESCE(table.is_breakeven_locked, False) | trail.is_breakeven_locked,
        }
        is_active = (table.id == position_id) & (table.status == PositionStatus.ACTIVE.value)
        self._store.write(table.update(changes).where(is_active))

    def get(self, position_id: int) -> Position | None:
        """The position with this id."""
        found = self._store.find(POSITIONS, POSITIONS.table.id == position_id)
        return found[0] if found else None

    def open_positions(self) -> tuple[Position, ...]:
        """All PENDING and ACTIVE positions, whatever their day, by id."""
        return self._store.find(POSITIONS, POSITIONS.table.status.in_(_OPEN))

    def of_day(self, day: date) -> tuple[Position, ...]:
        """Positions made or exited on a day of India, and those still open, by id."""
        table = POSITIONS.table
        return self._store.find(
            POSITIONS, within_day(table.created_at, day) | within_day(table.exited_at, day) | table.status.in_(_OPEN)
        )

    def max_id(self) -> int:
        """The greatest id given so far; 0 before the first."""
        return self._store.greatest(POSITIONS, "id")

    def all_closed_net_paise(self, account_id: str, before_day: date) -> int:
        """Net result of all positions of an account exited before a day: what a paper wallet has won and lost."""
        table, carried = POSITIONS.table, CARRIED_RESULTS.table
        is_closed = (table.status == PositionStatus.EXITED.value) & (table.exited_at < start_us(before_day))
        held = table.select(fn.SUM(table.last_pnl_paise).alias("net")).where(is_closed, table.account_id == account_id)
        is_before = (carried.account_id == account_id) & (carried.before_day <= before_day.isoformat())
        gone = carried.select(fn.SUM(carried.net_paise).alias("net")).where(is_before)
        return sum(int(row["net"] or 0) for query in (held, gone) for row in self._store.rows(query))


def _beside(position: Position) -> dict[str, Any]:
    return {"instrument_key": position.instrument.key, "quantity": position.quantity}


def _higher(column: Any, value: int) -> Any:
    return Case(None, [(column >= value, column)], value)
