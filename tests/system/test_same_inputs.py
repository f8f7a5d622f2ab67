"""Equal inputs, equal letters: on fresh homes, from recordings, on other stores."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
import redis

from scalper.replay import replay
from tests.system.check import faults_of, finished_day
from tests.system.harness import Ended, at_once, ended, log_folder, log_of, run_arguments, started

Homes = dict[str, tuple[Ended, Path]]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, short_day: Path) -> Homes:
    """The short day on the Stepper: twice with one seed, once with another."""
    folder = tmp_path_factory.mktemp("homes")
    seeds = {"first": 1, "second": 1, "other": 2}
    runs = [partial(_play, short_day, folder / name, seed) for name, seed in seeds.items()]
    return {name: (end, folder / name) for name, end in zip(seeds, at_once(runs), strict=True)}


def _play(day: Path, home: Path, seed: int, variables: Mapping[str, str] | None = None) -> Ended:
    return ended(started(*run_arguments(day, home, "--speed", "max", "--seed", str(seed)), variables=variables))


def test_the_same_command_on_a_fresh_home_gives_the_same_log_byte_for_byte(homes: Homes) -> None:
    (first, first_home), (second, second_home) = homes["first"], homes["second"]

    assert (first.code, second.code) == (0, 0)
    assert log_of(first_home) == log_of(second_home)
    assert first.summary["message_log_sha256"] == second.summary["message_log_sha256"]
    assert first.summary["positions"] == second.summary["positions"]


def test_another_seed_gives_another_log(homes: Homes) -> None:
    (first, _), (other, _) = homes["first"], homes["other"]

    assert other.code == 0
    assert first.summary["message_log_sha256"] != other.summary["message_log_sha256"]


@pytest.mark.parametrize("name", ["first", "other"])
def test_a_short_day_keeps_its_windows_tags_lots_and_money(homes: Homes, name: str) -> None:
    end, home = homes[name]

    assert end.summary["positions"]
    assert faults_of(finished_day(home), end.summary) == []


def test_a_replay_of_a_stepped_run_reproduces_every_letter(homes: Homes) -> None:
    end, home = homes["first"]

    report = replay(log_folder(home))

    assert (report.difference, report.unhandled) == (None, 0)
    assert report.letters == end.summary["letters"]
    assert report.compared > 0


def test_servers_give_the_same_positions_as_the_embedded_stores(
    homes: Homes, tmp_path: Path, short_day: Path, postgres_database: str, redis_database: str
) -> None:
    embedded, _ = homes["first"]
    home, urls = tmp_path / "home", {"DATABASE_URL": postgres_database, "REDIS_URL": redis_database}

    end = _play(short_day, home, 1, urls)

    assert end.code == 0, end.said
    assert end.summary["positions"] == embedded.summary["positions"]
    assert end.summary["refusals"] == embedded.summary["refusals"]
    assert end.summary["database"].startswith("PostgreSQL")
    assert not (home / "scalper.db").exists()
    assert faults_of(finished_day(home, postgres_database), end.summary) == []
    with redis.Redis.from_url(redis_database, socket_timeout=5.0) as client:
        assert client.dbsize() > 0
