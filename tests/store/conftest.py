"""A store of each kind, empty at the start of every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from scalper.store.database import Store
from tests.store.ground import TABLES


@pytest.fixture(scope="session")
def postgres_store_url(postgres_url: str) -> str:
    """Address of one database for all store tests: making one for each of them would take longer than they do."""
    connection = psycopg2.connect(postgres_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE store_tests")
    connection.close()
    return postgres_url.removesuffix("postgres") + "store_tests"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/scalper.db"
    url: str = request.getfixturevalue("postgres_store_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store of each kind."""
    store = Store.open(store_url)
    yield store
    with store.unit() as unit:
        for table in TABLES:
            store.write_sql(f"DELETE FROM {table}")
        unit.commit()
    store.close()
