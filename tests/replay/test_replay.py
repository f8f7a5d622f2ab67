"""A replay says "equal" only of what is equal: every way of being other is found, and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from scalper.config import load_config
from scalper.errors import LogError
from scalper.replay import replay
from scalper.run import Onlooker, Request, run_day
from tests.traded_day import write_traded_day

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log folder of a short day with one trade, in the middle of which two actors failed."""
    folder = tmp_path_factory.mktemp("recorded")
    request = Request(
        config=load_config(None, (), {}),
        home=folder / "home",
        source=write_traded_day(folder / "days"),
        speed=None,
        crash_after={"risk_manager": 9_000, "order_update_handler": 1},
    )
    summary = run_day(request, Onlooker(), 0.0)
    return Path(summary["message_log"])


@pytest.fixture
def log(recorded: Path, tmp_path: Path) -> Path:
    """A copy that may be spoiled."""
    return copytree(recorded, tmp_path / "log")


def changed(log: Path, change: Callable[[Lines], Lines]) -> None:
    """Rewrite the letters of a copied log."""
    path = log / "letters-0001.jsonl"
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in change(lines)), encoding="utf-8")


def first(lines: Lines, kind: str) -> dict[str, Any]:
    return next(line for line in lines if line.get("type") == kind)


def test_a_day_with_failing_actors_is_reproduced(recorded: Path) -> None:
    report = replay(recorded)

    assert report.difference is None
    assert report.unhandled == 0
    assert report.compared > 1000


def test_a_decision_that_was_changed_in_the_log_is_the_first_difference(log: Path) -> None:
    def raise_the_stop(lines: Lines) -> Lines:
        first(lines, "ExitCandidate")["body"]["stop_paise"] += 5
        return lines

    changed(log, raise_the_stop)

    difference = replay(log).difference

    assert difference is not None
    assert difference.actor == "risk_manager"
    assert difference.expected.startswith("ExitCandidate to signal_manager")
    assert difference.expected != difference.found


def test_an_input_that_was_changed_leads_to_a_difference(log: Path) -> None:
    def tell_another_fill(lines: Lines) -> Lines:
        first(lines, "OrderUpdate")["body"]["trades"][0][2] += 5
        return lines

    changed(log, tell_another_fill)

    difference = replay(log).difference

    assert difference is not None
    assert difference.actor == "order_gateway.paper"


def test_a_letter_sent_to_others_than_recorded_is_a_difference(log: Path) -> None:
    def hide_from_the_exit_engine(lines: Lines) -> Lines:
        first(lines, "ExitIntentApproved")["to"].remove("exit_engine")
        return lines

    changed(log, hide_from_the_exit_engine)

    difference = replay(log).difference

    assert difference is not None
    assert difference.actor == "signal_manager"
    assert "exit_engine" in difference.found.partition(":")[0]


def test_a_line_taken_out_is_a_gap(log: Path) -> None:
    changed(log, lambda lines: [line for line in lines if line.get("type") != "ExitCandidate"])

    with pytest.raises(LogError, match="gap"):
        replay(log)


def test_a_line_taken_out_with_its_trace_is_missing_from_log_and_tape(log: Path) -> None:
    def forge(lines: Lines) -> Lines:
        victim = first(lines, "ExitCandidate")
        heir = next(line for line in lines if line.get("prev") == victim["seq"])
        heir["prev"] = victim["prev"]
        lines.remove(victim)
        return lines

    changed(log, forge)

    with pytest.raises(LogError, match="neither in the log nor on the tape"):
        replay(log)


def test_a_part_whose_process_was_killed_is_compared_as_far_as_its_log_goes(log: Path) -> None:
    changed(log, lambda lines: lines[: len(lines) // 2])

    report = replay(log)

    assert report.difference is None
    assert report.compared > 500


def test_an_unknown_type_of_letter_is_refused_by_name(log: Path) -> None:
    def from_the_future(lines: Lines) -> Lines:
        first(lines, "Pulse")["type"] = "Quantum"
        return lines

    changed(log, from_the_future)

    with pytest.raises(LogError, match="unknown type Quantum"):
        replay(log)


def test_a_folder_without_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no recorded day"):
        replay(tmp_path)
