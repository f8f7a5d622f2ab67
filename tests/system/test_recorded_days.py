"""Whole recorded days as a trader plays them: `run --day … --speed max --json`, one process each."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import pytest

from tests.shared_files import SHARED
from tests.system.check import FinishedDay, faults_of, finished_day
from tests.system.harness import Ended, at_once, ended, run_arguments, started

pytestmark = pytest.mark.shared

#: An ordinary day, the Sunday session on the other exchange, the day that ends early, and the oldest one.
DAYS = ("NIFTY-2026-02-03", "SENSEX-2026-02-01", "NIFTY-2026-03-09", "BANKNIFTY-2023-04-10")
Played = dict[str, tuple[Ended, Path]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Every day, played once on a fresh home under the shipped configuration."""
    folder = tmp_path_factory.mktemp("homes")
    runs = [partial(_play, name, folder / name) for name in DAYS]
    return {name: (end, folder / name) for name, end in zip(DAYS, at_once(runs, workers=2), strict=True)}


def _play(name: str, home: Path) -> Ended:
    return ended(started(*run_arguments(SHARED / "data" / "days" / name, home, "--speed", "max", sets=())))


def test_an_ordinary_day_has_a_position_and_ends_flat(played: Played) -> None:
    end, _ = played["NIFTY-2026-02-03"]

    assert end.code == 0
    assert end.summary["positions"]
    assert end.summary["open_positions"] == 0


@pytest.mark.parametrize("name", DAYS)
def test_a_recorded_day_keeps_its_windows_tags_lots_and_money(played: Played, name: str) -> None:
    end, home = played[name]

    assert end.code == 0, end.said
    assert faults_of(finished_day(home), end.summary) == []


@pytest.mark.parametrize("name", DAYS)
def test_every_candle_of_the_day_is_judged_and_every_signal_ends_in_an_intent(played: Played, name: str) -> None:
    end, home = played[name]

    found = finished_day(home)

    funnel = found.funnel
    assert funnel["evaluations"] == _minutes_of(found)
    assert funnel["evaluations"] - sum(funnel["avoided"].values()) >= funnel["signals"] == end.summary["signals"]
    assert sum(funnel["refused"].values()) + funnel["entries"] + funnel["failed"] == len(found.intents)
    assert funnel["refused"] == end.summary["refusals"]


def _minutes_of(found: FinishedDay) -> int:
    return int((found.session.closes_at - found.session.opens_at).total_seconds()) // 60


@pytest.mark.parametrize(
    ("name", "ladder"),
    [
        ("NIFTY-2026-02-03", ("09:20", "15:00", "15:15", "15:20", "15:30")),
        ("SENSEX-2026-02-01", ("09:20", "15:00", "15:15", "15:20", "15:30")),
    ],
)
def test_a_full_day_has_the_usual_ladder(played: Played, name: str, ladder: tuple[str, ...]) -> None:
    session = finished_day(played[name][1]).session

    steps = (session.entries_from, session.no_new_entries_at, session.session_end_at, session.time_exit_at)
    assert tuple(f"{at:%H:%M}" for at in (*steps, session.closes_at)) == ladder


def test_a_day_that_ends_early_moves_its_ladder_ahead_of_its_last_bar(played: Played) -> None:
    found = finished_day(played["NIFTY-2026-03-09"][1])

    session = found.session
    before_end = [session.closes_at - at for at in (session.no_new_entries_at, session.session_end_at)]
    assert found.day.day == date(2026, 3, 9)
    assert f"{session.closes_at:%H:%M}" < "15:30"
    assert [each.total_seconds() // 60 for each in before_end] == [30, 15]
    assert (session.closes_at - session.time_exit_at).total_seconds() == 600
