"""From a command to work: a verb that looks something up, the imports of the engine, and the first tick of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

import msgspec

from bench.child import SCALPER, cost_of
from bench.figures import Figure

START_S_MAX = 1.0
IMPORT_S_MAX = 0.3
IMPORT_MB_MAX = 80.0
#: The run is watched this often, and flushes its tape this often: so exact is the time of the first tick.
LOOK_EVERY_S = 0.01
WAIT_S_MAX = 30.0

_IMPORTS = """
import resource, time
import scalper.cli, scalper.logs, scalper.run, scalper.events
with open("/proc/self/status") as status:
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print([time.process_time(), peak_kib * 1024 / 1e6])
"""


def measure(days: Sequence[Path]) -> list[Figure]:
    """The start of the program, and of a run on the first of the days, or on the built-in market."""
    check = cost_of([SCALPER, "config", "check"])
    cpu_s, peak_mb = msgspec.json.decode(
        cost_of([sys.executable, "-P", "-c", _IMPORTS]).stdout, type=tuple[float, float]
    )
    source = ["--day", str(days[0])] if days else ["--market", "builtin"]
    return [
        Figure(name="config check: wall", value=check.wall_s, unit="s", goal_max=START_S_MAX),
        Figure(name="config check: memory at its peak", value=check.rss_mb, unit="MB"),
        Figure(name="engine imported: processor, interpreter included", value=cpu_s, unit="s", goal_max=IMPORT_S_MAX),
        Figure(name="engine imported: memory at its peak", value=peak_mb, unit="MB", goal_max=IMPORT_MB_MAX),
        Figure(name="run: command to first tick on tape", value=_first_tick_s(source), unit="s", goal_max=START_S_MAX),
    ]


def _first_tick_s(source: Sequence[str]) -> float:
    """Seconds on the wall until a run on threads has written ticks; then it is asked to stop.

    Raises:
        TimeoutError: It wrote none.
    """
    with TemporaryDirectory(prefix="scalper-bench-") as home:
        flush = f"message_log.fsync_ms={round(LOOK_EVERY_S * 1000)}"
        command = [SCALPER, "run", *source, "--speed", "60", "--json", "--home", home, "--set", flush]
        began_s = perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                return _wait_for_ticks(Path(home) / "log", began_s) - began_s
            finally:
                os.kill(process.pid, signal.SIGTERM)


def _wait_for_ticks(folder: Path, began_s: float) -> float:
    """When the tape grew beyond the header with which it appears."""
    pause, size = Event(), 0
    while perf_counter() - began_s < WAIT_S_MAX:
        for tape in folder.glob("*/ticks-*.tape"):
            found = tape.stat().st_size
            if size and found > size:
                return perf_counter()
            size = found
        pause.wait(LOOK_EVERY_S)
    raise TimeoutError(f"no tick in {WAIT_S_MAX} s")
