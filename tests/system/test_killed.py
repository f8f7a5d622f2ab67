"""The process is killed in the middle of a day; the same command on the same home takes up what it left."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from scalper.actors.messages.positions import PositionSnapshot
from scalper.domain.positions import Position
from scalper.journal import read_header, run_files
from scalper.replay import replay
from scalper.runtime.clock import monotonic_s
from scalper.runtime.message_log import LogReader
from tests.system.check import faults_of, finished_day
from tests.system.harness import RUN_S_MAX, Ended, ended, log_folder, run_arguments, started

_HELD = "SELECT id, trade_intent_id, hwm_ltp_paise, stop_paise FROM positions WHERE status = 'ACTIVE'"
#: A position that has been in profit, so that there is a high water mark to lose.
_WITH_PEAK = f"{_HELD} AND hwm_ltp_paise > entry_price_paise"
#: A position that is being sold at this moment.
_LEAVING = f"{_HELD} AND id IN (SELECT position_id FROM exit_intents WHERE status IN ('APPROVED', 'PLACED'))"
#: An exchange that takes fourteen seconds of market time over every order: long enough to be killed in between.
_SLOW = ("--set", "paper.latency_ms=14000")
KILLED = -9


class Held(msgspec.Struct, frozen=True):
    """One open position as the rows had it when the process died."""

    id: int
    trade_intent_id: int
    hwm_ltp_paise: int
    stop_paise: int


def wait_for_row(home: Path, query: str, process: subprocess.Popen[str]) -> None:
    """Look into the database of a running process until there is such a row."""
    end_s = monotonic_s() + RUN_S_MAX
    while not (home / "scalper.db").exists() or not _rows(home, query):
        assert process.poll() is None, "the day was over before there was such a position"
        assert monotonic_s() < end_s, "no such position came"
        Event().wait(0.005)


def _rows(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{home / 'scalper.db'}?mode=ro", uri=True, timeout=5.0)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


@pytest.fixture(scope="module", params=[(_WITH_PEAK, "200", ()), (_LEAVING, "200", _SLOW)], ids=["holding", "leaving"])
def killed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, short_day: Path
) -> tuple[Held, Ended, Path]:
    """What was held when the process was killed, how the second run ended, and the home of both."""
    query, speed, more = request.param
    home = tmp_path_factory.mktemp("killed") / "home"
    first = started(*run_arguments(short_day, home, "--speed", speed, *more))
    wait_for_row(home, query, first)
    first.kill()
    assert ended(first).code == KILLED
    (held,) = (Held(*row) for row in _rows(home, _HELD))
    second = ended(started(*run_arguments(short_day, home, "--speed", "max", *more)))
    return held, second, home


def test_a_killed_day_is_gone_on_with_and_ends_flat(killed: tuple[Held, Ended, Path]) -> None:
    _, end, home = killed

    assert end.code == 0, end.said
    assert faults_of(finished_day(home), end.summary) == []
    assert len(run_files(log_folder(home))) == 2


def test_no_intent_is_acted_on_twice(killed: tuple[Held, Ended, Path]) -> None:
    held, _, home = killed

    found = finished_day(home)

    (position,) = (one for one in found.positions if one.trade_intent_id == held.trade_intent_id)
    entries = [one for one in found.orders.values() if one.position_id == held.id and one.side == "BUY"]
    assert position.id == held.id
    assert len(entries) == 1
    assert position.bought_quantity == position.sold_quantity == position.ordered_quantity


def test_an_open_position_is_known_again_with_its_high_water_mark_and_stop(killed: tuple[Held, Ended, Path]) -> None:
    held, _, home = killed

    again = _first_snapshot_of_second_part(home, held.id)

    assert again.trail is not None
    assert again.trail.hwm_ltp_paise >= held.hwm_ltp_paise
    assert again.trail.stop_paise >= held.stop_paise
    final = next(one for one in finished_day(home).positions if one.id == held.id)
    assert final.trail is not None and final.trail.stop_paise >= again.trail.stop_paise


def test_a_replay_reproduces_both_parts(killed: tuple[Held, Ended, Path]) -> None:
    _, _, home = killed

    report = replay(log_folder(home))

    assert report.difference is None
    assert len(report.runs) == 2


def _first_snapshot_of_second_part(home: Path, position_id: int) -> Position:
    """The position as PositionTracker told it first after the restart."""
    first_seq = read_header(run_files(log_folder(home))[1]).first_seq
    snapshots = (
        msgspec.json.decode(line.body, type=PositionSnapshot)
        for line in LogReader(log_folder(home))
        if line.type == PositionSnapshot.__name__ and line.seq >= first_seq
    )
    return next(one for one in next(snapshots).open_positions if one.id == position_id)


def test_a_process_killed_before_it_wrote_a_line_leaves_nothing_in_the_way(tmp_path: Path, short_day: Path) -> None:
    home = tmp_path / "home"
    arguments = run_arguments(short_day, home, "--speed", "max")
    first = started(*arguments)
    end_s = monotonic_s() + RUN_S_MAX
    while not list(home.glob("log/*/*.tape")) and monotonic_s() < end_s:
        Event().wait(0.001)
    first.kill()
    assert ended(first).code == KILLED

    second = ended(started(*arguments))

    assert second.code == 0, second.said
    assert faults_of(finished_day(home), second.summary) == []
    assert replay(log_folder(home)).difference is None
