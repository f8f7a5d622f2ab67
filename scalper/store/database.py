"""The database: one connection a thread, units of work, errors of ours.

SQLite by default, PostgreSQL by URL. A repository reads at any time and writes only inside `Store.unit`, which
begins a transaction on the thread that enters it; leaving it without `commit` leaves nothing behind, so an event
that is published after the commit is never about a row that is not there.

Source: REQUIREMENTS 14 (persist first, emit second), 17.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee

from scalper.errors import InvariantError, StoreError
from scalper.store.errors import Conflict
from scalper.store.migrations import Step, bring_up
from scalper.store.rows import Rows, S
from scalper.store.schema import STEPS

#: How long a writer waits for another one, and PostgreSQL for any statement, before it is an error.
WAIT_MS_MAX = 5_000

#: How long one who was turned away while opening waits before he tries again.
_OPEN_AGAIN_MS = 20

#: FULL: a committed row survives the loss of power, not only of the process.
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": WAIT_MS_MAX}

#: Two processes that open one PostgreSQL database take its steps one after the other; the number is arbitrary.
_SCHEMA_LOCK = 7_225_713

_memory_numbers = itertools.count(1)


class UnitOfWork:
    """One transaction of one thread, from `Store.unit`; over after `commit`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_over = False
        #: The first error in it: after one, PostgreSQL takes no further statement, so SQLite shall not either.
        self.failure: StoreError | None = None

    def commit(self) -> None:
        """Make everything written in the unit durable; from here on events may tell of it.

        Raises:
            StoreError: The database did not confirm, or a statement of the unit had failed.
            InvariantError: The unit is over.
        """
        if self.is_over:
            raise InvariantError("a unit of work is committed once: this one is over")
        if self.failure is not None:
            raise StoreError(f"nothing was committed, a statement had failed: {self.failure}") from self.failure
        self._store.write_sql("COMMIT")
        self.is_over = True


class Store:
    """An open database, shared by all threads; each has a connection of its own.

    Attributes:
        name: Of the database, for people, without a password.
        mark: Placeholder of a parameter in SQL written by hand.
        id_type: Column type of a number that is a primary key.
    """

    def __init__(self, database: Any, name: str, *, path: Path | None, anchor: sqlite3.Connection | None) -> None:
        """Use `Store.open`; this one neither connects nor checks the schema."""
        self._database = database
        self._is_sqlite = isinstance(database, peewee.SqliteDatabase)
        self._path = path
        self._anchor = anchor
        self._threads = threading.local()
        # SQLite takes one writer at a time and lets others poll for their turn in steps of milliseconds: within this
        # process they queue here instead.
        self._turn = threading.Lock()
        self._connections: dict[int, Any] = {}
        self._is_closed = False
        self.name = name
        self.mark: str = database.param
        self.id_type = f"{'INTEGER' if self._is_sqlite else 'BIGINT'} PRIMARY KEY"

    @classmethod
    def open(cls, url: str, steps: tuple[Step, ...] = STEPS) -> Store:
        """Connect, and bring the schema up to date.

        Args:
            url: `sqlite:///relative/file`, `sqlite:////absolute/file`, `sqlite://` for one in memory that lives as
                long as the store, or `postgresql://user@host/database`.
            steps: Of the schema, oldest first.

        Raises:
            StoreError: Unknown kind of URL, unreachable, no database of ours, or newer than this program.
        """
        kind = urlsplit(url).scheme
        if kind == "sqlite":
            store = _open_sqlite(cls, url.removeprefix("sqlite://").removeprefix("/"))
        elif kind in ("postgresql", "postgres"):
            store = _open_postgres(cls, url)
        else:
            raise StoreError(f"unknown kind of database {kind!r}: expected sqlite:///file or postgresql://host/name")
        try:
            store._settle(steps)
        except StoreError:
            store.close()
            raise
        return store

    def _settle(self, steps: tuple[Step, ...]) -> None:
        """Bring the schema up; where others open a new file at the same moment, after them.

        While a new SQLite file becomes one with a write-ahead log, SQLite turns others away at once instead of
        letting them wait.
        """
        pause = threading.Event()
        for _ in range(WAIT_MS_MAX // _OPEN_AGAIN_MS):
            try:
                bring_up(self, steps)
            except StoreError as error:
                if not self._is_sqlite or "database is locked" not in str(error):
                    raise
                pause.wait(_OPEN_AGAIN_MS / 1000)
            else:
                return
        bring_up(self, steps)

    @contextmanager
    def unit(self) -> Iterator[UnitOfWork]:
        """Begin a transaction on this thread; what is not committed inside is undone at the end.

        Raises:
            InvariantError: This thread is in a unit already.
            StoreError: The database cannot begin one, or another writer held it for too long.
        """
        if self._unit is not None:
            raise InvariantError("units of work do not nest: this thread is in one already")
        with self._turn_to_write():
            self._execute("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN", ())
            unit = UnitOfWork(self)
            self._threads.unit = unit
            try:
                yield unit
            finally:
                self._threads.unit = None
                if not unit.is_over:
                    unit.is_over = True
                    self._roll_back()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """Wait for this process's other writers; PostgreSQL lets writers of different rows go on beside each other."""
        if not self._is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=WAIT_MS_MAX / 1000):
            raise StoreError(f"{self.name}: another writer held the database for more than {WAIT_MS_MAX} ms")
        try:
            yield
        finally:
            self._turn.release()

    def find(self, rows: Rows[S], condition: Any = None) -> tuple[S, ...]:
        """The values of a table that meet a condition, in the order of the table; all of them for None."""
        return tuple(rows.value_of(row) for row in self.rows(rows.select(condition)))

    def greatest(self, rows: Rows[Any], column: str, condition: Any = None) -> int:
        """The greatest number in a column among the rows that meet a condition; 0 when there is none."""
        query = rows.table.select(peewee.fn.MAX(getattr(rows.table, column)).alias("greatest"))
        (row,) = self.rows(query if condition is None else query.where(condition))
        return int(row["greatest"] or 0)

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a query, by column name; inside a unit or not."""
        return self.rows_of_sql(*self._compiled(query))

    def rows_of_sql(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of a statement, by column name."""
        cursor = self._execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def write(self, query: Any) -> int:
        """Run a query that changes rows; gives how many it changed."""
        return self.write_sql(*self._compiled(query))

    def write_sql(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement that changes rows; gives how many it changed.

        Raises:
            InvariantError: No unit of work is open on this thread.
            Conflict: A key, a reference or a check refused a row.
            StoreError: The database could not.
        """
        unit = self._unit
        if unit is None or unit.is_over:
            raise InvariantError("a write needs a unit of work, and none is open on this thread")
        try:
            changed: int = self._execute(sql, values).rowcount
        except StoreError as failure:
            unit.failure = unit.failure or failure
            raise
        return changed

    def write_all(self, queries: Iterable[Any]) -> None:
        """Run several queries that change rows."""
        for query in queries:
            self.write(query)

    def has_table(self, table: str) -> bool:
        """True when the table exists."""
        catalogue = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not self._is_sqlite:
            catalogue = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = %s"
        return bool(self.rows_of_sql(catalogue, (table,)))

    def lock_schema(self) -> None:
        """Inside a unit: keep other processes from taking schema steps; a unit on SQLite does by itself."""
        if not self._is_sqlite:
            self._execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))

    def back_up(self, label: str) -> None:
        """Copy a SQLite file to `<file>.<label>.bak`, complete or not at all; PostgreSQL is backed up by its keeper.

        Raises:
            StoreError: The copy could not be written.
        """
        if self._path is None:
            return
        copy = self._path.with_name(f"{self._path.name}.{label}.bak")
        partial = copy.with_suffix(".partial")
        try:
            with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(partial)) as target:
                source.backup(target)
            partial.replace(copy)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.name} could not be copied to {copy} before its schema changes: {error}") from error

    def close_thread(self) -> None:
        """Close this thread's connection, as a dying actor does; harmless twice."""
        self._connections.pop(threading.get_ident(), None)
        self._drop_connection()

    def close(self) -> None:
        """Close every thread's connection; to be called when no thread works with the store any more."""
        self._is_closed = True
        self.close_thread()
        for connection in (*self._connections.values(), self._anchor):
            if connection is not None:
                connection.close()
        self._connections.clear()
        self._anchor = None

    @property
    def _unit(self) -> UnitOfWork | None:
        unit: UnitOfWork | None = getattr(self._threads, "unit", None)
        return unit

    def _compiled(self, query: Any) -> tuple[str, Sequence[Any]]:
        sql, values = self._database.get_sql_context().sql(query).query()
        return sql, values

    def _execute(self, sql: str, values: Sequence[Any]) -> Any:
        try:
            if self._database.is_closed():
                self._connect()
            return self._database.execute_sql(sql, values)
        except peewee.IntegrityError as error:
            raise Conflict(f"{self.name} refused a row: {error}") from error
        except peewee.PeeweeException as error:
            if self._unit is None:
                self._drop_connection()
            raise StoreError(f"{self.name} failed: {error} (statement: {sql[:200]})") from error

    def _connect(self) -> None:
        if self._is_closed:
            raise StoreError(f"{self.name} is closed")
        self._database.connect()
        self._connections[threading.get_ident()] = self._database.connection()

    def _roll_back(self) -> None:
        """Undo; a connection that cannot even do that is dropped, which undoes as well."""
        try:
            self._database.execute_sql("ROLLBACK")
        except peewee.PeeweeException:
            self._drop_connection()

    def _drop_connection(self) -> None:
        """Leave this thread without a connection: the next statement makes a new one."""
        try:
            self._database.close()
        except peewee.PeeweeException:
            self._database.dispose()


def _open_sqlite(cls: type[Store], file: str) -> Store:
    """A file, or a database in memory that several threads share: the anchor keeps it alive between them."""
    options: dict[str, Any] = {"timeout": WAIT_MS_MAX / 1000, "check_same_thread": False}
    if file:
        path = Path(file)
        database = peewee.SqliteDatabase(str(path), _SQLITE_PRAGMAS, **options)
        return cls(database, f"SQLite {path}", path=path, anchor=None)
    address = f"file:/scalper-{next(_memory_numbers)}?vfs=memdb"
    anchor = sqlite3.connect(address, uri=True, check_same_thread=False)
    pragmas = {name: value for name, value in _SQLITE_PRAGMAS.items() if name != "journal_mode"}
    database = peewee.SqliteDatabase(address, pragmas, uri=True, **options)
    return cls(database, "SQLite in memory", path=None, anchor=anchor)


def _open_postgres(cls: type[Store], url: str) -> Store:
    """Every wait has an end: for a connection, for a statement, for a peer that has silently gone."""
    parts = urlsplit(url)
    database = peewee.PostgresqlDatabase(
        url,
        connect_timeout=WAIT_MS_MAX // 1000,
        tcp_user_timeout=WAIT_MS_MAX,
        options=f"-c statement_timeout={WAIT_MS_MAX}",
        application_name="scalper",
    )
    return cls(database, f"PostgreSQL {parts.hostname}{parts.path}", path=None, anchor=None)
