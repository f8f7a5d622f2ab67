"""The port through which a whole day of market reaches the tree: recorded, taped or generated."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from scalper.domain.instruments import Instrument
from scalper.domain.quotes import Candle, Tick


class Market(Protocol):
    """One trading day that can be played, asked and played again: every answer is a pure function of its inputs.

    Attributes:
        kind: `builtin` or `tape`.
        name: What the trader calls it: the folder's or file's name, or `builtin`.
        day: The trading day.
        seed: Seed of everything that is made up (tick paths, spreads, the built-in day).
        instruments: Indices first, then contracts, in a stable order.
        opens_at: Start of the first minute with ticks.
        closes_at: End (exclusive) of the last minute with ticks.
        warnings: One clear line per kind of row that was skipped or mended.
    """

    kind: str
    name: str
    day: date
    seed: int
    instruments: tuple[Instrument, ...]
    opens_at: datetime
    closes_at: datetime
    warnings: tuple[str, ...]

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        """All ticks of the minute that starts at `minute`, by `at_us`; a function of (seed, minute) alone."""

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        """One-minute candles of the previous session of an index, ascending; empty where there is none."""

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        """Today's one-minute candles of `key` that are closed at `until`, ascending."""

    def quote(self, key: str, at: datetime) -> Tick | None:
        """The last tick of `key` at or before `at`; None when there is none yet, or the key is unknown."""

    def close(self) -> None:
        """Release files; harmless twice."""
