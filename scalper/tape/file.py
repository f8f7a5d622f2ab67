"""A tape: the ticks of a run as they were delivered, compressed, append-only, safe against a torn tail.

The first block holds the header, the others lists of records, all as msgpack.
Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Lock

import msgspec
import zstandard

from scalper.domain.instruments import Instrument
from scalper.domain.quotes import Candle, Tick
from scalper.errors import InputError, LogError
from scalper.tape.blocks import MAGIC, Block, block_of, opened, payload_of, scan

#: A block ends at so many ticks even when nobody flushes: about three minutes of an index and its options.
_BLOCK_TICKS_MAX = 2_000
_BLOCK_RECORDS_MAX = 2_000


class TapeHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader must know before the first tick.

    Attributes:
        market: Name of the market that was played or watched; `market_kind` as in `Market.kind`.
        opens_at_us, closes_at_us: Session as known when the tape began, UTC microseconds.
        instruments: Indices first, then contracts.
        warm_up: One-minute candles of the previous session by index key.
        candles: Candles of the day that were closed before the tape began, by key.
    """

    day: date
    market: str
    market_kind: str
    seed: int
    opens_at_us: int
    closes_at_us: int
    instruments: tuple[Instrument, ...]
    warm_up: dict[str, tuple[Candle, ...]] = {}
    candles: dict[str, tuple[Candle, ...]] = {}


class TapeRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One letter of ticks: the place it had in the order of letters, who got it, and the ticks.

    Attributes:
        seq, cause, sender: As in `Letter`.
        to: Names of the recipients.
        kind: Type of the message, such as `FeedFrame`.
        at_us: `at` of the message, UTC microseconds.
    """

    seq: int
    cause: int
    sender: str
    to: tuple[str, ...]
    kind: str
    at_us: int
    ticks: tuple[Tick, ...]


class TapeWriter:
    """Appends records to a tape; may be flushed from another thread than the one that appends.

    Made by `create` or `resume`. `torn` says what `resume` cut off the tail, or is None.
    """

    def __init__(self, path: Path, descriptor: int, end: int, torn: str | None) -> None:
        self.torn = torn
        self._path = path
        self._descriptor = descriptor
        self._end = end
        self._pending: list[TapeRecord] = []
        self._pending_ticks = 0
        self._pending_lock = Lock()
        self._file_lock = Lock()
        self._is_closed = False

    @classmethod
    def create(cls, path: Path, header: TapeHeader) -> TapeWriter:
        """Start a tape. It appears under its name only once its header is whole.

        Raises:
            LogError: There is a file of that name, or the folder cannot be written.
        """
        part = path.with_name(f"{path.name}.part")
        content = MAGIC + block_of(msgspec.msgpack.encode(header))
        try:
            if path.exists():
                raise LogError(f"{path}: expected no such tape yet, found one; resume it or choose another name")
            part.write_bytes(content)
            part.replace(path)
            descriptor = os.open(path, os.O_RDWR)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise LogError(f"{path}: the tape cannot be started: {error}") from error
        return cls(path, descriptor, len(content), None)

    @classmethod
    def resume(cls, path: Path) -> TapeWriter:
        """Go on with a tape after a stop or a crash; a torn tail is cut off.

        Raises:
            InputError: There is no tape of that name, or the file is not a tape.
            LogError: The tape is damaged before its tail, or cannot be written.
        """
        descriptor = opened(path, os.O_RDWR)
        try:
            found = scan(path, descriptor)
            os.ftruncate(descriptor, found.end)
        except OSError as error:
            os.close(descriptor)
            raise LogError(f"{path}: the tape cannot be resumed: {error}") from error
        except (InputError, LogError):
            os.close(descriptor)
            raise
        return cls(path, descriptor, found.end, found.torn)

    def append(self, record: TapeRecord) -> None:
        """Put one record at the end; it is safe from a crash of the process once flushed.

        Raises:
            LogError: A full block could not be written, or the tape is closed.
        """
        if self._is_closed:
            raise LogError(f"{self._path}: letter {record.seq} came after the tape was closed")
        with self._pending_lock:
            self._pending.append(record)
            self._pending_ticks += len(record.ticks)
            is_full = self._pending_ticks >= _BLOCK_TICKS_MAX or len(self._pending) >= _BLOCK_RECORDS_MAX
        if is_full:
            self.flush()

    def flush(self) -> None:
        """End the block: what was appended so far is in the file, in the hands of the operating system.

        Raises:
            LogError: It could not be written; the file still ends with a whole block and the records are kept.
        """
        with self._file_lock:
            with self._pending_lock:
                records, self._pending, self._pending_ticks = self._pending, [], 0
            if not records or self._is_closed:
                return
            try:
                self._write(block_of(msgspec.msgpack.encode(records)))
            except OSError as error:
                with self._pending_lock:
                    self._pending[:0] = records
                    self._pending_ticks = sum(len(record.ticks) for record in self._pending)
                raise LogError(f"{self._path}: {len(records)} records could not be written: {error}") from error

    def close(self) -> None:
        """Flush, put it on the disk, let go of the file; harmless twice.

        Raises:
            LogError: The last records could not be written.
        """
        if self._is_closed:
            return
        self.flush()
        with self._file_lock:
            self._is_closed = True
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise LogError(f"{self._path}: the tape may not be on the disk: {error}") from error
            finally:
                os.close(self._descriptor)

    def _write(self, block: bytes) -> None:
        """Write one block at the end, whole or not at all."""
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[os.pwrite(self._descriptor, rest, self._end + len(block) - len(rest)) :]
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(block)


class TapeReader:
    """Reads a tape block by block; memory holds one block at a time. Made by `open`; safe on threads.

    Attributes:
        header: What the tape says of its day.
        torn: What was dropped at the tail; None of a whole tape.
        blocks: How many blocks of records there are.
    """

    def __init__(
        self, path: Path, descriptor: int, header: TapeHeader, blocks: tuple[Block, ...], torn: str | None
    ) -> None:
        self.header = header
        self.torn = torn
        self.blocks = len(blocks)
        self._path = path
        self._descriptor: int | None = descriptor
        self._blocks = blocks

    @classmethod
    def open(cls, path: Path) -> TapeReader:
        """Open a tape and check every block of it.

        Raises:
            InputError: There is no such file, it is not a tape, or it has no whole header.
            LogError: The tape is damaged before its tail.
        """
        descriptor = opened(path, os.O_RDONLY)
        try:
            found = scan(path, descriptor)
            header = _header(path, descriptor, found.blocks[0])
        except (InputError, LogError):
            os.close(descriptor)
            raise
        except OSError as error:
            os.close(descriptor)
            raise InputError(f"{path}: expected a readable tape, found {error}") from error
        return cls(path, descriptor, header, found.blocks[1:], found.torn)

    def block(self, number: int) -> tuple[TapeRecord, ...]:
        """The records of one block, counted from 0.

        Raises:
            LogError: The block does not hold records, or the tape is closed.
        """
        if self._descriptor is None:
            raise LogError(f"{self._path}: the tape is closed")
        block = self._blocks[number]
        try:
            return _RECORDS.decode(payload_of(self._descriptor, block))
        except (zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise LogError(f"{self._path}: expected records in the block at byte {block.offset}: {error}") from error

    def __iter__(self) -> Iterator[TapeRecord]:
        for number in range(self.blocks):
            yield from self.block(number)

    def close(self) -> None:
        """Let go of the file; harmless twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


_RECORDS = msgspec.msgpack.Decoder(tuple[TapeRecord, ...])
_HEADER = msgspec.msgpack.Decoder(TapeHeader)


def _header(path: Path, descriptor: int, block: Block) -> TapeHeader:
    try:
        return _HEADER.decode(payload_of(descriptor, block))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: expected the header of a tape: {error}") from error
