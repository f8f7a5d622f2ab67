"""The message log and its distrustful reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalper.errors import LogError
from scalper.message import Letter
from scalper.runtime.message_log import (
    BUFFER_BYTES,
    LogReader,
    MessageLog,
    Note,
    RawLine,
    compress_log,
    file_sha256,
    log_files,
    log_sha256,
)
from tests.runtime.specimens import AT, Spoken, Unwritable, spoken

HEADER = {"version": "1.0", "config": "c0ffee", "seed": "7"}
NEVER = 1 << 40


def a_letter(seq: int, *, cause: int = 0) -> Letter:
    return Letter(seq, cause, "feed", spoken(seq))


def a_log(folder: Path, seqs: Sequence[int] = (), *, first_seq: int = 1, rotate_bytes: int = NEVER) -> MessageLog:
    """A log of these letters, still open."""
    folder.mkdir(exist_ok=True)
    log = MessageLog(folder, "run-1", header=HEADER, first_seq=first_seq, rotate_bytes=rotate_bytes)
    for seq in seqs:
        log.letter(a_letter(seq), ("mill",))
    return log


def a_closed_log(folder: Path, seqs: Sequence[int], *, first_seq: int = 1, rotate_bytes: int = NEVER) -> Path:
    a_log(folder, seqs, first_seq=first_seq, rotate_bytes=rotate_bytes).close()
    return folder


def letters_in(folder: Path) -> list[int]:
    return [line.seq for line in LogReader(folder) if line.type]


def notes_in(folder: Path) -> list[str]:
    return [line.note for line in LogReader(folder) if line.note]


def change(path: Path, old: bytes, new: bytes) -> None:
    text = path.read_bytes()
    assert text.count(old) == 1
    path.write_bytes(text.replace(old, new))


def test_a_letter_is_one_line_with_its_place_its_cause_and_its_body(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.letter(a_letter(1, cause=0), ("mill", "kiln"))
    log.letter(a_letter(4, cause=1), ())
    log.close()

    lines = [json.loads(text) for text in log_files(tmp_path)[0].read_text().splitlines()[1:]]

    assert lines[0] == {
        "run": "run-1",
        "seq": 1,
        "prev": 0,
        "cause": 0,
        "at": "2026-01-13T10:00:00.001000+05:30",
        "from": "feed",
        "to": ["mill", "kiln"],
        "type": "Spoken",
        "body": {"at": "2026-01-13T10:00:00.001000+05:30", "number": 1},
    }
    assert (lines[1]["seq"], lines[1]["prev"], lines[1]["cause"], lines[1]["to"]) == (4, 1, 1, [])


def test_the_first_line_tells_what_wrote_the_log(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [])

    first = json.loads(log_files(tmp_path)[0].read_text())

    assert first == {"run": "run-1", "note": "part", "seq": 1, "body": HEADER}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    log = a_log(tmp_path, [1, 2])
    log.note(Note(run=log.run, note="started", actor="mill", at=AT))
    log.note(Note(run=log.run, note="order", actor="mill", seqs=(1, 2), passed=0))
    log.note(Note(run=log.run, note="crashed", actor="mill", seq=2, text="Fault: bang"))
    log.close()

    reader = LogReader(tmp_path)
    lines = list(reader)

    assert [line.seq for line in lines if line.type] == [1, 2]
    assert [line.sender for line in lines if line.type] == ["feed", "feed"]
    notes = [(line.note, line.actor, line.seq, line.seqs, line.text) for line in lines if line.note]
    assert notes[1:] == [
        ("started", "mill", 0, (), ""),
        ("order", "mill", 0, (1, 2), ""),
        ("crashed", "mill", 2, (), "Fault: bang"),
    ]
    assert (reader.last_seq, reader.torn) == (2, [])


def test_a_body_is_read_back_as_the_message_it_was(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1])

    line = next(line for line in LogReader(tmp_path) if line.type)

    read = msgspec.json.decode(line.body, type=Spoken)
    assert read == spoken(1)
    assert read.at.utcoffset() == timedelta(hours=5, minutes=30)


def test_seqs_that_went_to_the_tape_are_no_gap(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2, 7, 30])

    assert letters_in(tmp_path) == [1, 2, 7, 30]


def test_a_missing_line_is_refused(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2, 3])
    path = log_files(tmp_path)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))

    with pytest.raises(LogError, match=r":3: gap: the line before letter 3 should be letter 2, found letter 1"):
        list(LogReader(tmp_path))


def test_letters_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2, 3])
    path = log_files(tmp_path)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[3], lines[2]]))

    with pytest.raises(LogError, match="gap"):
        list(LogReader(tmp_path))


@pytest.mark.parametrize("kept_of_last_line", [1, 20, -1])
def test_a_torn_last_line_is_survived_and_reported(tmp_path: Path, kept_of_last_line: int) -> None:
    a_closed_log(tmp_path, [1, 2, 3])
    path = log_files(tmp_path)[0]
    *whole, last = path.read_bytes().splitlines(keepends=True)
    torn = last[:kept_of_last_line]
    path.write_bytes(b"".join(whole) + torn)

    reader = LogReader(tmp_path)

    assert [line.seq for line in reader if line.type] == [1, 2]
    assert reader.torn == [f"letters-0001.jsonl:4: torn last line of {len(torn)} bytes dropped"]
    assert reader.last_seq == 2


def test_a_torn_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2, 3])
    path = log_files(tmp_path)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:20] + b"\n"
    path.write_bytes(b"".join(lines))

    with pytest.raises(LogError, match=r"letters-0001\.jsonl:3: not a line of a message log"):
        list(LogReader(tmp_path))


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no letters-"):
        list(LogReader(tmp_path))


def test_a_second_part_after_a_crash_begins_a_new_file_and_goes_on_with_the_seq(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2, 3])
    first = log_files(tmp_path)[0]
    first.write_bytes(first.read_bytes()[:-10])
    reader = LogReader(tmp_path)
    list(reader)

    a_closed_log(tmp_path, [3, 4], first_seq=reader.last_seq + 1)

    again = LogReader(tmp_path)
    assert [line.seq for line in again if line.type] == [1, 2, 3, 4]
    assert [path.name for path in log_files(tmp_path)] == ["letters-0001.jsonl", "letters-0002.jsonl"]
    assert again.torn == [f"letters-0001.jsonl:4: torn last line of {len(_last_line(first))} bytes dropped"]


def _last_line(path: Path) -> bytes:
    return path.read_bytes().splitlines(keepends=True)[-1]


def test_files_rotate_at_their_size_and_are_chained_by_hash(tmp_path: Path) -> None:
    a_closed_log(tmp_path, range(1, 101), rotate_bytes=4_000)

    files = log_files(tmp_path)
    assert len(files) > 3
    for before, after in pairwise(files):
        first = json.loads(after.read_bytes().splitlines()[0])
        assert (first["note"], first["body"]) == ("chain", {"previous_sha256": file_sha256(before)})
        assert 4_000 <= before.stat().st_size < 4_400
    assert letters_in(tmp_path) == list(range(1, 101))


def test_files_rotate_however_often_they_are_flushed(tmp_path: Path) -> None:
    log = a_log(tmp_path / "flushed", rotate_bytes=4_000)
    for seq in range(1, 101):
        log.letter(a_letter(seq), ("mill",))
        log.flush()
    log.close()

    seldom = a_closed_log(tmp_path / "seldom", range(1, 101), rotate_bytes=4_000)

    assert len(log_files(seldom)) > 3
    assert log_sha256(tmp_path / "flushed") == log_sha256(seldom)


@pytest.mark.parametrize("rotate_bytes", [4_000, NEVER], ids=["chain", "part"])
def test_a_changed_earlier_file_is_refused(tmp_path: Path, rotate_bytes: int) -> None:
    a_closed_log(tmp_path, range(1, 31), rotate_bytes=rotate_bytes)
    a_closed_log(tmp_path, [31], first_seq=31)
    change(log_files(tmp_path)[0], b'"number":7}', b'"number":8}')

    with pytest.raises(LogError, match="the file before this one was changed"):
        list(LogReader(tmp_path))


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_refused(tmp_path: Path, missing: int) -> None:
    a_closed_log(tmp_path, range(1, 101), rotate_bytes=4_000)
    log_files(tmp_path)[missing].unlink()

    with pytest.raises(LogError, match="the file before this one was changed"):
        list(LogReader(tmp_path))


def test_compressing_keeps_every_byte_and_the_chain(tmp_path: Path) -> None:
    a_closed_log(tmp_path, range(1, 101), rotate_bytes=4_000)
    before, size = log_sha256(tmp_path), sum(path.stat().st_size for path in log_files(tmp_path))

    compress_log(tmp_path)

    assert {path.suffix for path in tmp_path.iterdir()} == {".gz"}
    assert sum(path.stat().st_size for path in log_files(tmp_path)) < size / 3
    assert log_sha256(tmp_path) == before
    assert letters_in(tmp_path) == list(range(1, 101))


def test_a_part_after_a_compressed_one_goes_on(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2])
    compress_log(tmp_path)

    a_closed_log(tmp_path, [3], first_seq=3)

    assert [path.name for path in log_files(tmp_path)] == ["letters-0001.jsonl.gz", "letters-0002.jsonl"]
    assert letters_in(tmp_path) == [1, 2, 3]


def test_a_compression_cut_off_before_it_removed_the_plain_file_changes_nothing(tmp_path: Path) -> None:
    a_closed_log(tmp_path, [1, 2])
    plain = log_files(tmp_path)[0].read_bytes()
    compress_log(tmp_path)
    (tmp_path / "letters-0001.jsonl").write_bytes(plain)
    (tmp_path / "letters-0001.jsonl.gz.partial").write_bytes(b"half")

    assert letters_in(tmp_path) == [1, 2]
    a_closed_log(tmp_path, [3], first_seq=3)
    compress_log(tmp_path)

    assert letters_in(tmp_path) == [1, 2, 3]


def test_a_broken_compressed_file_is_refused(tmp_path: Path) -> None:
    a_closed_log(tmp_path, range(1, 101))
    compress_log(tmp_path)
    path = log_files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(LogError, match=r"letters-0001\.jsonl\.gz: cannot be unpacked"):
        list(LogReader(tmp_path))


def test_equal_letters_give_equal_bytes_compressed_too(tmp_path: Path) -> None:
    one = a_closed_log(tmp_path / "one", range(1, 101), rotate_bytes=4_000)
    two = a_closed_log(tmp_path / "two", range(1, 101), rotate_bytes=4_000)

    assert log_sha256(one) == log_sha256(two)
    compress_log(one)
    compress_log(two)

    assert [path.read_bytes() for path in log_files(one)] == [path.read_bytes() for path in log_files(two)]


def test_nothing_is_written_before_it_is_flushed_or_the_buffer_is_full(tmp_path: Path) -> None:
    log = a_log(tmp_path, [1, 2])
    path = log_files(tmp_path)[0]

    before = path.stat().st_size
    log.flush()
    flushed = path.stat().st_size
    seq = 2
    while path.stat().st_size == flushed:
        seq += 1
        log.letter(a_letter(seq), ("mill",))
    log.close()

    assert before == 0
    assert seq > 2
    assert BUFFER_BYTES <= path.stat().st_size - flushed < BUFFER_BYTES + 1_000
    assert letters_in(tmp_path) == list(range(1, seq + 1))


def test_closing_writes_everything_and_is_harmless_twice(tmp_path: Path) -> None:
    log = a_log(tmp_path, [1])

    log.close()
    log.close()
    log.flush()

    assert letters_in(tmp_path) == [1]


def test_syncing_beside_a_rotation_or_a_close_is_harmless(tmp_path: Path) -> None:
    log = a_log(tmp_path, rotate_bytes=1_000)

    for seq in range(1, 31):
        log.letter(a_letter(seq), ("mill",))
        log.sync()
    log.close()
    log.sync()

    assert letters_in(tmp_path) == list(range(1, 31))


def test_a_letter_that_cannot_be_written_raises_and_leaves_no_gap(tmp_path: Path) -> None:
    log = a_log(tmp_path, [1])

    with pytest.raises(TypeError):
        log.letter(Letter(2, 0, "feed", Unwritable(at=AT, thing=object())), ("mill",))
    log.letter(a_letter(3), ("mill",))
    log.close()

    assert letters_in(tmp_path) == [1, 3]


def test_a_line_is_written_whole_when_the_system_takes_it_in_pieces(tmp_path: Path) -> None:
    log = a_log(tmp_path, range(1, 21))
    sip_through(log)

    log.close()

    assert letters_in(tmp_path) == list(range(1, 21))
    a_closed_log(tmp_path, [21], first_seq=21)
    assert letters_in(tmp_path)[-1] == 21


def test_lines_the_disk_had_no_room_for_are_written_once_it_has(tmp_path: Path) -> None:
    log = a_log(tmp_path, range(1, 21))
    sipping = sip_through(log)
    sipping.room = 700

    with pytest.raises(OSError, match="no room"):
        log.flush()
    sipping.room = NEVER
    log.close()

    assert letters_in(tmp_path) == list(range(1, 21))


class Sipping:
    """A raw file that takes few bytes at a time, and only while there is room."""

    def __init__(self, file: IO[bytes]) -> None:
        self._sipped = file
        self.room = NEVER

    def write(self, text: memoryview) -> int:
        if not self.room:
            raise OSError("no room")
        piece = bytes(text)[: min(100, self.room)]
        self.room -= len(piece)
        return self._sipped.write(piece)

    def fileno(self) -> int:
        return self._sipped.fileno()

    def close(self) -> None:
        self._sipped.close()


def sip_through(log: MessageLog) -> Sipping:
    """Put a sipping file between a log and its file."""
    assert log._file is not None
    sipping = Sipping(log._file)
    log._file = cast("IO[bytes]", sipping)
    return sipping


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 2_000), rotate_bytes=st.sampled_from([700, 1_500, NEVER]))
def test_whatever_is_cut_off_the_end_the_rest_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rotate_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    a_closed_log(folder, range(1, 11), rotate_bytes=rotate_bytes)
    last = log_files(folder)[-1]
    last.write_bytes(last.read_bytes()[:-cut])

    reader = LogReader(folder)
    seqs = [line.seq for line in reader if _is_letter(line)]

    assert seqs == list(range(1, len(seqs) + 1))
    assert len(reader.torn) <= 1


def _is_letter(line: RawLine) -> bool:
    return bool(line.type)
