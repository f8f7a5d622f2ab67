"""What led to a letter: walked back through `cause`, over the message log and the tape, to the outside world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from scalper.domain.times import ist_from_us
from scalper.inspect.gist import gist, tick_gist
from scalper.journal import tape_files
from scalper.runtime.message_log import LogReader, RawLine
from scalper.tape.file import TapeReader, TapeRecord


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One letter of a chain.

    Attributes:
        cause: The letter that caused it; 0 when the outside world did.
        says: What it says, short.
        after_ms: Market time since the first letter of the chain.
    """

    seq: int
    cause: int
    at: datetime
    type: str
    sender: str
    to: tuple[str, ...]
    says: str
    after_ms: int = 0


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """Chains by name, and what was wrong with the log's tail: nothing, as a rule."""

    steps: dict[str, tuple[Step, ...]]
    torn: tuple[str, ...]


#: A chain is about one position: its letters need not say which.
_KNOWN = frozenset({"position_id", "intent_id", "key"})

#: Names the chain that ends at a letter; None: no chain does.
EndOf = Callable[[RawLine], str | None]


def chains(folder: Path, end_of: EndOf, key: str) -> Chains:
    """Every chain whose end `end_of` names, oldest letter first.

    The log is read twice rather than held: a day has hundreds of thousands of letters.

    Args:
        folder: Of one day.
        end_of: Names the chain that a letter ends.
        key: Instrument whose tick is shown where several came together.

    Raises:
        LogError: The log or the tape is missing or broken.
    """
    reader = LogReader(folder)
    causes: dict[int, int] = {}
    ends: dict[str, list[int]] = {}
    for line in reader:
        if not line.note:
            causes[line.seq] = line.cause
            name = end_of(line)
            if name is not None:
                ends.setdefault(name, []).append(line.seq)
    taped = _taped(folder, causes, ends)
    causes |= {seq: record.cause for seq, record in taped.items()}
    wanted = {name: _ancestors(seqs, causes) for name, seqs in ends.items()}
    steps = _steps(folder, set().union(*wanted.values()) if wanted else set(), taped, key)
    told = {name: _timed([steps[seq] for seq in sorted(seqs) if seq in steps]) for name, seqs in wanted.items()}
    return Chains(steps=told, torn=tuple(reader.torn))


def _ancestors(seqs: Iterable[int], causes: dict[int, int]) -> set[int]:
    """The letters and everything before them, up to the outside world."""
    found: set[int] = set()
    for seq in seqs:
        at = seq
        while at and at not in found:
            found.add(at)
            at = causes.get(at, 0)
    return found


def _taped(folder: Path, causes: dict[int, int], ends: dict[str, list[int]]) -> dict[int, TapeRecord]:
    """The records of ticks among the ancestors, and theirs: a batch for holders comes from a frame of the feed."""
    wanted = {seq for seqs in ends.values() for seq in _ancestors(seqs, causes)} - causes.keys()
    found: dict[int, TapeRecord] = {}
    for path in reversed(tape_files(folder)):
        tape = TapeReader.open(path)
        for number in reversed(range(tape.blocks)):
            # Causes lie before what they caused, so that read backwards one pass finds them all.
            for record in reversed(tape.block(number)):
                if record.seq in wanted:
                    found[record.seq] = record
                    wanted.add(record.cause)
        tape.close()
    return found


def _steps(folder: Path, wanted: Collection[int], taped: dict[int, TapeRecord], key: str) -> dict[int, Step]:
    steps = {seq: _step_of_record(record, key) for seq, record in taped.items()}
    for line in LogReader(folder):
        if not line.note and line.seq in wanted:
            steps[line.seq] = _step_of_line(line)
    return steps


def _step_of_line(line: RawLine) -> Step:
    assert line.at is not None, "a letter has a time"
    says = gist(msgspec.json.decode(line.body), _KNOWN)
    return Step(
        seq=line.seq, cause=line.cause, at=line.at, type=line.type, sender=line.sender, to=line.to, says=says
    )  # fmt: skip


def _step_of_record(record: TapeRecord, key: str) -> Step:
    ticks = [tick for tick in record.ticks if tick.key == key] or list(record.ticks)
    more = f" and {len(record.ticks) - 1} more" if len(record.ticks) > 1 else ""
    return Step(
        seq=record.seq,
        cause=record.cause,
        at=ist_from_us(record.at_us),
        type=record.kind,
        sender=record.sender,
        to=record.to,
        says=f"{tick_gist(ticks[-1])}{more}" if ticks else "no ticks",
    )


def _timed(steps: list[Step]) -> tuple[Step, ...]:
    return tuple(
        msgspec.structs.replace(step, after_ms=round((step.at - steps[0].at).total_seconds() * 1000)) for step in steps
    )
