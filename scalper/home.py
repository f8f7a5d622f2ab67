"""The home folder of an installation: database, message logs, and the lock that keeps a second run out."""

from __future__ import annotations

import fcntl
import os
from datetime import date
from pathlib import Path
from typing import IO

from scalper.config import Config
from scalper.errors import HomeError


class Home:
    """One home, held by this process while it is open.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def hold(cls, path: Path) -> Home:
        """Make the folder if need be and lock it.

        Raises:
            HomeError: It cannot be written, or another run holds it.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = (path / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise HomeError(f"home {path} cannot be written: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise HomeError(f"home {path} is in use by process {holder}: one run a home") from error
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        return cls(path, lock)

    def release(self) -> None:
        """Let others in; harmless twice."""
        self._lock.close()


def database_url(config: Config, home: Path) -> str:
    """The configured database, else the file in the home."""
    return config.database_url or f"sqlite:///{(home / 'scalper.db').resolve()}"


def log_folder(config: Config, home: Path, day: date) -> Path:
    """Where the message log of a day lies."""
    base = Path(config.message_log.folder) if config.message_log.folder else home / "log"
    return base / day.isoformat()
