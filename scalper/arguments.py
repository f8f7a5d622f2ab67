"""What may stand on the command line; whatever does not is refused with what was found and what is expected."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from scalper.errors import UsageError

#: Where a home lies when neither `--home` nor SCALPER_HOME says so.
DEFAULT_HOME = Path(__file__).resolve().parents[1] / "home"
#: The database keeps a seed in 64 bits.
SEED_MAX = 2**63 - 1
#: Letters shown at once, unless told otherwise.
LOG_LIMIT = 200

_EXAMPLES = """
examples:
  bin/scalper run                               a generated day at 60 times the clock, on paper
  bin/scalper run --day DIR --speed max --json  a recorded day as fast as may be, one JSON object at the end
  bin/scalper why 1                             why position 1 was bought and sold
  bin/scalper why --signals                     what was made of every candle of the day
"""


class _Parser(ArgumentParser):
    """A parser that raises instead of leaving, so that every error of usage has one way out."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; try: {self.prog} --help")


def parsed(arguments: Sequence[str]) -> Namespace:
    """The verb and its options.

    Raises:
        UsageError: Something is missing, unknown or no value of its kind.
        SystemExit: Help was asked for and printed.
    """
    parser = _parser()
    asked, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise UsageError(_unknown(unknown[0], asked.options))
    _check_together(asked)
    return asked


def _unknown(found: str, options: list[str]) -> str:
    near = get_close_matches(found.partition("=")[0], options, n=1)
    if near:
        return f"unknown argument {found}: did you mean {near[0]}?"
    return f"unknown argument {found}: expected one of {', '.join(options)}"


def _check_together(asked: Namespace) -> None:
    """What is right alone and makes no sense together."""
    if asked.verb == "run":
        if asked.market == "tape" and asked.day is None:
            raise UsageError("--market tape: expected --day with the folder or tape to play, found none")
        if asked.market == "builtin" and asked.day is not None:
            raise UsageError(f"--market builtin makes its own day: found --day {asked.day}, expected none")
        if asked.history is not None and asked.day is None:
            raise UsageError(f"--history {asked.history}: expected --day as well, found none")
    if asked.verb == "why" and asked.signals == (asked.position is not None):
        raise UsageError("why: expected either the number of a position or --signals")


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="scalper",
        description="Buys index options intraday and, above all, gets out again.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    _add_run(_verb(verbs, "run", "play a day and trade it"))
    _add_day(_verb(verbs, "positions", "positions of a day, open and closed"))
    why = _verb(verbs, "why", "why a position was bought and sold, or what was made of every candle")
    why.add_argument("position", nargs="?", type=_position, metavar="POSITION", help="number of a position")
    why.add_argument("--signals", action="store_true", help="every evaluation of the day instead")
    _add_day(why)
    _add_log(_verb(verbs, "log", "letters of a day"))
    config = _verb(verbs, "config", "the configuration that would be used")
    config.add_argument("what", choices=("show", "check"), help="print it, or only say whether it is right")
    replay = _verb(verbs, "replay", "feed a recorded log to fresh actors and compare every letter")
    replay.add_argument("folder", type=Path, metavar="LOG_DIR", help="folder of one day, such as home/log/2026-01-13")
    for verb in verbs.choices.values():
        verb.set_defaults(options=[option for option in verb._option_string_actions if option.startswith("--")])
    return parser


def _verb(verbs: Any, name: str, help_text: str) -> ArgumentParser:
    """One verb, with what all of them understand."""
    verb: ArgumentParser = verbs.add_parser(
        name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.", allow_abbrev=False
    )
    home = Path(os.environ.get("SCALPER_HOME") or DEFAULT_HOME)
    verb.add_argument("--home", type=Path, default=home, metavar="DIR", help=f"database and logs (default: {home})")
    verb.add_argument("--json", action="store_true", help="one JSON object on stdout, everything else on stderr")
    verb.add_argument("--config", type=Path, metavar="F", help="YAML file; what it leaves out is the default")
    verb.add_argument("--set", action="append", default=[], metavar="k=v", help="one key of the configuration")
    return verb


def _add_run(run: ArgumentParser) -> None:
    run.add_argument("--mode", metavar="watch|paper", help="watch places nothing; paper, the default, trades on paper")
    run.add_argument("--market", choices=("builtin", "tape"), help="default: tape when --day is given, else builtin")
    run.add_argument("--day", type=Path, metavar="DIR|TAPE", help="recorded day or tape of ticks to play")
    run.add_argument("--history", type=Path, metavar="DIR", help="the day before, to warm up (default: beside --day)")
    run.add_argument("--seed", type=_seed, default=1, metavar="N", help="of everything made up (default: 1)")
    run.add_argument("--speed", type=_speed, default=60.0, metavar="N|max", help="times the clock (default: 60)")


def _add_log(log: ArgumentParser) -> None:
    _add_day(log)
    log.add_argument(
        "--type", metavar="T", help="only letters of this type, such as PositionOpened (default: all but Pulse)"
    )
    log.add_argument("--position", type=_position, metavar="N", help="only letters about this position")
    log.add_argument(
        "--limit", type=_limit, default=LOG_LIMIT, metavar="N", help=f"the last N, 0 for all (default: {LOG_LIMIT})"
    )


def _add_day(verb: ArgumentParser) -> None:
    verb.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="default: the latest day of the home")


def _speed(text: str) -> float | None:
    """None is as fast as may be."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not (isfinite(speed) and speed > 0):
        raise ArgumentTypeError(f"found {text}, expected a number above 0, or max")
    return speed


def _whole(text: str, low: int, high: int) -> int:
    """A whole number within limits, written with digits alone."""
    if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
        raise ArgumentTypeError(f"found {text}, expected a whole number from {low} to {high}")
    return int(text)


def _seed(text: str) -> int:
    return _whole(text, 0, SEED_MAX)


def _position(text: str) -> int:
    return _whole(text, 1, SEED_MAX)


def _limit(text: str) -> int:
    return _whole(text, 0, SEED_MAX)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"found {text}, expected a date YYYY-MM-DD") from error
