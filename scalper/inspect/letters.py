"""Letters of a day as logged, by type and by the position they are about."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import msgspec

from scalper.errors import UsageError
from scalper.message import Message
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.message_log import Line, LogReader, RawLine


class _About(msgspec.Struct, frozen=True):
    """Where the body of a letter may name the position it is about."""

    position_id: int = 0
    id: int | str = 0


class _Body(msgspec.Struct, frozen=True):
    position_id: int = 0
    position: _About = _About()
    intent: _About = _About()
    signal: _About = _About()
    orders: tuple[_About, ...] = ()


_BODY = msgspec.json.Decoder(_Body)
#: No letter names a position without this word: the others need not be decoded.
_WORD = b"position"


def letters_of(folder: Path, *, type_name: str | None, position_id: int | None, limit: int) -> tuple[Line, ...]:
    """The last `limit` letters (0 = all) of a type, about a position, or both, in their order.

    Pulses are left out unless they are asked for: four a second say nothing but the time.

    Raises:
        LogError: There is no log, or it has a gap.
        UsageError: There is no such type of letter, or it lies on the tape.
    """
    found: deque[Line] = deque(maxlen=limit or None)
    is_type_there = False
    for line in LogReader(folder):
        if line.note or (line.type != type_name if type_name is not None else line.type == Pulse.__name__):
            continue
        is_type_there = True
        if position_id is None or is_about(line, position_id):
            found.append(as_logged(line))
    if type_name is not None and not is_type_there:
        _refuse_unknown(type_name)
    return tuple(found)


def is_about(line: RawLine, position_id: int) -> bool:
    """Whether the letter is about this position: itself, its intent, its signal, its orders."""
    if _WORD not in bytes(line.body):
        return False
    body = _BODY.decode(line.body)
    return (
        position_id in (body.position_id, body.position.id, body.intent.position_id, body.signal.position_id)
        or any(order.position_id == position_id for order in body.orders)
    )  # fmt: skip


def as_logged(line: RawLine) -> Line:
    """The line with its fields in the order of the log; the body stays raw JSON."""
    assert line.at is not None, "a letter has a time"
    return Line(
        run=line.run,
        seq=line.seq,
        prev=line.prev,
        cause=line.cause,
        at=line.at,
        sender=line.sender,
        to=line.to,
        type=line.type,
        body=line.body,
    )


def _refuse_unknown(type_name: str) -> None:
    known = {kind.__name__: kind for kind in _message_types()}
    kind = known.get(type_name)
    if kind is None:
        near = get_close_matches(type_name, known, n=3, cutoff=0.5) or sorted(known)
        raise UsageError(f"--type {type_name}: no such letter; the nearest: {', '.join(near)}")
    if kind.is_taped:
        raise UsageError(f"--type {type_name}: ticks lie on the tape, not in the log; try PositionMarked")


def _message_types() -> Iterator[type[Message]]:
    """Every type of letter; their modules are imported for it."""
    for package in ("scalper.actors.messages", "scalper.runtime"):
        for module in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    waiting = Message.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not kind.__name__.startswith("_"):
            yield kind
