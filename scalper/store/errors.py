"""What a database can say no with, below `StoreError`."""

from __future__ import annotations

from scalper.errors import StoreError


class Conflict(StoreError):
    """A unique key, a foreign key or a check refused the row; the unit it was in can no longer be committed."""


class LiveExitExists(Conflict):
    """The position already has an exit intent that may still sell: nothing was written."""
