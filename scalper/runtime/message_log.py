"""The message log: one JSON line a letter, written before the letter is delivered, and read back with distrust.

A line is `{"run","seq","prev","cause","at","from","to","type","body"}`. `prev` is the seq of the line before:
ticks take a seq too but lie on the tape, so that a gap between two lines is only a gap when `prev` says so.
Lines with `note` instead of `seq` tell what is no letter: the start of a part, starts and crashes of actors,
and letters handled in another order than their seq. Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from scalper.errors import LogError
from scalper.message import Letter

#: Bytes kept in the process before they are written; the flusher and every order empty it earlier.
BUFFER_BYTES = 1 << 16


class Line(msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from"}):
    """One letter as logged; `body` is raw JSON when read."""

    run: str
    seq: int
    prev: int
    cause: int
    at: datetime
    sender: str
    to: tuple[str, ...]
    type: str
    body: Any


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact about the run that is no letter.

    Attributes:
        note: `part` (a process begins to write), `chain` (a file goes on), `started`, `crashed`, `order`.
        actor: Whom it is about.
        at: When an actor was started: what its `recover` was told.
        seq: The letter that crashed it (0: its recovery did), or the first seq of a part.
        seqs, passed: Of `order`: seqs handled as one, before the waiting letter `passed`.
        body: Of `part`: version, configuration hash, seed; of `chain`: sha256 of the file before.
    """

    run: str
    note: str
    actor: str = ""
    at: datetime | None = None
    seq: int = 0
    seqs: tuple[int, ...] = ()
    passed: int = 0
    text: str = ""
    body: dict[str, str] = {}


class RawLine(msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from"}):
    """A line as read: a letter when `seq` and `type` are there, else a note."""

    run: str
    seq: int = 0
    prev: int = 0
    cause: int = 0
    at: datetime | None = None
    sender: str = ""
    to: tuple[str, ...] = ()
    type: str = ""
    body: msgspec.Raw = msgspec.Raw(b"{}")
    note: str = ""
    actor: str = ""
    seqs: tuple[int, ...] = ()
    passed: int = 0
    text: str = ""


class MessageLog:
    """Appends lines to `letters-NNNN.jsonl`; a new part of a day begins a new file. Its caller locks."""

    def __init__(self, folder: Path, run: str, *, header: dict[str, str], first_seq: int, rotate_bytes: int) -> None:
        self._folder = folder
        self._run = run
        self._rotate_bytes = rotate_bytes
        self._encode = msgspec.json.Encoder().encode
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._prev = first_seq - 1
        self._number = len(log_files(folder))
        self._size = 0
        self._digest = hashlib.sha256()
        self._file: IO[bytes] | None = None
        before = log_files(folder)[-1] if self._number else None
        self._open_next()
        chain = {"previous_sha256": file_sha256(before)} if before is not None else {}
        self.note(Note(run=run, note="part", seq=first_seq, body={**header, **chain}))

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        """Append one letter; it is in the buffer, in order, when this returns."""
        line = Line(
            run=self._run,
            seq=letter.seq,
            prev=self._prev,
            cause=letter.cause,
            at=letter.message.at,
            sender=letter.sender,
            to=to,
            type=type(letter.message).__name__,
            body=letter.message,
        )
        text = self._encode(line)
        # Only now: a letter that cannot be written must not leave a gap behind.
        self._prev = letter.seq
        self._append(text)

    def note(self, note: Note) -> None:
        """Append one note."""
        self._append(self._encode(note))

    def flush(self) -> None:
        """Hand what is buffered to the system: it survives the process."""
        if self._file is None or not self._buffer:
            return
        rest = memoryview(b"".join(self._buffer))
        try:
            while rest:
                taken = self._file.write(rest)
                self._digest.update(rest[:taken])
                rest = rest[taken:]
        finally:
            # What a full disk did not take stays for the next try: no line may be missing from the middle.
            self._buffer = [bytes(rest)] if rest else []
            self._buffered = len(rest)

    def sync(self) -> None:
        """Have the system put what it was handed on the disk; may run beside the other methods."""
        file = self._file
        if file is not None:
            with suppress(ValueError, OSError):
                # The file may be rotated away at this moment; it was synced then.
                os.fsync(file.fileno())

    def close(self) -> None:
        """Flush to disk and close; harmless twice."""
        if self._file is not None:
            self.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    @property
    def run(self) -> str:
        return self._run

    def _append(self, line: bytes) -> None:
        self._buffer.append(line + b"\n")
        self._buffered += len(line) + 1
        self._size += len(line) + 1
        if self._buffered >= BUFFER_BYTES:
            self.flush()
        # By what was appended, not by what was flushed: when others flush must not show in the bytes.
        if self._size >= self._rotate_bytes and self._file is not None:
            self._rotate(self._file)

    def _rotate(self, file: IO[bytes]) -> None:
        self.flush()
        os.fsync(file.fileno())
        file.close()
        previous = self._digest.hexdigest()
        self._open_next()
        self.note(Note(run=self._run, note="chain", body={"previous_sha256": previous}))

    def _open_next(self) -> None:
        self._number += 1
        # Unbuffered: `flush` is the only buffer, so that what it promises is what happens.
        self._file = (self._folder / f"letters-{self._number:04d}.jsonl").open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._size = 0


def log_files(folder: Path) -> list[Path]:
    """The files of a message log in order, plain or compressed; plain where a compression was cut off at its end."""
    by_name = {path.name.removesuffix(".gz"): path for path in folder.glob("letters-*.jsonl.gz")}
    by_name |= {path.name: path for path in folder.glob("letters-*.jsonl")}
    return [by_name[name] for name in sorted(by_name)]


def compress_log(folder: Path) -> None:
    """Compress every plain file of a finished day's log; the names and the uncompressed bytes stay."""
    for path in folder.glob("letters-*.jsonl"):
        partial = path.with_name(path.name + ".gz.partial")
        with path.open("rb") as plain, partial.open("wb") as raw:
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                while chunk := plain.read(1 << 20):
                    packed.write(chunk)
            raw.flush()
            os.fsync(raw.fileno())
        partial.rename(path.with_name(path.name + ".gz"))
        path.unlink()


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _lines(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    try:
        yield from file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LogError(f"{path}: cannot be unpacked: {error}") from error


def file_sha256(path: Path) -> str:
    """sha256 of the uncompressed bytes of one file."""
    digest = hashlib.sha256()
    with _open(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def log_sha256(folder: Path) -> str:
    """sha256 over the uncompressed files of a log in order."""
    digest = hashlib.sha256()
    for path in log_files(folder):
        with _open(path) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


class LogReader:
    """Reads a log in order; refuses a gap, survives a torn last line of a part, and says so.

    Attributes:
        torn: What was dropped, one line a file; empty when nothing was.
        last_seq: The seq of the last letter read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.torn: list[str] = []
        self.last_seq = 0
        self._previous_sha256 = ""

    def __iter__(self) -> Iterator[RawLine]:
        files = log_files(self._folder)
        if not files:
            raise LogError(f"{self._folder}: no letters-*.jsonl in this folder")
        for path in files:
            yield from self._read_file(path)

    def _read_file(self, path: Path) -> Iterator[RawLine]:
        decode = msgspec.json.Decoder(RawLine).decode
        digest = hashlib.sha256()
        with _open(path) as file:
            for number, text in enumerate(_lines(path, file), start=1):
                digest.update(text)
                line = self._decoded(path, number, text, decode, file)
                if line is None:
                    break
                self._check(path, number, line)
                yield line
        self._previous_sha256 = digest.hexdigest()

    def _decoded(self, path: Path, number: int, text: bytes, decode: Any, file: IO[bytes]) -> RawLine | None:
        try:
            line: RawLine = decode(text)
            if text.endswith(b"\n"):
                return line
        except msgspec.DecodeError as error:
            if file.read(1):
                raise LogError(f"{path}:{number}: not a line of a message log: {error}") from error
        self.torn.append(f"{path.name}:{number}: torn last line of {len(text)} bytes dropped")
        return None

    def _check(self, path: Path, number: int, line: RawLine) -> None:
        if line.note:
            self._check_note(path, number, line)
        elif line.prev != self.last_seq:
            raise LogError(
                f"{path}:{number}: gap: the line before letter {line.seq} should be letter {line.prev}, "
                f"found letter {self.last_seq}"
            )
        else:
            self.last_seq = line.seq

    def _check_note(self, path: Path, number: int, line: RawLine) -> None:
        if line.note not in ("part", "chain"):
            return
        told = msgspec.json.decode(line.body, type=dict[str, str]).get("previous_sha256", "")
        if told and told != self._previous_sha256:
            raise LogError(
                f"{path}:{number}: the file before this one was changed: "
                f"sha256 {self._previous_sha256}, expected {told}"
            )
        if line.note == "part":
            self.last_seq = line.seq - 1
