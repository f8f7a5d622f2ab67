"""How a tape lies in its file: checked blocks one after another, each whole or not there.

    magic and version (12 bytes), then blocks: length u32 | crc32 u32 | zstandard frame        (little endian)

A block that is cut short or damaged at the very end is a torn tail: it is dropped, and said. Damage before a whole
block is an error.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from zlib import crc32

import msgspec
import zstandard

from scalper.errors import InputError, LogError

#: Name of the format; the last byte is its version.
MAGIC = b"SCALPERTAPE\x01"
_COMPRESSION_LEVEL = 1
_BLOCK_HEAD = struct.Struct("<II")
#: Every zstandard frame begins so.
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"


class Block(msgspec.Struct, frozen=True):
    """Where the frame of one block lies in the file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class Scan(msgspec.Struct, frozen=True):
    """The whole blocks of a tape, the header first, where they end, and what follows them, if anything."""

    blocks: tuple[Block, ...]
    end: int
    torn: str | None


def block_of(payload: bytes) -> bytes:
    """The bytes of a whole block."""
    frame = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(payload)
    return _BLOCK_HEAD.pack(len(frame), crc32(frame)) + frame


def opened(path: Path, flags: int) -> int:
    """The descriptor of a file that should be a tape.

    Raises:
        InputError: It cannot be opened.
    """
    try:
        return os.open(path, flags)
    except OSError as error:
        raise InputError(f"{path}: expected a tape that can be opened, found {error.strerror}") from error


def payload_of(descriptor: int, block: Block) -> bytes:
    """What a checked block holds.

    Raises:
        zstandard.ZstdError: It is no frame after all.
    """
    return zstandard.ZstdDecompressor().decompress(os.pread(descriptor, block.length, block.offset))


def scan(path: Path, descriptor: int) -> Scan:
    """Check every block of an open tape.

    Raises:
        InputError: The file is not a tape, or has no whole block.
        LogError: Whole blocks follow a damaged one.
    """
    magic = os.pread(descriptor, len(MAGIC), 0)
    if magic != MAGIC:
        found = f"a file that begins with {magic!r}" if magic else "an empty file"
        raise InputError(f"{path}: expected a tape, version {MAGIC[-1]}, found {found}")
    size = os.fstat(descriptor).st_size
    blocks = []
    end = len(MAGIC)
    while (block := _block_at(descriptor, end, size)) is not None:
        blocks.append(block)
        end = block.end
    if end < size and _has_block_within(os.pread(descriptor, size - end, end)):
        raise LogError(f"{path}: the block at byte {end} is damaged, and whole blocks follow it")
    if not blocks:
        raise InputError(f"{path}: expected a tape with a whole header, found none")
    torn = f"{path.name}: the tail from byte {end} is torn, {size - end} bytes dropped" if end < size else None
    return Scan(tuple(blocks), end, torn)


def _block_at(descriptor: int, offset: int, size: int) -> Block | None:
    """The block that begins at `offset`; None when it is not whole."""
    head = os.pread(descriptor, _BLOCK_HEAD.size, offset)
    if len(head) < _BLOCK_HEAD.size:
        return None
    length, checksum = _BLOCK_HEAD.unpack(head)
    start = offset + _BLOCK_HEAD.size
    if start + length > size:
        return None
    frame = os.pread(descriptor, length, start)
    return Block(start, length) if frame[:4] == _FRAME_MAGIC and crc32(frame) == checksum else None


def _has_block_within(tail: bytes) -> bool:
    """True when a whole block begins somewhere after the first byte: then the damage is no torn tail."""
    at = tail.find(_FRAME_MAGIC, _BLOCK_HEAD.size + 1)
    while at >= 0:
        length, checksum = _BLOCK_HEAD.unpack(tail[at - _BLOCK_HEAD.size : at])
        if at + length <= len(tail) and crc32(tail[at : at + length]) == checksum:
            return True
        at = tail.find(_FRAME_MAGIC, at + 1)
    return False
