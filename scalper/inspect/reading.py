"""Opens a home for reading, and finds the day that is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec

from scalper.config import Config
from scalper.errors import InputError, UsageError
from scalper.home import database_url, log_folder
from scalper.store.database import Store
from scalper.store.days import DayRepository
from scalper.store.records import Day


class Reading(msgspec.Struct, frozen=True):
    """A home that is open for reading.

    Attributes:
        home: Its folder.
    """

    config: Config
    home: Path
    store: Store

    def day(self, wanted: date | None) -> Day:
        """The day that was asked for, or the latest one.

        Raises:
            UsageError: The home has no such day.
            InputError: The home has no day at all.
        """
        days = DayRepository(self.store).days()
        if not days:
            raise InputError(f"{self.store.name} holds no day yet: expected one; bin/scalper run plays one")
        if wanted is None:
            return days[-1]
        found = [day for day in days if day.day == wanted]
        if not found:
            known = ", ".join(day.day.isoformat() for day in days)
            raise UsageError(f"--day {wanted}: not in {self.store.name}, expected one of {known}")
        return found[0]

    def log_of(self, day: date) -> Path:
        """The folder of a day's message log and tape."""
        return log_folder(self.config, self.home, day)


@contextmanager
def reading(config: Config, home: Path) -> Iterator[Reading]:
    """Open a home, also one that a run is using at this moment.

    Raises:
        InputError: There is nothing to read.
        StoreError: The database cannot be used.
    """
    if config.database_url is None and not (home / "scalper.db").is_file():
        raise InputError(f"nothing to read in home {home}: expected scalper.db; bin/scalper run makes one")
    store = Store.open(database_url(config, home))
    try:
        yield Reading(config, home, store)
    finally:
        store.close()
