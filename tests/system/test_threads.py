"""The short day on threads at a multiple of the clock: undisturbed, and with actors that fail in the middle of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from scalper.replay import replay
from scalper.runtime.message_log import LogReader
from tests.system.check import faults_of, finished_day
from tests.system.harness import Ended, at_once, ended, log_folder, notes_of, run_arguments, started

SPEED = "600"
#: Letters after which each actor fails: all of them while the first or second position is open.
CRASHES: Mapping[str, int] = {
    "feed_hub": 700,
    "tick_cache": 700,
    "active_cache": 100,
    "position_index": 2,
    "risk_manager": 250,
    "trailing_engine": 200,
    "pnl_updater": 200,
    "exit_engine": 200,
    "order_update_handler": 1,
}
#: Each alone, all in one day, and nobody.
RUNS: Mapping[str, Mapping[str, int]] = {
    "nobody": {},
    "everybody": CRASHES,
    **{name: {name: letters} for name, letters in CRASHES.items()},
}
Played = dict[str, tuple[Ended, Path]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, short_day: Path) -> Played:
    folder = tmp_path_factory.mktemp("homes")
    runs = [partial(_play, short_day, folder / name, crash) for name, crash in RUNS.items()]
    return {name: (end, folder / name) for name, end in zip(RUNS, at_once(runs), strict=True)}


def _play(day: Path, home: Path, crash: Mapping[str, int]) -> Ended:
    told = ",".join(f"{name}:{letters}" for name, letters in crash.items())
    return ended(started(*run_arguments(day, home, "--speed", SPEED), variables={"SCALPER_CRASH": told}))


def test_a_day_on_threads_trades_and_ends_flat_without_a_crash_or_a_dead_letter(played: Played) -> None:
    end, home = played["nobody"]

    assert end.code == 0, end.said
    assert end.summary["positions"]
    assert end.summary["open_positions"] == 0
    assert notes_of(home, "crashed") == []
    assert _given_up(home) == []
    assert _addressees(home) <= set(notes_of(home, "started"))


@pytest.mark.parametrize("name", RUNS)
def test_a_day_on_threads_keeps_its_windows_tags_lots_and_money_whoever_fails(played: Played, name: str) -> None:
    end, home = played[name]

    assert end.code == 0, end.said
    assert end.summary["positions"]
    assert faults_of(finished_day(home), end.summary) == []


@pytest.mark.parametrize("name", [name for name in RUNS if name != "nobody"])
def test_an_actor_that_fails_in_the_middle_of_the_day_is_started_again_once(played: Played, name: str) -> None:
    _, home = played[name]

    starts = notes_of(home, "started")
    assert sorted(notes_of(home, "crashed")) == sorted(RUNS[name])
    assert {actor for actor in starts if starts.count(actor) == 2} == set(RUNS[name])
    assert _given_up(home) == []


@pytest.mark.parametrize("name", ["nobody", "everybody", "exit_engine", "order_update_handler"])
def test_a_replay_of_a_threaded_run_reproduces_every_letter(played: Played, name: str) -> None:
    """Also those behind a crash: none may stay unhandled, and what they gave has to be what is on record."""
    end, home = played[name]

    report = replay(log_folder(home))

    assert (report.difference, report.unhandled) == (None, 0)
    assert report.letters == end.summary["letters"]


def _given_up(home: Path) -> list[str]:
    return [line.type for line in LogReader(log_folder(home)) if line.type == "ChildGaveUp"]


def _addressees(home: Path) -> set[str]:
    return {name for line in LogReader(log_folder(home)) for name in line.to}
