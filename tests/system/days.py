"""Plays every recorded day of a folder, each in a process and on a home of its own, and checks what came of it.

Run by `bin/days DIR`; ends with 0 when every day ended with 0 and has no fault.
"""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tests.system.check import faults_of, finished_day
from tests.system.harness import ended, run_arguments, started

#: Lines of an error that are shown.
SAID_LINES = 3


class PlayedDay(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one day.

    Attributes:
        net_rupees: Realised, of all positions.
        funnel: Evaluations, what was avoided and refused by reason; of days without a trade only.
        faults: What `check` has found wrong, or what the process said when it failed.
    """

    day: str
    code: int
    wall_s: float
    letters: int
    positions: int
    tags: tuple[str, ...]
    net_rupees: float
    funnel: Mapping[str, Any] | None
    faults: tuple[str, ...]


def days_of(folder: Path) -> list[Path]:
    """The recorded days below a folder, by name."""
    return sorted(bars.parent for bars in folder.glob("*/bars.parquet"))


def played(day: Path, more: Sequence[str]) -> PlayedDay:
    """Play one day as fast as may be and look at everything it left behind."""
    with tempfile.TemporaryDirectory(prefix="scalper-days-") as folder:
        home = Path(folder) / "home"
        end = ended(started(*run_arguments(day, home, "--speed", "max", *more, sets=())))
        if end.code:
            faults = tuple(end.said.splitlines()[-SAID_LINES:])
            return PlayedDay(
                day=day.name, code=end.code, wall_s=0.0, letters=0, positions=0, tags=(), net_rupees=0.0, funnel=None,
                faults=faults,
            )  # fmt: skip
        found = finished_day(home)
        positions = end.summary["positions"]
        return PlayedDay(
            day=day.name,
            code=end.code,
            wall_s=end.summary["wall_s"],
            letters=end.summary["letters"],
            positions=len(positions),
            tags=tuple(one["exit_tag"] or "" for one in positions),
            net_rupees=end.summary["realised_net_rupees"],
            funnel=None if positions else found.funnel,
            faults=tuple(faults_of(found, end.summary)),
        )


def main(arguments: Sequence[str]) -> int:
    """Play, and tell: one JSON object, or a table with the funnels of the days without a trade below it."""
    parser = ArgumentParser(prog="days", description="Plays and checks every recorded day below a folder.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of recorded days")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    asked, more = parser.parse_known_args(arguments)
    found = list(_with_progress(days_of(asked.folder), more))
    out = Console(width=None if sys.stdout.isatty() else 160)
    if asked.json:
        sys.stdout.write(json.dumps({"days": msgspec.to_builtins(found)}) + "\n")
    else:
        out.print(_table(found))
        for one in found:
            if one.funnel is not None:
                out.print(f"{one.day}: no trade; {json.dumps(one.funnel)}", soft_wrap=True)
    return int(not found or any(one.code or one.faults for one in found))


def _with_progress(days: Sequence[Path], more: Sequence[str]) -> Iterator[PlayedDay]:
    for place, day in enumerate(days, start=1):
        one = played(day, more)
        sys.stderr.write(f"{place}/{len(days)} {one.day}: exit code {one.code}, {len(one.faults)} faults\n")
        yield one


def _table(found: Sequence[PlayedDay]) -> Table:
    table = Table("day", "code", "positions", "tags", "net", "letters", "wall s", "faults")
    for one in found:
        cells = (one.positions, ", ".join(one.tags), f"{one.net_rupees:.2f}", one.letters, one.wall_s)
        table.add_row(one.day, str(one.code), *map(str, cells), "\n".join(one.faults))
    net = sum(one.net_rupees for one in found)
    table.add_row("all", "", str(sum(one.positions for one in found)), "", f"{net:.2f}", "", "", "")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
