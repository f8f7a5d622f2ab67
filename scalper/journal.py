"""Where the letters of a day go: ticks to the tape, all others to the message log, in one order.

A folder `log/<day>` holds `letters-NNNN.jsonl`, `ticks-NNNN.tape`, and for every part (a process that wrote)
`run-NNNN.json` with what it was started with and `rows-NNNN.json` with the rows it found. Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from threading import Event, Lock, Thread

import msgspec

from scalper.domain.calendar import SessionTimes
from scalper.domain.times import us_from
from scalper.message import Letter
from scalper.runtime.message_log import LogReader, MessageLog, Note, log_files
from scalper.tape.file import TapeHeader, TapeReader, TapeRecord, TapeWriter


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What one part was started with: enough to build the same tree again."""

    run: str
    part: int
    day: date
    seed: int
    mode: str
    runtime: str
    first_seq: int
    started_at: datetime
    session: SessionTimes
    config: msgspec.Raw
    version: str
    code: str
    config_sha256: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log has come.

    Attributes:
        last_seq: Of the last letter, on log or tape; 0 of an empty folder.
        last_at: Latest market time of a letter.
        ticks: Ticks of all frames.
        parts: Processes that have written.
    """

    last_seq: int
    last_at: datetime | None
    ticks: int
    parts: int


class DayJournal:
    """The journal of one process; safe to flush from another thread."""

    def __init__(self, folder: Path, header: RunHeader, tape: TapeHeader, *, rows: bytes, rotate_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = Lock()
        number = f"{header.part:04d}"
        _write_whole(folder / f"rows-{number}.json", rows)
        _write_whole(folder / f"run-{number}.json", msgspec.json.encode(header))
        self._tape = TapeWriter.create(folder / f"ticks-{number}.tape", tape)
        self._log = MessageLog(
            folder,
            header.run,
            header={
                "part": str(header.part),
                "version": header.version,
                "code": header.code,
                "config_sha256": header.config_sha256,
                "seed": str(header.seed),
                "day": header.day.isoformat(),
                "runtime": header.runtime,
            },
            first_seq=header.first_seq,
            rotate_bytes=rotate_bytes,
        )
        self._stopping = Event()
        self._flusher: Thread | None = None

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        message = letter.message
        if not message.is_taped:
            with self._lock:
                self._log.letter(letter, to)
            return
        record = TapeRecord(
            letter.seq, letter.cause, letter.sender, to, type(message).__name__, us_from(message.at), message.ticks
        )
        self._tape.append(record)

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        self._note(Note(run=self._log.run, note="order", actor=actor, seqs=seqs, passed=passed))

    def started(self, actor: str, at: datetime) -> None:
        """An incarnation of an actor was started and told this time."""
        self._note(Note(run=self._log.run, note="started", actor=actor, at=at))

    def crashed(self, actor: str, seq: int, text: str) -> None:
        """An actor failed at this letter; 0 = while recovering."""
        self._note(Note(run=self._log.run, note="crashed", actor=actor, seq=seq, text=text))

    def settled(self) -> None:
        """The day came to its end and every letter was handled."""
        self._note(Note(run=self._log.run, note="settled"))

    def flush(self) -> None:
        """Hand everything to the system: it survives the process."""
        self.flush_letters()
        self._tape.flush()

    def flush_letters(self) -> None:
        """Hand the letters to the system: what must have happened before the bytes of an order leave."""
        with self._lock:
            self._log.flush()

    def start_flushing(self, every_s: float, *, is_tape_too: bool) -> None:
        """Flush to the disk on a thread of its own from now on.

        Where a tape's blocks end is where it was flushed: a run whose files are to be equal byte for byte leaves that
        to their size and to the orders.
        """
        self._flusher = Thread(target=self._flush_on, args=(every_s, is_tape_too), name="journal", daemon=True)
        self._flusher.start()

    def close(self) -> None:
        """Write all, to the disk; harmless twice."""
        self._stopping.set()
        if self._flusher is not None:
            self._flusher.join(timeout=2.0)
            self._flusher = None
        with self._lock:
            self._log.close()
        self._tape.close()

    def _flush_on(self, every_s: float, is_tape_too: bool) -> None:
        while not self._stopping.wait(every_s):
            self.flush_letters()
            if is_tape_too:
                self._tape.flush()
            self._log.sync()

    def _note(self, note: Note) -> None:
        with self._lock:
            self._log.note(note)


def reached_of(folder: Path) -> Reached:
    """How far the log in this folder has come, torn tails left out."""
    last_seq, last_at = 0, None
    # A process may have been killed when it had begun its tape and not yet its log.
    for line in LogReader(folder) if log_files(folder) else ():
        last_seq = max(last_seq, line.seq if not line.note else 0)
        if line.at is not None and (last_at is None or line.at > last_at):
            last_at = line.at
    ticks = 0
    for path in tape_files(folder):
        with_reader = TapeReader.open(path)
        for record in with_reader:
            last_seq = max(last_seq, record.seq)
            ticks += len(record.ticks) if record.kind == "FeedFrame" else 0
        with_reader.close()
    return Reached(last_seq=last_seq, last_at=last_at, ticks=ticks, parts=len(run_files(folder)))


def tape_files(folder: Path) -> list[Path]:
    """The tapes of a log, oldest first."""
    return sorted(folder.glob("ticks-*.tape"))


def run_files(folder: Path) -> list[Path]:
    """The headers of the parts of a log, oldest first."""
    return sorted(folder.glob("run-*.json"))


def read_header(path: Path) -> RunHeader:
    """The header of one part."""
    return msgspec.json.decode(path.read_bytes(), type=RunHeader)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
