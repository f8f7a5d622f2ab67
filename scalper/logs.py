"""What the program says of itself: lines for people on stderr, JSON lines in the home; secrets reach neither.

One line at INFO is one event of the business; the letters themselves are in the message log.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from scalper.errors import HomeError

if TYPE_CHECKING:
    from loguru import Message, Record

#: The file beside the folders of the message log.
FILE_NAME = "scalper.jsonl"
#: A file of this size is put aside; so many are kept.
_ROTATE_BYTES = 10_000_000
_FILES_KEPT = 5
#: Lines of warnings that wait for the end of a live view.
_LINES_HELD = 50

_HIDDEN = "***"
#: In an address, whatever stands before the last @: user and password.
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/]*(?=@)")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")
#: A signed web token, wherever it stands.
_WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_NAMED = re.compile(
    r"""(?ix)
    (?P<name> [\w.-]* (?: token | secret | passw(?:or)?d | api[_-]?key | authorization )
            | (?: \b | (?<=_) ) (?: pin | t?otp ) )
    (?P<between> ["']? \s* [=:] \s* )
    (?P<value> "[^"]*" | '[^']*' | [^\s,;&)}\]]+ )
    """
)


def redacted(text: str) -> str:
    """The text without users and passwords of addresses, and without the values of tokens, secrets and PINs."""
    text = _IN_ADDRESS.sub(_HIDDEN, text)
    text = _BEARER.sub(rf"\1 {_HIDDEN}", text)
    text = _WEB_TOKEN.sub(_HIDDEN, text)
    return _NAMED.sub(rf"\g<name>\g<between>{_HIDDEN}", text)


def log_to_stderr() -> None:
    """From now on everything from INFO on goes to stderr, and to nowhere else, one line each."""
    logger.remove()
    logger.configure(patcher=_redact)
    logger.add(_STDERR.write, level="INFO", format=_for_people, colorize=sys.stderr.isatty(), diagnose=False)


def log_to_file(folder: Path) -> Path:
    """From now on everything from DEBUG on goes to a file in this folder as well, as JSON lines; gives the file.

    Raises:
        HomeError: The folder cannot be written.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise HomeError(f"{folder} cannot be written: {error.strerror or error}") from error
    logger.add(
        path,
        level="DEBUG",
        format=_as_json,
        rotation=_ROTATE_BYTES,
        retention=_FILES_KEPT,
        encoding="utf-8",
        diagnose=False,
    )
    return path


@contextmanager
def stderr_held_back() -> Iterator[None]:
    """While a live view has the screen, warnings wait, the last of them, until the screen is given back."""
    _STDERR.held = deque(maxlen=_LINES_HELD)
    try:
        yield
    finally:
        sys.stderr.writelines(_STDERR.held)
        _STDERR.held = None


def log_failure(folder: Path, error: BaseException) -> str:
    """Put an error with its traceback into the file of this folder, and nowhere else; says where that is."""
    logger.remove()
    logger.configure(patcher=_redact)
    try:
        path = log_to_file(folder)
    except HomeError as failure:
        return f"no file: {failure}"
    logger.opt(exception=error).critical("{}: {}", type(error).__name__, error)
    return str(path)


class _Stderr:
    """The sink for people.

    Attributes:
        held: Lines that wait; None when they go out at once.
    """

    def __init__(self) -> None:
        self.held: deque[str] | None = None

    def write(self, message: Message) -> None:
        if self.held is None:
            sys.stderr.write(message)
        elif message.record["level"].no >= logger.level("WARNING").no:
            self.held.append(message)


_STDERR = _Stderr()


def _redact(record: Record) -> None:
    record["message"] = redacted(record["message"])


def _for_people(record: Record) -> str:
    """Time of the wall, level, text; how an error came about stands in the file."""
    return "{time:HH:mm:ss} <level>{level: <8}</level> {message}\n"


def _as_json(record: Record) -> str:
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "from": f"{record['name']}:{record['line']}",
        "text": record["message"],
    }
    error = record["exception"]
    if error is not None:
        line["traceback"] = redacted("".join(traceback.format_exception(error.type, error.value, error.traceback)))
    record["extra"]["json"] = json.dumps(line, ensure_ascii=False)
    return "{extra[json]}\n"
