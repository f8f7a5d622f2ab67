"""Rows of `positions`: written by PositionTracker alone.

Source: REQUIREMENTS 8.1, 8.3, 8.4, 14.6, 14.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from peewee import fn

from scalper.domain.positions import Position, PositionStatus, Trail
from scalper.store.database import Store
from scalper.store.spans import start_us, within_day
from scalper.store.tables import CARRIED_RESULTS, POSITIONS

#: `updated_at` stays: no rule sees a change.
_SAVE_MARK = "UPDATE positions SET last_pnl_paise = ? WHERE id = ? AND status = 'ACTIVE'"

#: The first value of a column is NULL, which no comparison holds for. All cases see the row as it was.
_SAVE_TRAIL = """
UPDATE positions SET
    stop_source = CASE WHEN stop_paise >= ? THEN stop_source ELSE ? END,
    stop_paise = CASE WHEN stop_paise >= ? THEN stop_paise ELSE ? END,
    hwm_ltp_paise = CASE WHEN hwm_ltp_paise >= ? THEN hwm_ltp_paise ELSE ? END,
    hwm_pnl_paise = CASE WHEN hwm_pnl_paise >= ? THEN hwm_pnl_paise ELSE ? END,
    is_breakeven_locked = CASE WHEN is_breakeven_locked THEN is_breakeven_locked ELSE ? END
WHERE id = ? AND status = 'ACTIVE'"""

_OPEN = (PositionStatus.PENDING.value, PositionStatus.ACTIVE.value)


class PositionRepository:
    """Positions by id; every write needs a unit of work on the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = POSITIONS.insert_sql(store.mark)
        self._update = POSITIONS.update_sql(store.mark)
        self._save_mark = _SAVE_MARK.replace("?", store.mark)
        self._save_trail = _SAVE_TRAIL.replace("?", store.mark)

    def insert(self, position: Position) -> None:
        """Add a row.

        Raises:
            Conflict: Its id, or the trade intent it comes from, has a position already.
        """
        self._store.write_sql(self._insert, _values_of(position))

    def save(self, position: Position) -> None:
        """Replace the whole row; the position says what holds, its trail included.

        Raises:
            Conflict: Its trade intent has another position.
        """
        self._store.write_sql(self._update, (*_values_of(position), position.id))

    def save_marks(self, marks: Iterable[tuple[int, int]]) -> None:
        """Store the last P&L, in paise, of active positions by id."""
        for position_id, last_pnl_paise in marks:
            self._store.write_sql(self._save_mark, (last_pnl_paise, position_id))

    def save_trail(self, position_id: int, trail: Trail, hwm_pnl_paise: int) -> None:
        """Store how an active position is protected; what the row holds higher, or locked, stays."""
        stop, source, hwm = trail.stop_paise, trail.stop_source.value, trail.hwm_ltp_paise
        values = (stop, source, stop, stop, hwm, hwm, hwm_pnl_paise, hwm_pnl_paise, trail.is_breakeven_locked)
        self._store.write_sql(self._save_trail, (*values, position_id))

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


def _values_of(position: Position) -> tuple[Any, ...]:
    return POSITIONS.values_of(position, instrument_key=position.instrument.key, quantity=position.quantity)
