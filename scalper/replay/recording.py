"""A recorded part of a day in memory's reach: letters and ticks in one order, and what the notes say of handling.

Source: REQUIREMENTS 21.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from scalper.actors.messages import candles, exits, feed, orders, positions, risk, signals
from scalper.domain.quotes import Tick
from scalper.domain.times import ist_from_us, us_from
from scalper.errors import LogError
from scalper.journal import RunHeader, read_header, run_files
from scalper.message import Letter, Message
from scalper.runtime import heartbeat, lifecycle
from scalper.runtime.message_log import LogReader, RawLine
from scalper.tape.file import TapeHeader, TapeReader

#: Senders whose letters come from outside: they are inputs, not to be reproduced.
OUTSIDE = frozenset({"feed", "heartbeat", "root", "data_gateway"})


class Recorded(msgspec.Struct, frozen=True):
    """One recorded letter; `body` is its JSON, or of ticks their packed form."""

    seq: int
    cause: int
    sender: str
    to: tuple[str, ...]
    kind: str
    body: bytes


class Crash(msgspec.Struct, frozen=True):
    """An actor failed at a letter."""

    seq: int
    text: str

    @property
    def is_injected(self) -> bool:
        """A test made it fail before its handler ran."""
        return self.text.startswith("InjectedCrash")


class Handling:
    """In which order one actor handled its letters, where it was not that of their seq.

    Attributes:
        before: Letters handled ahead of the key, which was waiting.
        ahead: All of those letters.
        bursts: Letters handled as one, by each of their seqs.
        crashes: By seq of the letter.
        starts: What each incarnation's `recover` was told, in order.
    """

    def __init__(self) -> None:
        self.before: dict[int, list[int]] = {}
        self.ahead: set[int] = set()
        self.bursts: dict[int, tuple[int, ...]] = {}
        self.crashes: dict[int, Crash] = {}
        self.starts: list[datetime] = []


class Part:
    """What one process wrote of a day.

    Attributes:
        is_settled: The process came to the end of the day with no letter unhandled.
    """

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.header = header
        self.handling: dict[str, Handling] = defaultdict(Handling)
        self.is_settled = False
        self._folder = folder
        self._tape_path = folder / f"ticks-{header.part:04d}.tape"
        self._logged_to = 0
        for line in self._lines():
            self._logged_to = self._logged_to if line.note else line.seq
            self._take_note(line)

    @property
    def is_begun(self) -> bool:
        """Whether its process lived to begin a tape, which comes before the first letter."""
        return self._tape_path.exists()

    @property
    def rows(self) -> bytes:
        """The rows the process found."""
        return (self._folder / f"rows-{self.header.part:04d}.json").read_bytes()

    @property
    def tape_header(self) -> TapeHeader:
        reader = TapeReader.open(self._tape_path)
        try:
            return reader.header
        finally:
            reader.close()

    def letters(self) -> Iterator[Recorded]:
        """All letters of the part by seq.

        A process that was killed leaves log and tape at different ends. What lies behind the end of the log is not
        told, since the notes of how it was handled are lost; nor what lies behind a letter that is on neither.

        Raises:
            LogError: A day that came to its end has a gap between log and tape.
        """
        logged = (_from_line(line) for line in self._lines() if not line.note)
        taped = self._taped()
        left, right = next(logged, None), next(taped, None)
        expected = self.header.first_seq
        while left is not None or right is not None:
            if right is None or (left is not None and left.seq < right.seq):
                assert left is not None
                found, left = left, next(logged, None)
            else:
                found, right = right, next(taped, None)
            if not self.is_settled and found.seq > self._logged_to:
                return
            if found.seq != expected:
                if self.is_settled:
                    raise LogError(f"{self._folder}: letter {expected} is neither in the log nor on the tape")
                return
            expected = found.seq + 1
            yield found

    def _lines(self) -> Iterator[RawLine]:
        part = 0
        for line in LogReader(self._folder):
            if line.note == "part":
                # Not counted: a process killed at once has left a header and a tape, and no line.
                part = int(_PART.decode(line.body)["part"])
            if part == self.header.part:
                yield line

    def _taped(self) -> Iterator[Recorded]:
        encode = msgspec.msgpack.Encoder().encode
        reader = TapeReader.open(self._tape_path)
        for record in reader:
            body = encode((record.at_us, record.ticks))
            yield Recorded(record.seq, record.cause, record.sender, record.to, record.kind, body)
        reader.close()

    def _take_note(self, line: RawLine) -> None:
        if not line.note:
            return
        known = self.handling[line.actor]
        if line.note == "started" and line.at is not None:
            known.starts.append(line.at)
        elif line.note == "crashed":
            known.crashes[line.seq] = Crash(line.seq, line.text)
        elif line.note == "order" and line.passed:
            known.before.setdefault(line.passed, []).extend(line.seqs)
            known.ahead.update(line.seqs)
        elif line.note == "order":
            known.bursts.update(dict.fromkeys(line.seqs, line.seqs))
        elif line.note == "settled":
            self.is_settled = True


def parts_of(folder: Path) -> list[Part]:
    """Every part of a recorded day in which anything was done, oldest first.

    Raises:
        LogError: The folder holds no recorded day.
    """
    files = run_files(folder) if folder.is_dir() else []
    if not files:
        raise LogError(f"{folder}: no recorded day: expected run-0001.json, letters-0001.jsonl and ticks-0001.tape")
    parts = [Part(folder, read_header(path)) for path in files]
    return [part for part in parts if part.is_begun]


_KINDS: dict[str, type[Message]] = {
    name: kind
    for module in (candles, exits, feed, heartbeat, lifecycle, orders, positions, risk, signals)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
}


_PART = msgspec.json.Decoder(dict[str, str])
_TICKS = msgspec.msgpack.Decoder(tuple[int, tuple[Tick, ...]])


def letter_of(recorded: Recorded) -> Letter:
    """The letter as its recipients got it.

    Raises:
        LogError: The log has a type this program does not know, or a body that is not of its type.
    """
    kind = _KINDS.get(recorded.kind)
    if kind is None:
        raise LogError(f"letter {recorded.seq} is of unknown type {recorded.kind}")
    try:
        message: Any
        if kind.is_taped:
            at_us, ticks = _TICKS.decode(recorded.body)
            message = kind(at=ist_from_us(at_us), ticks=ticks)  # type: ignore[call-arg]
        else:
            message = msgspec.json.decode(recorded.body, type=kind)
    except msgspec.DecodeError as error:
        raise LogError(f"letter {recorded.seq} ({recorded.kind}) cannot be read: {error}") from error
    return Letter(recorded.seq, recorded.cause, recorded.sender, message)


def body_of(message: Message, encode_json: Any, encode_pack: Any) -> bytes:
    """The bytes a message is compared by: those that `Recorded.body` holds."""
    if message.is_taped:
        return encode_pack((us_from(message.at), message.ticks))  # type: ignore[attr-defined,no-any-return]
    return encode_json(message)  # type: ignore[no-any-return]


def _from_line(line: RawLine) -> Recorded:
    return Recorded(line.seq, line.cause, line.sender, line.to, line.type, bytes(line.body))
