"""A store of each kind, empty at the start of every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from scalper.store.database import Store
from tests.store.ground import TABLES


@pytest.fixture(scope="session")
def postgres_store_url(postgres_url: str) -> str:
    """Address of one database for all store tests: making one for each of them would take longer than they do."""
    return made_database(postgres_url, "store_tests")


@pytest.fixture(scope="session")
def postgres_own_url(postgres_url: str) -> str:
    """Address of one database for the tests that change the schema."""
    return made_database(postgres_url, "store_own_tests")


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest) -> str:
    """Address of a database of each kind without any table, for tests that change the schema."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/own.db"
    url: str = request.getfixturevalue("postgres_own_url")
    execute(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return url


def made_database(postgres_url: str, name: str) -> str:
    """The address of a new database."""
    execute(postgres_url, f"CREATE DATABASE {name}")
    return postgres_url.removesuffix("postgres") + name


def execute(url: str, statement: str) -> None:
    """One statement outside a transaction."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database to copy: building one waits for the disk a dozen times."""
    file = tmp_path_factory.mktemp("sqlite") / "empty.db"
    Store.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def postgres_store(postgres_store_url: str) -> Iterator[Store]:
    """One open store for all tests on PostgreSQL: a connection takes longer than a test."""
    store = Store.open(postgres_store_url)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An open, empty store of each kind."""
    if request.param == "sqlite":
        tmp_path, sqlite_file = request.getfixturevalue("tmp_path"), request.getfixturevalue("sqlite_file")
        store = Store.open(f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'scalper.db')}")
        yield store
        store.close()
        return
    store = request.getfixturevalue("postgres_store")
    yield store
    with store.unit() as unit:
        store.write_sql("; ".join(f"DELETE FROM {table}" for table in TABLES))
        unit.commit()


@pytest.fixture
def memory() -> Iterator[Store]:
    """An empty store in memory, for tables of many cases that no database decides."""
    store = Store.open("sqlite://")
    yield store
    store.close()
