"""Homes to read: a day that was traded, one whose orders the broker refused, one that was stopped in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scalper.actors.dashboard import Picture
from scalper.broker.paper import Check
from scalper.config import load_config
from scalper.inspect.reading import Reading, reading
from scalper.run import DayRun, Onlooker, Request, run_day
from tests.traded_day import write_traded_day

CONFIG = load_config(None, [], {})


class StopAtFirstPosition(Onlooker):
    """Asks for an orderly stop once a position is open."""

    def __init__(self) -> None:
        self.run: DayRun | None = None

    def hand_over(self, run: DayRun) -> None:
        self.run = run

    def wants_a_look(self) -> bool:
        return True

    def look(self, picture: Picture) -> None:
        if self.run is not None and any(position.quantity for position in picture.positions):
            self.run.request_stop()


@pytest.fixture(scope="package")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traded_day(tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="package")
def traded(tmp_path_factory: pytest.TempPathFactory, day: Path) -> Iterator[Reading]:
    """One call bought at 09:20 and sold at the end of the session."""
    with reading(CONFIG, played(tmp_path_factory.mktemp("traded"), day, Onlooker())) as read:
        yield read


@pytest.fixture(scope="package")
def refused(tmp_path_factory: pytest.TempPathFactory, day: Path) -> Iterator[Reading]:
    """Every order was refused by the broker."""
    home = played(tmp_path_factory.mktemp("refused"), day, Onlooker(), lambda order, at: "no margin")
    with reading(CONFIG, home) as read:
        yield read


@pytest.fixture(scope="package")
def stopped(tmp_path_factory: pytest.TempPathFactory, day: Path) -> Iterator[Reading]:
    """Stopped while the call was held."""
    with reading(CONFIG, played(tmp_path_factory.mktemp("stopped"), day, StopAtFirstPosition())) as read:
        yield read


def played(home: Path, day: Path, onlooker: Onlooker, paper_check: Check | None = None) -> Path:
    """Play the day as fast as may be; gives the home."""
    request = Request(config=CONFIG, home=home, source=day, speed=None)
    hand_over = onlooker.hand_over if isinstance(onlooker, StopAtFirstPosition) else lambda run: None
    run_day(request, onlooker, 0.0, on_begin=hand_over, paper_check=paper_check)
    return home
