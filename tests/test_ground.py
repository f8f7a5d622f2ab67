"""The ground the other tests stand on: throwaway servers, and commands that build their own environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg2
import pytest
import redis

from tests import servers

ROOT = Path(__file__).resolve().parents[1]


def test_what_one_database_holds_no_other_shows(postgres_url: str, postgres_database: str) -> None:
    with servers.fresh_database(postgres_url) as other:
        _query(other, "CREATE TABLE left_behind (id BIGINT PRIMARY KEY); SELECT 1")

        found = [_query(url, "SELECT to_regclass('left_behind')") for url in (postgres_database, other)]

    assert found == [(None,), ("left_behind",)]


def test_redis_is_real_and_empty(redis_database: str) -> None:
    client = redis.Redis.from_url(redis_database)

    key_count = client.dbsize()
    version = client.info("server")["redis_version"]
    client.close()

    assert key_count == 0
    assert int(version.split(".")[0]) >= 6


def test_servers_listen_on_loopback_only(postgres_url: str, redis_url: str) -> None:
    listens = _query(postgres_url, "SHOW listen_addresses")
    client = redis.Redis.from_url(redis_url)
    bound = client.config_get("bind")
    client.close()

    assert listens == ("127.0.0.1",)
    assert bound == {"bind": "127.0.0.1"}


def test_a_server_that_dies_is_reported_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_servers_user", lambda: None)
    command = ["/bin/sh", "-c", "echo the disk is full; exit 3"]

    with (
        pytest.raises(servers.ServerFailed, match="the disk is full"),
        servers.running(lambda port: command, tmp_path, lambda port: False),
    ):
        pass


def test_bundled_servers_are_used_where_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "INSTALLED_POSTGRES", Path("/nonexistent"))
    monkeypatch.setenv("PATH", "/nonexistent")

    binaries = [servers.postgres_binaries() / "postgres", servers.redis_binary()]

    assert [path.is_file() for path in binaries] == [True, True]
    assert all("site-packages" in path.parts for path in binaries)


def test_without_a_new_enough_python_scalper_says_which_it_found_and_exits_70(tmp_path: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    checkout = tmp_path / "checkout"
    (checkout / "bin").mkdir(parents=True)
    for name in ("scalper", "_env.sh"):
        (checkout / "bin" / name).write_bytes((ROOT / "bin" / name).read_bytes())
    (checkout / "requirements.lock").write_text("", encoding="utf-8")
    for tool in ("readlink", "head", "flock"):
        (tmp_path / tool).symlink_to(_which(tool))

    ended = subprocess.run(
        ["/bin/bash", checkout / "bin" / "scalper"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 70
    assert ended.stdout == ""
    assert f"needs Python 3.11 or newer; found on PATH: {tmp_path}/python3" in ended.stderr


def _query(url: str, statement: str) -> tuple[object, ...] | None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row: tuple[object, ...] | None = cursor.fetchone()
            return row
    finally:
        connection.close()


def _which(tool: str) -> str:
    return next(f"{folder}/{tool}" for folder in os.get_exec_path() if Path(folder, tool).exists())
