"""Numbered steps and the table that remembers which were taken; no step ever loses data.

All missing steps are taken in one transaction when the database is opened. An existing SQLite file is copied beside
itself first. A database that has seen a step this program does not know is refused, never touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scalper.errors import StoreError

if TYPE_CHECKING:
    from scalper.store.database import Store


class Step(msgspec.Struct, frozen=True):
    """One change of the schema: its number, from 1 without gaps, a name for people, and its statements."""

    number: int
    name: str
    statements: tuple[str, ...]


def bring_up(store: Store, steps: tuple[Step, ...]) -> None:
    """Take the steps that the database has not taken yet.

    Raises:
        StoreError: The database is newer than this program, or a step failed; then nothing has changed.
    """
    newest = steps[-1].number
    if _version(store, newest) == newest:
        return
    with store.unit() as unit:
        store.lock_schema()
        version = _version(store, newest)
        if version:
            store.back_up(f"v{version}")
        for step in steps[version:]:
            _take(store, step)
        unit.commit()


def _version(store: Store, newest: int) -> int:
    """The number of the last step taken; 0 of an empty database."""
    if not store.has_table("schema_version"):
        return 0
    found = store.rows_of_sql("SELECT MAX(version) AS version FROM schema_version")[0]["version"]
    version = int(found or 0)
    if version > newest:
        raise StoreError(
            f"{store.name} has schema version {version}, this program knows up to {newest}: "
            "start the newer program that wrote it, or restore an older copy"
        )
    return version


def _take(store: Store, step: Step) -> None:
    if step.number == 1:
        store.write_sql("CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)")
    for statement in step.statements:
        store.write_sql(statement.replace("{id}", store.id_type))
    mark = store.mark
    store.write_sql(f"INSERT INTO schema_version (version, name) VALUES ({mark}, {mark})", (step.number, step.name))
