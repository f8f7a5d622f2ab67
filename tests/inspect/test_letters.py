"""Letters by type and by position; days by date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scalper.errors import InputError, LogError, UsageError
from scalper.inspect.letters import letters_of
from scalper.inspect.positions import day_positions
from scalper.inspect.reading import Reading, reading
from scalper.run import Onlooker
from scalper.runtime.message_log import Line, compress_log
from tests.inspect.conftest import CONFIG, played


def found(read: Reading, type_name: str | None = None, position_id: int | None = None, limit: int = 0) -> list[Line]:
    folder = read.log_of(read.day(None).day)
    return list(letters_of(folder, type_name=type_name, position_id=position_id, limit=limit))


def test_letters_about_a_position_include_those_that_name_it_inside(traded: Reading) -> None:
    types = {letter.type for letter in found(traded, position_id=1)}

    assert {"PositionPending", "SubmitOrders", "PositionMarked", "ExitIntentApproved", "PositionClosed"} <= types
    assert "SignalEvaluated" not in types


def test_no_letter_is_about_a_position_that_is_not_there(traded: Reading) -> None:
    assert found(traded, position_id=9) == []


def test_a_limit_keeps_the_last(traded: Reading) -> None:
    every = found(traded, "CandleClosed")

    assert found(traded, "CandleClosed", limit=3) == every[-3:]


def test_pulses_are_told_only_when_they_are_asked_for(traded: Reading) -> None:
    assert "Pulse" not in {letter.type for letter in found(traded)}
    assert {letter.type for letter in found(traded, "Pulse", limit=5)} == {"Pulse"}


def test_a_known_type_that_did_not_occur_gives_nothing(traded: Reading) -> None:
    assert found(traded, "CircuitTripped") == []


@pytest.mark.parametrize(("type_name", "told"), [("CandelClosed", "CandleClosed"), ("HeldTicks", "on the tape")])
def test_a_type_that_is_never_logged_is_refused(traded: Reading, type_name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        found(traded, type_name)


def test_a_compressed_log_is_read_like_a_plain_one(tmp_path: Path, day: Path) -> None:
    with reading(CONFIG, played(tmp_path, day, Onlooker())) as read:
        plain = found(read, position_id=1)

        compress_log(read.log_of(read.day(None).day))

        assert found(read, position_id=1) == plain


def test_a_log_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no letters"):
        letters_of(tmp_path, type_name=None, position_id=None, limit=0)


def test_a_day_that_the_home_does_not_hold_is_refused_with_those_it_holds(traded: Reading) -> None:
    with pytest.raises(UsageError, match="expected one of 2026-01-13"):
        traded.day(date(2026, 1, 12))


def test_a_home_without_a_database_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to read"), reading(CONFIG, tmp_path / "none"):
        pass

    assert not (tmp_path / "none").exists()


def test_positions_are_told_with_their_stop_and_how_they_stand(traded: Reading, stopped: Reading) -> None:
    (sold,) = day_positions(traded, traded.day(None))["positions"]
    (held,) = day_positions(stopped, stopped.day(None))["positions"]

    assert (sold["status"], sold["open_quantity"], sold["mark_rupees"]) == ("EXITED", 0, None)
    assert (held["status"], held["open_quantity"], held["stop_price"]) == ("ACTIVE", 65, 70.1)
    assert held["stop_source"] == "initial"
