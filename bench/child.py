"""Runs a command as a user would, and tells what it cost: seconds on the wall and of the processor, and memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import msgspec

ROOT = Path(__file__).resolve().parents[1]
SCALPER = str(ROOT / "bin" / "scalper")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one finished command took; the memory is the most it ever had."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    stdout: bytes


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end; what it says on stderr is dropped.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    began_s = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        stdout = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stdout)
    # Linux counts ru_maxrss in kibibytes. A child starts with its parent's peak, so whoever calls this stays small.
    return Cost(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_mb=usage.ru_maxrss * 1024 / 1e6,
        stdout=stdout,
    )
