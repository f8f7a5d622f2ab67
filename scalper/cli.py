"""The command line: `bin/scalper VERB`. Reads arguments, calls one verb, turns errors into exit codes.

Exit codes: 0 done, 1 a replay found a difference, 64 bad usage or configuration, 66 input missing or unreadable,
70 supervision gave up or something failed that nobody foresaw, 73 home not writable or in use.
A verb imports what it needs when it is called: looking something up starts without the engine.

`SCALPER_CRASH=risk_manager:1000,feed_hub:2000` is a switch for tests: it makes each actor named fail at that letter.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scalper.arguments import parsed
from scalper.errors import InputError, ScalperError, UsageError

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from scalper.config import Config
    from scalper.inspect.text import Block
    from scalper.run import DayRun, Request

EXIT_DIFFERENT = 1
EXIT_FAILED = 70
EXIT_INTERRUPTED = 130
#: Columns of what goes into a file or a pipe.
COLUMNS = 100


def main(arguments: Sequence[str]) -> int:
    """Run one verb; the exit code."""
    started_s = time.monotonic()
    try:
        asked = parsed(arguments)
        return VERBS[asked.verb](asked, started_s)
    except ScalperError as error:
        print(f"scalper: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read has seen enough; what is still in the buffer must not raise at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def run(asked: Namespace, started_s: float) -> int:
    """Play a day, show it while it goes on, tell what it came to."""
    stop = _Stop()
    config = _config(asked)
    crash_after = _crash_after(os.environ)
    from scalper.logs import log_failure, log_to_file, log_to_stderr
    from scalper.run import Request

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
    try:
        if asked.json:
            _print_json(_played(request, started_s, stop))
        else:
            _play_for_people(request, started_s, stop)
    except ScalperError as error:
        log_failure(asked.home / "log", error)
        raise
    return 0


def _played(request: Request, started_s: float, stop: _Stop) -> dict[str, Any]:
    from scalper.events import EventLog
    from scalper.run import Onlooker, run_day

    return run_day(request, EventLog(Onlooker(), time.monotonic), started_s, on_begin=stop.hand_over)


def _play_for_people(request: Request, started_s: float, stop: _Stop) -> None:
    """With a live view where there is a terminal, and with the summary at the end in any case."""
    from rich.console import Console

    from scalper.events import EventLog
    from scalper.logs import stderr_held_back
    from scalper.reference import shipped_charges
    from scalper.run import run_day
    from scalper.view import TerminalView

    is_live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    console = Console(width=None if is_live else COLUMNS)
    view = TerminalView(shipped_charges(), request.speed, console=console)
    if is_live:
        with stderr_held_back(), view:
            summary = run_day(request, EventLog(view, time.monotonic), started_s, on_begin=stop.hand_over)
    else:
        summary = _played(request, started_s, stop)
    view.end(summary)


def positions(asked: Namespace, started_s: float) -> int:
    """Positions of a day."""
    from scalper.inspect.positions import day_positions
    from scalper.inspect.reading import reading

    with reading(_config(asked), asked.home) as read:
        told = day_positions(read, read.day(asked.day))
    if asked.json:
        _print_json(told)
    else:
        from scalper.inspect.text import positions_text

        _show(positions_text(told))
    return 0


def why(asked: Namespace, started_s: float) -> int:
    """Why a position was bought and sold, or what was made of every candle."""
    from scalper.inspect.reading import reading

    with reading(_config(asked), asked.home) as read:
        if asked.signals:
            from scalper.inspect.signals import why_signals

            told = why_signals(read, read.day(asked.day))
        else:
            from scalper.inspect.why import why_position

            told = why_position(read, asked.position)
    if asked.json:
        _print_json(told)
    elif asked.signals:
        from scalper.inspect.text import signals_text

        _show(signals_text(told))
    else:
        from scalper.inspect.text_why import why_text

        _show(why_text(told))
    return 0


def log(asked: Namespace, started_s: float) -> int:
    """Letters of a day, by type and position."""
    from scalper.inspect.letters import letters_of
    from scalper.inspect.reading import reading

    with reading(_config(asked), asked.home) as read:
        folder = read.log_of(read.day(asked.day).day)
    letters = letters_of(folder, type_name=asked.type, position_id=asked.position, limit=asked.limit)
    if asked.json:
        _print_json({"letters": letters})
    else:
        from scalper.inspect.gist import letter_line

        columns = os.get_terminal_size().columns if sys.stdout.isatty() else None
        for letter in letters:
            print(letter_line(letter)[:columns])
    return 0


def config(asked: Namespace, started_s: float) -> int:
    """The configuration that a run would use."""
    from scalper.config import config_hash, to_yaml

    effective = _config(asked)
    if asked.what == "check":
        found = config_hash(effective)
        _print_json({"ok": True, "config_sha256": found}) if asked.json else print(f"ok {found}")
    elif asked.json:
        import yaml

        _print_json(yaml.safe_load(to_yaml(effective)))
    else:
        print(to_yaml(effective), end="")
    return 0


def replay(asked: Namespace, started_s: float) -> int:
    """Recorded inputs into fresh actors; every letter they send is compared with the recorded one."""
    from scalper.replay import replay as replay_folder

    if not asked.folder.is_dir():
        raise InputError(f"{asked.folder}: expected the folder of a day's log, such as home/log/2026-01-13; found none")
    report = replay_folder(asked.folder)
    if asked.json:
        _print_json(report)
    else:
        from scalper.inspect.text import replay_text

        _show(replay_text(report))
    return EXIT_DIFFERENT if report.difference else 0


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
            os._exit(EXIT_INTERRUPTED)
        self._is_asked = True
        if self._run is not None:
            self._run.request_stop()


def _config(asked: Namespace) -> Config:
    from scalper.config import load_config

    mode = getattr(asked, "mode", None)
    sets = [*asked.set, *([f"mode={mode}"] if mode is not None else [])]
    return load_config(asked.config, sets, os.environ)


def _crash_after(environ: Mapping[str, str]) -> dict[str, int]:
    """The switch for tests, read."""
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


def _show(blocks: Iterable[Block]) -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else COLUMNS, highlight=False)
    for block in blocks:
        console.print(block)


def last_words(
    arguments: Sequence[str], kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The last word on an error that nobody foresaw: one line for people, the whole of it in the file.

    The process ends here: after such an error no thread of it is worth waiting for.
    """
    from scalper.logs import log_failure

    file = log_failure(parsed(arguments).home / "log", error.with_traceback(trace))
    print(f"scalper: {kind.__name__}: {error}; details in {file}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_FAILED)


VERBS: dict[str, Callable[[Namespace, float], int]] = {
    "run": run,
    "positions": positions,
    "why": why,
    "log": log,
    "config": config,
    "replay": replay,
}

if __name__ == "__main__":
    sys.excepthook = partial(last_words, sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
