"""`bin/bench [NAME ...] [--day DIR] [--repeat N] [--json]`: measures, and judges only against stated goals."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from bench.figures import Figure, Range, encoded, ranges_of

NAMES = ("start", "stepper", "exit_latency", "pulse", "day")
#: One go of the longest benchmark on one day, on a slow machine.
GO_S_MAX = 900


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one benchmark came to on this machine."""

    bench: str
    cores: int
    python: str
    repeats: int
    figures: list[Range]


def main() -> int:
    asked = _asked()
    days = [day for folder in asked.day for day in days_in(folder)]
    for name in asked.names or NAMES:
        goes = [_go(name, days) for _ in range(asked.repeat)]
        report = Report(
            bench=name,
            cores=os.cpu_count() or 1,
            python=platform.python_version(),
            repeats=asked.repeat,
            figures=ranges_of(goes),
        )
        print(encoded(report) if asked.json else _table(report), flush=True)
    return 0


def days_in(folder: Path) -> list[Path]:
    """The folder itself when it is a recorded day, else every recorded day in it."""
    if (folder / "bars.parquet").exists():
        return [folder]
    return sorted(path.parent for path in folder.glob("*/bars.parquet"))


def _asked() -> Namespace:
    parser = ArgumentParser(
        prog="bin/bench", description="Measure speed and memory; bench/README.md reads the figures."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--day", type=Path, action="append", default=[], metavar="DIR", help="recorded day, or days")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="goes at each benchmark (default: 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in NAMES:
            parser.error(f"{name}: expected one of {', '.join(NAMES)}")
    if asked.repeat < 1:
        parser.error(f"--repeat {asked.repeat}: expected at least 1")
    for folder in asked.day:
        if not days_in(folder):
            parser.error(f"--day {folder}: no bars.parquet in it, nor in a folder of it")
    return asked


def _go(name: str, days: list[Path]) -> list[Figure]:
    command = [sys.executable, "-P", "-m", "bench.once", name, *map(str, days)]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=GO_S_MAX * max(1, len(days)))
    return msgspec.json.decode(told.stdout, type=list[Figure])


def _table(report: Report) -> str:
    head = f"{report.bench} (Python {report.python}, {report.cores} cores, {report.repeats} goes)"
    return "\n".join([head, *map(_row, report.figures), ""])


def _row(figure: Range) -> str:
    goal = ""
    if figure.goal_max is not None:
        goal = f"   goal {figure.goal_max:g}: {'met' if figure.is_goal_met else 'MISSED'}"
    low_high = f"{figure.low:,.3f} .. {figure.high:,.3f}"
    return f"  {figure.name:<52}{figure.median:>14,.3f} {figure.unit:<8}{low_high:>28}{goal}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
