"""Opening, units of work, schema steps."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scalper.errors import InvariantError, StoreError
from scalper.store.database import Store
from scalper.store.migrations import Step
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from scalper.store.rows import Rows
from scalper.store.schema import STEPS
from scalper.store.tables import ALL_TABLES
from tests.builders import a_position
from tests.store.ground import TABLES, a_fill, row_count

ROOT = Path(__file__).resolve().parents[2]

NEXT_STEP = Step(2, "notes", ("CREATE TABLE notes (id {id}, text TEXT NOT NULL)",))
BROKEN_STEP = Step(2, "broken", (NEXT_STEP.statements[0], "CREATE TABLE nonsense ("))


def insert_position(store: Store, position_id: int) -> None:
    with store.unit() as unit:
        PositionRepository(store).insert(a_position(position_id))
        unit.commit()


@pytest.mark.parametrize("rows", ALL_TABLES, ids=lambda rows: rows.name)
def test_every_table_has_the_columns_of_its_struct(store: Store, rows: Rows[Any]) -> None:
    nothing_of_it = f"SELECT {rows.name}.* FROM (SELECT 1 AS one) AS single LEFT JOIN {rows.name} ON 1 = 0"

    (names,) = store.rows_of_sql(nothing_of_it)

    assert sorted(names) == sorted(rows.columns)


def test_the_tests_empty_every_table() -> None:
    assert sorted(TABLES) == sorted(rows.name for rows in ALL_TABLES)


def test_a_unit_without_commit_leaves_nothing(store: Store) -> None:
    with store.unit():
        PositionRepository(store).insert(a_position())

    assert row_count(store, "positions") == 0


def test_a_unit_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.unit() as unit:
        PositionRepository(store).insert(a_position())
        1 / 0  # noqa: B018
        unit.commit()

    assert row_count(store, "positions") == 0


def test_units_do_not_nest(store: Store) -> None:
    with store.unit(), pytest.raises(InvariantError, match="nest"), store.unit():
        pass


def test_a_unit_is_committed_once_and_takes_nothing_afterwards(store: Store) -> None:
    with store.unit() as unit:
        unit.commit()

        with pytest.raises(InvariantError, match="once"):
            unit.commit()
        with pytest.raises(InvariantError, match="unit of work"):
            PositionRepository(store).insert(a_position())


def test_a_failed_statement_spoils_its_unit(store: Store) -> None:
    repository = PositionRepository(store)
    with store.unit() as unit:
        repository.insert(a_position())
        with pytest.raises(StoreError):
            repository.insert(a_position())

        with pytest.raises(StoreError, match="nothing was committed"):
            unit.commit()

    assert row_count(store, "positions") == 0


def test_a_row_that_refers_to_nothing_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="refused a row"), store.unit():
        OrderRepository(store).add_fill(a_fill(), a_position().orders[0])


def test_other_threads_see_a_unit_only_after_its_commit(store: Store) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(row_count(store, "positions"))
        store.close_thread()

    with store.unit() as unit:
        PositionRepository(store).insert(a_position())
        in_thread(look)
        unit.commit()
    in_thread(look)

    assert seen == [0, 1]


def test_one_writer_waits_for_another(store: Store) -> None:
    def write(position_id: int) -> None:
        for number in range(10):
            insert_position(store, position_id * 100 + number)
        store.close_thread()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert row_count(store, "positions") == 30


def test_a_database_in_memory_is_shared_by_threads_and_by_nobody_else(memory: Store) -> None:
    other = Store.open("sqlite://")

    def write() -> None:
        insert_position(memory, 1)
        memory.close_thread()

    in_thread(write)
    memory.close_thread()

    assert (row_count(memory, "positions"), row_count(other, "positions")) == (1, 0)
    other.close()


def test_a_closed_store_says_so(own_url: str) -> None:
    store = Store.open(own_url)
    store.close()
    store.close()

    with pytest.raises(StoreError, match="is closed"):
        store.rows_of_sql("SELECT 1")


def test_rows_survive_closing(own_url: str) -> None:
    store = Store.open(own_url)
    insert_position(store, 7)
    store.close()

    again = Store.open(own_url)

    assert PositionRepository(again).get(7) == a_position(7)
    again.close()


def test_a_sqlite_file_is_durable_and_checks_references(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/scalper.db")

    pragmas = {name: store.rows_of_sql(f"PRAGMA {name}")[0].popitem()[1] for name in PRAGMAS}

    assert pragmas == PRAGMAS
    store.close()


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_postgresql_statement_has_a_limit(postgres_store_url: str) -> None:
    store = Store.open(postgres_store_url)

    assert store.rows_of_sql("SHOW statement_timeout") == [{"statement_timeout": "5s"}]
    store.close()


def test_a_lost_postgresql_connection_is_an_error_once(postgres_store_url: str) -> None:
    store, other = Store.open(postgres_store_url), Store.open(postgres_store_url)
    (row,) = store.rows_of_sql("SELECT pg_backend_pid() AS pid")
    other.rows_of_sql("SELECT pg_terminate_backend(%s)", (row["pid"],))

    with pytest.raises(StoreError):
        store.rows_of_sql("SELECT 1")

    assert store.rows_of_sql("SELECT 1 AS one") == [{"one": 1}]
    store.close()
    other.close()


def test_a_connection_lost_inside_a_unit_undoes_it(postgres_store_url: str) -> None:
    store, other = Store.open(postgres_store_url), Store.open(postgres_store_url)
    with pytest.raises(StoreError), store.unit() as unit:
        PositionRepository(store).insert(a_position())
        (row,) = store.rows_of_sql("SELECT pg_backend_pid() AS pid")
        other.rows_of_sql("SELECT pg_terminate_backend(%s)", (row["pid"],))
        unit.commit()

    assert row_count(store, "positions") == 0
    store.close()
    other.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "unknown kind of database 'mysql'"),
        ("sqlite:////nonexistent/folder/scalper.db", "/nonexistent/folder/scalper.db"),
        ("postgresql://scalper:secret@127.0.0.1:1/name", "PostgreSQL 127.0.0.1/name"),
    ],
)
def test_what_cannot_be_opened_is_told_by_name_and_without_a_password(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(url)

    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "scalper.db"
    file.write_text("a letter to my aunt" * 100)

    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{file}")

    assert file.read_text().startswith("a letter")


def test_steps_are_taken_once_and_keep_every_row(own_url: str) -> None:
    store = Store.open(own_url)
    insert_position(store, 7)
    store.close()

    for _ in range(2):
        store = Store.open(own_url, (*STEPS, NEXT_STEP))
        assert PositionRepository(store).get(7) == a_position(7)
        assert (row_count(store, "notes"), row_count(store, "schema_version")) == (0, 2)
        store.close()


def test_a_step_that_fails_changes_nothing(own_url: str) -> None:
    Store.open(own_url).close()

    with pytest.raises(StoreError, match="nonsense"):
        Store.open(own_url, (*STEPS, BROKEN_STEP))

    store = Store.open(own_url)
    assert (store.has_table("notes"), row_count(store, "schema_version")) == (False, 1)
    store.close()


def test_a_newer_database_is_refused(own_url: str) -> None:
    Store.open(own_url, (*STEPS, NEXT_STEP)).close()

    with pytest.raises(StoreError, match="schema version 2, this program knows up to 1"):
        Store.open(own_url)


def test_an_existing_file_is_copied_before_a_step(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/own.db"
    store = Store.open(url)
    insert_position(store, 7)
    store.close()

    Store.open(url, (*STEPS, NEXT_STEP)).close()

    with closing(sqlite3.connect(tmp_path / "own.db.v1.bak")) as copy:
        assert copy.execute("SELECT id FROM positions").fetchall() == [(7,)]
        assert copy.execute("SELECT MAX(version) FROM schema_version").fetchall() == [(1,)]


def test_a_new_file_needs_no_copy(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/own.db").close()

    assert not list(tmp_path.glob("*.bak"))


def test_two_that_open_at_once_take_each_step_once(own_url: str) -> None:
    opened: list[int] = []

    def open_one() -> None:
        store = Store.open(own_url)
        opened.append(row_count(store, "schema_version"))
        store.close()

    threads = [threading.Thread(target=open_one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert opened == [1, 1, 1]


@pytest.mark.parametrize(("commit", "count"), [("", 0), ("unit.commit(); ", 1)], ids=["before", "after"])
def test_a_process_that_dies_in_a_unit_leaves_what_was_committed(own_url: str, commit: str, count: int) -> None:
    Store.open(own_url).close()
    program = f"""
import os
from scalper.store.database import Store
from scalper.store.positions import PositionRepository
from tests.builders import a_position
store = Store.open({own_url!r})
with store.unit() as unit:
    PositionRepository(store).insert(a_position()); {commit}os._exit(9)
"""

    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)

    store = Store.open(own_url)
    assert (died.returncode, row_count(store, "positions")) == (9, count)
    store.close()


def in_thread(work: object) -> None:
    assert callable(work)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
