"""Tapes: written, read, torn, resumed."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from scalper.domain.quotes import Candle, Tick
from scalper.errors import InputError, LogError
from scalper.tape.blocks import MAGIC
from scalper.tape.file import TapeHeader, TapeReader, TapeRecord, TapeWriter

HEADER = TapeHeader(
    day=date(2026, 1, 13),
    market="NIFTY-2026-01-13",
    market_kind="tape",
    seed=7,
    opens_at_us=1_768_275_900_000_000,
    closes_at_us=1_768_298_400_000_000,
    instruments=(),
    warm_up={"IDX_I:13": (Candle(1_768_189_500_000_000, 1, 4, 1, 2),)},
)


def a_record(seq: int, ticks: int = 1) -> TapeRecord:
    made = tuple(Tick("NSE_FNO:40001", 1_768_275_900_000_000 + seq, 30_000 + k) for k in range(ticks))
    return TapeRecord(seq, 0, "feed_hub", ("tick_cache",), "FeedFrame", 1_768_275_900_000_000 + seq, made)


def a_tape(path: Path, blocks: int, records_per_block: int = 2) -> list[TapeRecord]:
    records = [a_record(seq) for seq in range(blocks * records_per_block)]
    writer = TapeWriter.create(path, HEADER)
    for k, record in enumerate(records):
        writer.append(record)
        if (k + 1) % records_per_block == 0:
            writer.flush()
    writer.close()
    return records


def test_tape_gives_back_what_was_written(tmp_path: Path) -> None:
    records = a_tape(tmp_path / "day.tape", blocks=3)

    reader = TapeReader.open(tmp_path / "day.tape")

    assert reader.header == HEADER
    assert list(reader) == records
    assert (reader.blocks, reader.torn) == (3, None)


def test_flushed_records_can_be_read_while_the_tape_is_written(tmp_path: Path) -> None:
    writer = TapeWriter.create(tmp_path / "day.tape", HEADER)
    writer.append(a_record(1))
    writer.flush()
    writer.append(a_record(2))

    assert list(TapeReader.open(tmp_path / "day.tape")) == [a_record(1)]

    writer.close()
    assert list(TapeReader.open(tmp_path / "day.tape")) == [a_record(1), a_record(2)]


def test_block_ends_by_itself_when_it_is_full(tmp_path: Path) -> None:
    writer = TapeWriter.create(tmp_path / "day.tape", HEADER)

    for seq in range(5):
        writer.append(a_record(seq, ticks=1_000))

    assert TapeReader.open(tmp_path / "day.tape").blocks == 2
    writer.close()


def test_empty_flush_writes_nothing(tmp_path: Path) -> None:
    a_tape(tmp_path / "day.tape", blocks=1)
    size = (tmp_path / "day.tape").stat().st_size

    writer = TapeWriter.resume(tmp_path / "day.tape")
    writer.flush()
    writer.close()
    writer.close()

    assert (tmp_path / "day.tape").stat().st_size == size


@pytest.mark.parametrize("lost", [1, 7, 40])
def test_torn_tail_is_dropped_and_said(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "day.tape"
    records = a_tape(path, blocks=3)
    os.truncate(path, path.stat().st_size - lost)

    reader = TapeReader.open(path)

    assert list(reader) == records[:4]
    assert reader.torn is not None
    assert "bytes dropped" in reader.torn


@pytest.mark.parametrize("tail", [b"\x05", b"\0" * 64, b"\x28\xb5\x2f\xfd" * 30, bytes(range(200))])
def test_garbage_after_the_last_block_is_dropped_and_said(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "day.tape"
    records = a_tape(path, blocks=2)
    path.write_bytes(path.read_bytes() + tail)

    reader = TapeReader.open(path)

    assert list(reader) == records
    assert reader.torn is not None
    assert f"{len(tail)} bytes dropped" in reader.torn


def test_resumed_tape_goes_on_after_its_last_whole_block(tmp_path: Path) -> None:
    path = tmp_path / "day.tape"
    records = a_tape(path, blocks=3)
    os.truncate(path, path.stat().st_size - 5)

    writer = TapeWriter.resume(path)
    writer.append(a_record(99))
    writer.close()

    assert writer.torn is not None
    reader = TapeReader.open(path)
    assert list(reader) == [*records[:4], a_record(99)]
    assert reader.torn is None


@pytest.mark.parametrize("where", ["length", "payload"])
def test_damage_before_whole_blocks_is_an_error_and_no_torn_tail(tmp_path: Path, where: str) -> None:
    path = tmp_path / "day.tape"
    a_tape(path, blocks=1)
    first_end = path.stat().st_size
    path.unlink()
    a_tape(path, blocks=3)
    content = bytearray(path.read_bytes())
    content[first_end + (2 if where == "length" else 20)] ^= 0xFF
    path.write_bytes(bytes(content))

    with pytest.raises(LogError, match=f"block at byte {first_end} is damaged"):
        TapeReader.open(path)
    with pytest.raises(LogError):
        TapeWriter.resume(path)


@pytest.mark.parametrize("content", [b"", b"PAR1 and so on", MAGIC[:-1] + b"\x02", MAGIC, MAGIC + b"\0\0\0"])
def test_file_that_is_no_tape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "day.tape"
    path.write_bytes(content)

    with pytest.raises(InputError, match="expected"):
        TapeReader.open(path)


def test_missing_tape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a tape"):
        TapeReader.open(tmp_path / "day.tape")


def test_existing_tape_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "day.tape"
    a_tape(path, blocks=1)

    with pytest.raises(LogError, match="expected no such tape"):
        TapeWriter.create(path, HEADER)


def test_tape_that_cannot_be_started_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be started"):
        TapeWriter.create(tmp_path / "missing" / "day.tape", HEADER)

    assert list(tmp_path.iterdir()) == []


def test_block_that_finds_no_room_is_not_there_at_all_and_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "day.tape"
    writer = TapeWriter.create(path, HEADER)
    writer.append(a_record(1, ticks=500))
    size = path.stat().st_size
    soft, hard = getrlimit(RLIMIT_FSIZE)

    setrlimit(RLIMIT_FSIZE, (size + 50, hard))
    try:
        with pytest.raises(LogError, match="1 records could not be written"):
            writer.flush()
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
    size_after = path.stat().st_size
    writer.append(a_record(2))
    writer.close()

    assert size_after == size
    assert [record.seq for record in TapeReader.open(path)] == [1, 2]


def test_record_after_the_close_is_refused(tmp_path: Path) -> None:
    writer = TapeWriter.create(tmp_path / "day.tape", HEADER)
    writer.close()

    with pytest.raises(LogError, match="closed"):
        writer.append(a_record(1))


def test_closed_reader_is_closed(tmp_path: Path) -> None:
    a_tape(tmp_path / "day.tape", blocks=1)
    reader = TapeReader.open(tmp_path / "day.tape")
    reader.close()
    reader.close()

    with pytest.raises(LogError, match="closed"):
        reader.block(0)
