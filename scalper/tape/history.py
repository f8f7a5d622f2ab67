"""The candles with which a recorded day is warmed up: those of the same index on an earlier recorded day."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from scalper.domain.instruments import Instrument
from scalper.domain.quotes import Candle
from scalper.errors import InputError
from scalper.tape.bars import candles_of, read_bars

_DAY_FOLDER = re.compile(r"(?P<underlying>[A-Z0-9]+)-(?P<day>\d{4}-\d{2}-\d{2})")


def day_of(folder: Path, underlying: str) -> date | None:
    """The day that a folder `<UNDERLYING>-<YYYY-MM-DD>` states; None when it is named otherwise."""
    match = _DAY_FOLDER.fullmatch(folder.name)
    if match is None or match["underlying"] != underlying:
        return None
    try:
        return date.fromisoformat(match["day"])
    except ValueError:
        return None


def previous_day(parent: Path, underlying: str, day: date) -> Path | None:
    """The latest recorded day of an underlying before `day` in a folder of recorded days; None without one."""
    stated = ((day_of(folder, underlying), folder) for folder in parent.iterdir() if (folder / "bars.parquet").exists())
    earlier = [(found, folder) for found, folder in stated if found is not None and found < day]
    return max(earlier)[1] if earlier else None


def stated_history(history: Path, underlying: str, day: date) -> Path:
    """The recorded day that the trader names: a recorded day, or a folder of them.

    Raises:
        InputError: There is no earlier recorded day of the underlying.
    """
    if not history.is_dir():
        raise InputError(f"{history}: no such folder; expected a recorded day of {underlying}, or a folder of them")
    stated = day_of(history, underlying)
    if stated is not None and stated < day:
        return history
    found = previous_day(history, underlying, day)
    if found is None:
        raise InputError(f"{history}: expected a recorded day {underlying}-YYYY-MM-DD before {day}, found none")
    return found


def index_candles(folder: Path, index: Instrument) -> tuple[tuple[Candle, ...], tuple[str, ...]]:
    """The candles of an index on a recorded day, and what was wrong with them.

    Raises:
        InputError: The bars cannot be read, or hold none of the index.
    """
    found = read_bars(folder / "bars.parquet", (index,), is_partial=True)
    return candles_of(found.bars, 0), tuple(f"{folder.name}/{line}" for line in found.warnings)
