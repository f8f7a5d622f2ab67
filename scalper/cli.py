"""The command line: `bin/scalper VERB`. Reads arguments, calls one verb, turns errors into exit codes.

Exit codes: 0 done, 1 a replay found a difference, 64 bad usage or configuration, 66 input missing or unreadable,
70 supervision gave up or something failed that nobody foresaw, 73 home not writable or in use.
A verb imports what it needs when it is called: looking things up starts without the engine.

`SCALPER_CRASH=risk_manager:1000,feed_hub:2000` is a switch for tests: it makes each actor named fail at that letter.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scalper.arguments import parsed
from scalper.errors import ScalperError, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from scalper.config import Config
    from scalper.run import DayRun

EXIT_FAILED = 70
EXIT_KILLED = 130


def main(arguments: Sequence[str]) -> int:
    """Run one verb; the exit code."""
    started_s = time.monotonic()
    try:
        asked = parsed(arguments)
        return VERBS[asked.verb](asked, started_s)
    except ScalperError as error:
        _tell_error(str(error))
        return error.exit_code


def run(asked: Namespace, started_s: float) -> int:
    """Play a day, show it while it goes on, tell what it came to."""
    stop = _Stop()
    config = _config(asked)
    crash_after = _crash_after(os.environ)
    # After the configuration: a slip in it is told at once.
    from scalper.logs import log_to_file, log_to_stderr
    from scalper.run import Onlooker, Request, run_day

    log_to_stderr()
    log_to_file(asked.home / "log")
    request = Request(
        config=config,
        home=asked.home,
        market_kind=asked.market,
        source=asked.day,
        history=asked.history,
        seed=asked.seed,
        speed=asked.speed,
        crash_after=crash_after,
    )
    summary = run_day(request, Onlooker(), started_s, on_begin=stop.hand_over)
    _print_json(summary)
    return 0


class _Stop:
    """The first Ctrl-C or SIGTERM asks for an orderly stop, the second ends the process at once."""

    def __init__(self) -> None:
        self._run: DayRun | None = None
        self._is_asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def hand_over(self, run: DayRun) -> None:
        """From now on there is something to stop."""
        self._run = run
        if self._is_asked:
            run.request_stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_asked:
            os._exit(EXIT_KILLED)
        self._is_asked = True
        if self._run is not None:
            self._run.request_stop()


def _config(asked: Namespace) -> Config:
    from scalper.config import load_config

    mode = getattr(asked, "mode", None)
    sets = [*asked.set, *([f"mode={mode}"] if mode is not None else [])]
    return load_config(asked.config, sets, os.environ)


def _crash_after(environ: Mapping[str, str]) -> dict[str, int]:
    """The switch for tests."""
    crash_after = {}
    for part in filter(None, environ.get("SCALPER_CRASH", "").split(",")):
        name, _, letters = part.partition(":")
        if not (name and letters.isdigit()):
            raise UsageError(f"SCALPER_CRASH: found {part}, expected actor:letters")
        crash_after[name] = int(letters)
    return crash_after


def _print_json(value: Any) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())


def _tell_error(text: str) -> None:
    print(f"scalper: {text}", file=sys.stderr)


VERBS: dict[str, Callable[[Namespace, float], int]] = {"run": run}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
