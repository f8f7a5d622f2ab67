"""Runs the whole program the way a trader does, on small days of our own making."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.quotes import Candle
from scalper.domain.times import ist_from_us
from scalper.markets import builtin_market
from scalper.reference import shipped_calendar
from scalper.runtime.message_log import LogReader
from tests.tape.recordings import Row, write_day

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
#: No run here takes half of it; one that does hangs.
RUN_S_MAX = 60.0
#: A run at a multiple of the clock mostly waits; more than this on two cores would wait for each other.
RUNS_AT_ONCE = 4
#: What a short day is run with: a purse and limits that let it buy again after a loss.
SHORT_DAY_SETS = (
    "paper.balance=1000000",
    "risk.daily_limits.enable=false",
    "trade_limits.global_max_trades_per_day=null",
    "indices.NIFTY.trade_limits.max_trades_per_day=null",
)


class Ended(msgspec.Struct, frozen=True):
    """A process that has ended.

    Attributes:
        code: Exit code; of one that a signal ended, minus the signal.
        summary: The JSON object on stdout; empty when there was none.
        said: Everything on stderr.
    """

    code: int
    summary: dict[str, Any]
    said: str


def started(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `scalper` as a process of its own, with these variables and nothing of this machine's settings."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), **(variables or {})}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "scalper.cli", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a process; one that hangs is ended and fails the test."""
    try:
        out, said = process.communicate(timeout=RUN_S_MAX)
    finally:
        process.kill()
    return Ended(process.returncode, json.loads(out) if out.strip() else {}, said)


def at_once(runs: Sequence[Callable[[], T]], workers: int = RUNS_AT_ONCE) -> list[T]:
    """The results of some runs in their order, several of them at a time."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda run: run(), runs))


def run_arguments(day: Path, home: Path, *more: str, sets: Iterable[str] = SHORT_DAY_SETS) -> tuple[str, ...]:
    """The command line of one run of a recorded day that ends with a JSON summary."""
    told = [word for each in sets for word in ("--set", each)]
    return ("run", "--day", str(day), "--home", str(home), "--json", *told, *more)


def log_folder(home: Path) -> Path:
    """The folder of the message log of a home that has one day."""
    (folder,) = (each for each in (home / "log").iterdir() if each.is_dir())
    return folder


def log_of(home: Path) -> dict[str, bytes]:
    """Every file of the message log and tape of a home that has one day, by name."""
    return {file.name: file.read_bytes() for file in sorted(log_folder(home).iterdir())}


def notes_of(home: Path, note: str) -> list[str]:
    """The actors that a kind of note in the log of a home names, in its order."""
    return [line.actor for line in LogReader(log_folder(home)) if line.note == note]


def write_short_day(parent: Path, seed: int, minutes: int, *, underlying: str = "NIFTY") -> Path:
    """Record the first minutes of a generated day of one index, and the day before it to warm up with.

    The rows are those of the built-in market's candles, so direction is found in it as in a whole day; the ladder of
    the session moves ahead of its last bar, as of any short recording.
    """
    market = builtin_market(seed, shipped_calendar())
    ours = [one for one in market.instruments if one.underlying == underlying]
    index = ours[0]
    until = market.opens_at + timedelta(minutes=minutes)
    before = market.warm_up(index.key)
    eve = ist_from_us(before[0].start_us).date()
    _write(parent, underlying, eve, (index,), _rows(index, before))
    rows = [row for one in ours for row in _rows(one, market.candles(one.key, until))]
    return _write(parent, underlying, market.day, ours, sorted(rows, key=lambda row: row["ts"]))


def _write(parent: Path, underlying: str, day: date, ours: Sequence[Instrument], rows: Iterable[Row]) -> Path:
    return write_day(parent, rows, [_master_row(one) for one in ours], name=f"{underlying}-{day}")


def _rows(one: Instrument, candles: Iterable[Candle]) -> list[Row]:
    return [_row(one, each) for each in candles]


def _row(one: Instrument, candle: Candle) -> Row:
    starts: datetime = ist_from_us(candle.start_us)
    return {
        "ts": starts,
        "segment": one.segment,
        "security_id": one.security_id,
        "open": candle.open_paise / 100,
        "high": candle.high_paise / 100,
        "low": candle.low_paise / 100,
        "close": candle.close_paise / 100,
        "volume": candle.volume,
        "oi": 0,
    }


def _master_row(one: Instrument) -> str:
    exchange = "BSE" if one.underlying == "SENSEX" else "NSE"
    if one.kind is InstrumentKind.INDEX:
        return f"{exchange},I,{one.security_id},INDEX,{one.underlying},{one.symbol},1.0,0001-01-01,,XX,0.0500,N,0,"
    strike = (one.strike_paise or 0) / 100
    flag = "M" if one.is_monthly else "W"
    return (
        f"{exchange},D,{one.security_id},OPTIDX,{one.underlying},{one.symbol},{one.lot_size}.0,{one.expiry},"
        f"{strike:.5f},{one.option_type},{one.tick_size_paise}.0000,{flag},{one.freeze_quantity},"
    )
