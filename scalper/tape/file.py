"""A tape: the ticks of a run as they were delivered, compressed, append-only, safe against a torn tail.

    magic and version (12 bytes), then blocks: length u32 | crc32 u32 | zstandard frame        (little endian)

The frame of the first block holds the header, those of the others lists of records, all as msgpack. A block that is
cut short or damaged at the very end is a torn tail: it is dropped, and said. Damage before a whole block is an error.
Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Lock
from zlib import crc32

import msgspec
import zstandard

from scalper.domain.instruments import Instrument
from scalper.domain.quotes import Candle, Tick
from scalper.errors import InputError, LogError

#: Name of the format; the last byte is its version.
MAGIC = b"SCALPERTAPE\x01"
#: A block ends at so many ticks even when nobody flushes: about three minutes of an index and its options.
_BLOCK_TICKS_MAX = 2_000
_BLOCK_RECORDS_MAX = 2_000
_COMPRESSION_LEVEL = 1
_BLOCK_HEAD = struct.Struct("<II")
#: Every zstandard frame begins so.
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"


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


class _Block(msgspec.Struct, frozen=True):
    """Where the frame of one block lies in the file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class _Scan(msgspec.Struct, frozen=True):
    """The whole blocks of a tape, where they end, and what follows them, if anything."""

    header: TapeHeader
    blocks: tuple[_Block, ...]
    end: int
    torn: str | None


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
        content = MAGIC + _block_of(msgspec.msgpack.encode(header))
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
        descriptor = _opened(path, os.O_RDWR)
        try:
            scan = _scanned(path, descriptor)
            os.ftruncate(descriptor, scan.end)
        except OSError as error:
            os.close(descriptor)
            raise LogError(f"{path}: the tape cannot be resumed: {error}") from error
        except (InputError, LogError):
            os.close(descriptor)
            raise
        return cls(path, descriptor, scan.end, scan.torn)

    def append(self, record: TapeRecord) -> None:
        """Put one record at the end; it is safe from a crash of the process once flushed.

        Raises:
            LogError: A full block could not be written.
        """
        with self._pending_lock:
            self._pending.append(record)
            self._pending_ticks += len(record.ticks)
            is_full = self._pending_ticks >= _BLOCK_TICKS_MAX or len(self._pending) >= _BLOCK_RECORDS_MAX
        if is_full:
            self.flush()

    def flush(self) -> None:
        """End the block: what was appended so far is in the file, in the hands of the operating system.

        Raises:
            LogError: It could not be written: the file still ends with a whole block and the records are kept; or the
                tape is closed.
        """
        with self._file_lock:
            with self._pending_lock:
                records, self._pending, self._pending_ticks = self._pending, [], 0
            if not records:
                return
            if self._is_closed:
                raise LogError(f"{self._path}: {len(records)} records came after the tape was closed")
            try:
                self._write(_block_of(msgspec.msgpack.encode(records)))
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

    def __init__(self, path: Path, descriptor: int, scan: _Scan) -> None:
        self.header = scan.header
        self.torn = scan.torn
        self.blocks = len(scan.blocks)
        self._path = path
        self._descriptor: int | None = descriptor
        self._scan = scan

    @classmethod
    def open(cls, path: Path) -> TapeReader:
        """Open a tape and check every block of it.

        Raises:
            InputError: There is no such file, it is not a tape, or it has no whole header.
            LogError: The tape is damaged before its tail.
        """
        descriptor = _opened(path, os.O_RDONLY)
        try:
            return cls(path, descriptor, _scanned(path, descriptor))
        except (InputError, LogError):
            os.close(descriptor)
            raise
        except OSError as error:
            os.close(descriptor)
            raise InputError(f"{path}: expected a readable tape, found {error}") from error

    def block(self, number: int) -> tuple[TapeRecord, ...]:
        """The records of one block, counted from 0.

        Raises:
            LogError: The block does not hold records, or the tape is closed.
        """
        if self._descriptor is None:
            raise LogError(f"{self._path}: the tape is closed")
        block = self._scan.blocks[number]
        frame = os.pread(self._descriptor, block.length, block.offset)
        try:
            return _RECORDS.decode(zstandard.ZstdDecompressor().decompress(frame))
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


def _block_of(payload: bytes) -> bytes:
    frame = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(payload)
    return _BLOCK_HEAD.pack(len(frame), crc32(frame)) + frame


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        raise InputError(f"{path}: expected a tape that can be opened, found {error.strerror}") from error


def _scanned(path: Path, descriptor: int) -> _Scan:
    """Check every block of an open tape."""
    magic = os.pread(descriptor, len(MAGIC), 0)
    if magic != MAGIC:
        found = f"a file that begins with {magic!r}" if magic else "an empty file"
        raise InputError(f"{path}: expected a tape, version {MAGIC[-1]}, found {found}")
    size = os.fstat(descriptor).st_size
    blocks = []
    end = len(MAGIC)
    while (block := _block_at(descriptor, end)) is not None:
        blocks.append(block)
        end = block.end
    torn = None
    if end < size:
        if _has_block_within(os.pread(descriptor, size - end, end)):
            raise LogError(f"{path}: the block at byte {end} is damaged, and whole blocks follow it")
        torn = f"{path.name}: the tail from byte {end} is torn, {size - end} bytes dropped"
    return _Scan(_header(path, descriptor, blocks), tuple(blocks[1:]), end, torn)


def _block_at(descriptor: int, offset: int) -> _Block | None:
    """The block that begins at `offset`; None when it is not whole."""
    head = os.pread(descriptor, _BLOCK_HEAD.size, offset)
    if len(head) < _BLOCK_HEAD.size:
        return None
    length, checksum = _BLOCK_HEAD.unpack(head)
    start = offset + _BLOCK_HEAD.size
    if start + length > os.fstat(descriptor).st_size:
        return None
    frame = os.pread(descriptor, length, start)
    return _Block(start, length) if frame[:4] == _FRAME_MAGIC and crc32(frame) == checksum else None


def _has_block_within(tail: bytes) -> bool:
    """True when a whole block begins somewhere after the first byte: then the damage is no torn tail."""
    at = tail.find(_FRAME_MAGIC, _BLOCK_HEAD.size + 1)
    while at >= 0:
        length, checksum = _BLOCK_HEAD.unpack(tail[at - _BLOCK_HEAD.size : at])
        if at + length <= len(tail) and crc32(tail[at : at + length]) == checksum:
            return True
        at = tail.find(_FRAME_MAGIC, at + 1)
    return False


def _header(path: Path, descriptor: int, blocks: list[_Block]) -> TapeHeader:
    if not blocks:
        raise InputError(f"{path}: expected a tape with a whole header, found none")
    frame = os.pread(descriptor, blocks[0].length, blocks[0].offset)
    try:
        return _HEADER.decode(zstandard.ZstdDecompressor().decompress(frame))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: expected the header of a tape: {error}") from error
