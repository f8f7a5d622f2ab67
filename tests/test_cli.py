"""The command line as a process: exit codes, one JSON object on stdout, orderly stops, resumed and finished days."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scalper.cli import main
from scalper.store.database import Store
from tests.tidy import ROOT
from tests.traded_day import SYMBOL, write_traded_day

SUMMARY_KEYS = [
    "day",
    "mode",
    "market",
    "seed",
    "runtime",
    "ticks",
    "letters",
    "wall_s",
    "signals",
    "refusals",
    "open_positions",
    "realised_net_rupees",
    "message_log",
    "message_log_sha256",
    "database",
    "positions",
]
POSITION_KEYS = [
    "id",
    "account",
    "symbol",
    "side",
    "quantity",
    "entry_at",
    "entry_price",
    "exit_at",
    "exit_price",
    "exit_tag",
    "exit_reason",
    "high_water_mark",
    "gross_rupees",
    "charges_rupees",
    "net_rupees",
]
#: Nothing that is started here takes longer on a machine that is busy.
PROCESS_S_MAX = 60
STOP_S_MAX = 5.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", "scalper.cli", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """Without anything that another shell would make the program read."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def scalper(*arguments: object, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PROCESS_S_MAX,
        check=False,
    )


def the_object(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What stdout holds, which must be one object and nothing else."""
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traded_day(tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def played(day: Path, home: Path) -> dict[str, Any]:
    """The summary of the day, played as fast as may be into `home`."""
    return the_object(scalper("run", "--day", day, "--speed", "max", "--home", home, "--json"))


def test_json_of_a_run_is_one_object_with_exactly_the_keys_that_were_promised(played: dict[str, Any]) -> None:
    assert list(played) == SUMMARY_KEYS
    assert [list(position) for position in played["positions"]] == [POSITION_KEYS]


def test_a_run_tells_what_was_bought_and_sold(played: dict[str, Any]) -> None:
    (position,) = played["positions"]

    assert (position["symbol"], position["quantity"]) == (SYMBOL, 65)
    assert position["exit_tag"] == "session_end_0945"
    assert played["realised_net_rupees"] == position["net_rupees"]
    assert (played["open_positions"], played["runtime"], played["market"]) == (0, "stepper", "tape")


def test_a_finished_day_is_told_again_and_not_played_again(day: Path, home: Path, played: dict[str, Any]) -> None:
    again = the_object(scalper("run", "--day", day, "--speed", "max", "--home", home, "--json"))

    assert again == played


def test_another_seed_of_a_played_day_is_refused(day: Path, home: Path, played: dict[str, Any]) -> None:
    done = scalper("run", "--day", day, "--seed", 2, "--speed", "max", "--home", home, "--json")

    assert (done.returncode, done.stdout) == (64, "")
    assert "with seed 1, asked for 2" in done.stderr


def test_another_day_joins_in_the_same_database(tmp_path: Path, home: Path, played: dict[str, Any]) -> None:
    other = write_traded_day(tmp_path, date(2026, 1, 14))

    joined = the_object(scalper("run", "--day", other, "--speed", "max", "--home", home, "--json"))

    assert (joined["day"], joined["database"]) == ("2026-01-14", played["database"])
    assert [position["id"] for position in joined["positions"]] == [2]
    assert the_object(scalper("positions", "--home", home, "--json"))["day"] == "2026-01-14"
    assert the_object(scalper("positions", "--home", home, "--day", "2026-01-13", "--json"))["positions"][0]["id"] == 1


def test_without_a_terminal_a_run_ends_with_a_summary_for_people(day: Path, home: Path, played: dict[str, Any]) -> None:
    done = scalper("run", "--day", day, "--speed", "max", "--home", home)

    assert done.returncode == 0
    assert SYMBOL in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "VERB"),
        (("sell",), "sell"),
        (("run", "--sped", "3"), "did you mean --speed?"),
        (("run", "--speed", "-1"), "found -1, expected a number above 0, or max"),
        (("run", "--speed", "nan"), "found nan, expected a number above 0, or max"),
        (("run", "--seed", "x"), "found x, expected a whole number"),
        (("run", "--mode", "live"), "expected one of watch, paper"),
        (("run", "--market", "tape"), "expected --day"),
        (("run", "--market", "builtin", "--day", "d"), "expected none"),
        (("run", "--history", "d"), "expected --day as well"),
        (("run", "--set", "risk.sl_pctt=0.3"), "did you mean risk.sl_pct?"),
        (("run", "--config", "missing.yaml"), "missing.yaml: cannot be read"),
        (("config", "check", "--set", "risk.sl_pct=30"), "risk.sl_pct"),
        (("positions", "--day", "today"), "found today, expected a date"),
        (("why",), "expected either the number of a position or --signals"),
        (("why", "0"), "found 0, expected a whole number from 1"),
    ],
)
def test_bad_usage_ends_with_64_and_says_what_is_expected(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*arguments])

    shown = capsys.readouterr()
    assert (code, shown.out) == (64, "")
    assert told in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--day", "missing"), "no recorded day at missing"),
        (("positions", "--home", "missing"), "nothing to read in home missing"),
        (("why", "1", "--home", "missing"), "nothing to read in home missing"),
        (("replay", "missing"), "missing: expected the folder of a day's log"),
    ],
)
def test_input_that_is_missing_ends_with_66(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = scalper(*arguments, cwd=tmp_path, SCALPER_HOME=str(tmp_path / "home"))

    assert (done.returncode, done.stdout) == (66, "")
    assert told in done.stderr


def test_a_position_that_is_not_there_ends_with_66(home: Path, played: dict[str, Any]) -> None:
    done = scalper("why", 99, "--home", home)

    assert (done.returncode, done.stdout) == (66, "")
    assert "no position 99" in done.stderr


def test_a_database_that_is_none_ends_with_70(tmp_path: Path, day: Path) -> None:
    (tmp_path / "scalper.db").write_text("this is no database " * 100, encoding="ascii")

    done = scalper("run", "--day", day, "--speed", "max", "--home", tmp_path, "--json")

    assert (done.returncode, done.stdout) == (70, "")
    assert "Traceback" not in done.stderr


def test_an_exit_side_actor_that_gives_up_ends_the_run_with_70(
    tmp_path: Path, day: Path, home: Path, played: dict[str, Any]
) -> None:
    """The database refuses every signal; at this speed the fourth failure comes within the restart window."""
    Store.open(f"sqlite:///{tmp_path / 'scalper.db'}").close()
    with closing(_database(tmp_path)) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON signals BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        database.commit()

    done = scalper("run", "--day", day, "--speed", 600, "--home", tmp_path, "--json")

    assert (done.returncode, done.stdout) == (70, "")
    assert "scalper: signal_manager failed beyond its restart window" in done.stderr
    assert "SupervisionError" in (tmp_path / "log" / "scalper.jsonl").read_text(encoding="utf-8")


def test_an_error_that_nobody_foresaw_is_one_line_for_people_and_a_traceback_in_the_file(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom functools import partial\nfrom scalper import cli\n"
        "cli.VERBS['config'] = lambda asked, started_s: 1 // 0\n"
        "sys.excepthook = partial(cli.last_words, sys.argv[1:])\ncli.main(sys.argv[1:])"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "config", "show", "--home", str(tmp_path)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PROCESS_S_MAX,
        check=False,
    )

    file = tmp_path / "log" / "scalper.jsonl"
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == f"scalper: ZeroDivisionError: integer division or modulo by zero; details in {file}\n"
    assert "Traceback" in json.loads(file.read_text(encoding="utf-8"))["traceback"]


def test_an_actor_that_fails_once_is_started_again_and_the_day_goes_on(tmp_path: Path, day: Path) -> None:
    crash = "risk_manager:1000,feed_hub:2000"

    done = scalper("run", "--day", day, "--speed", "max", "--home", tmp_path, "--json", SCALPER_CRASH=crash)

    assert the_object(done)["open_positions"] == 0
    crashes = [line for line in _notes(the_object(done)["message_log"]) if line["note"] == "crashed"]
    assert [line["actor"] for line in crashes] == ["risk_manager", "feed_hub"]


def test_a_crash_switch_that_makes_no_sense_ends_with_64(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCALPER_CRASH", "risk_manager")

    code = main(["run"])

    assert code == 64
    assert "SCALPER_CRASH: found risk_manager, expected actor:letters" in capsys.readouterr().err


def test_a_home_below_a_file_ends_with_73(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = scalper("run", "--home", tmp_path / "file" / "home", "--json")

    assert (done.returncode, done.stdout) == (73, "")
    assert "cannot be written" in done.stderr


def test_a_stopped_day_leaves_consistent_rows_and_is_gone_on_with(tmp_path: Path, day: Path) -> None:
    """Started at 60 times the clock, stopped with a position open, refused to a second run, resumed at full speed."""
    home = tmp_path / "home"
    run = command("run", "--day", day, "--home", home, "--json")
    with subprocess.Popen(run, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("bought 65" in line for line in process.stderr)
        second = scalper("run", "--day", day, "--home", home, "--json")
        process.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        out, _ = process.communicate(timeout=PROCESS_S_MAX)
        took_s = time.monotonic() - began_s
    stopped = json.loads(out)

    assert (process.returncode, stopped["open_positions"]) == (0, 1)
    assert took_s < STOP_S_MAX
    assert (second.returncode, second.stdout) == (73, "")
    assert "in use by process" in second.stderr
    assert _unequal_rows(home) == []
    still_open = the_object(scalper("why", 1, "--home", home, "--json"))
    assert still_open["exit"]["status"] == "open"

    resumed = the_object(scalper("run", "--day", day, "--home", home, "--speed", "max", "--json"))

    assert (resumed["open_positions"], len(resumed["positions"])) == (0, 1)
    assert resumed["positions"][0]["exit_tag"] == "session_end_0945"
    assert resumed["positions"][0]["entry_at"] == stopped["positions"][0]["entry_at"]
    assert resumed["letters"] > stopped["letters"]
    assert _unequal_rows(home) == []


def test_letters_of_a_position_are_found_by_type_and_number(home: Path, played: dict[str, Any]) -> None:
    asked = ("log", "--home", home, "--day", "2026-01-13", "--position", 1, "--json")

    opened = the_object(scalper(*asked, "--type", "PositionOpened"))["letters"]
    all_of_it = the_object(scalper(*asked, "--limit", 0))["letters"]

    assert [letter["body"]["position"]["id"] for letter in opened] == [1]
    assert opened[0] in all_of_it
    assert {"ExitCandidate", "SubmitOrders", "PositionClosed"} <= {letter["type"] for letter in all_of_it}
    assert list(opened[0]) == ["run", "seq", "prev", "cause", "at", "from", "to", "type", "body"]


def test_a_type_of_letter_that_does_not_exist_is_refused_with_the_nearest(home: Path, played: dict[str, Any]) -> None:
    done = scalper("log", "--home", home, "--type", "PositionOpen")

    assert done.returncode == 64
    assert "PositionOpened" in done.stderr


def test_the_words_for_people_name_rule_and_price(home: Path, played: dict[str, Any]) -> None:
    done = scalper("why", 1, "--home", home)

    assert done.returncode == 0
    for words in ("entry_window", "session_end_0945", "PositionClosed", "HeldTicks", "WHY IT WAS SOLD"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100 + len(str(home))


def test_a_replayed_day_shows_no_difference(played: dict[str, Any]) -> None:
    report = the_object(scalper("replay", played["message_log"], "--json"))

    assert report["difference"] is None
    assert report["compared"] > 1000


def test_config_show_is_a_configuration_that_can_be_given_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = ["--set", "risk.sl_pct=0.25"]

    assert main(["config", "show", *changed]) == 0
    (tmp_path / "shown.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["config", "check", "--json", "--config", str(tmp_path / "shown.yaml")]) == 0
    again = json.loads(capsys.readouterr().out)
    assert main(["config", "check", "--json", *changed]) == 0

    assert json.loads(capsys.readouterr().out) == again


def test_config_show_as_json_hides_the_password_of_an_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hush@host/db")

    assert main(["config", "show", "--json"]) == 0

    shown = capsys.readouterr().out
    assert json.loads(shown)["database_url"] == "postgresql://***@host/db"
    assert "hush" not in shown


@pytest.mark.parametrize("arguments", [("config", "show"), ("config", "check"), ("--help",)])
def test_looking_at_the_configuration_starts_without_the_engine(arguments: tuple[str, ...]) -> None:
    heavy = "numpy|pyarrow|rich|fakeredis|peewee|pykka|loguru|holidays|scalper.run"
    code = "import sys; from scalper.cli import main\ntry: main(sys.argv[2:])\nexcept SystemExit: pass\n"
    code += "print([name for name in sys.argv[1].split('|') if name in sys.modules], file=sys.stderr)"

    done = subprocess.run(
        [sys.executable, "-P", "-c", code, heavy, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PROCESS_S_MAX,
        check=True,
    )

    assert done.stderr.strip() == "[]"


def _database(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "scalper.db")


def _notes(folder: str) -> list[dict[str, Any]]:
    lines = (Path(folder) / "letters-0001.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if "note" in line]


def _unequal_rows(home: Path) -> list[str]:
    """What does not agree between the rows of orders, fills and positions."""
    checks = {
        "fills that are not in the totals of their order": """
            SELECT o.id FROM orders o LEFT JOIN fills f ON f.order_id = o.id GROUP BY o.id, o.filled_quantity
            HAVING COALESCE(SUM(f.quantity), 0) <> o.filled_quantity""",
        "positions whose quantity is not bought minus sold": """
            SELECT p.id FROM positions p LEFT JOIN orders o ON o.position_id = p.id GROUP BY p.id, p.quantity
            HAVING SUM(CASE o.side WHEN 'BUY' THEN o.filled_quantity ELSE -o.filled_quantity END) <> p.quantity""",
        "more than one live exit of a position": """
            SELECT position_id FROM exit_intents WHERE status IN ('PENDING', 'APPROVED', 'PLACED')
            GROUP BY position_id HAVING COUNT(*) > 1""",
        "sold positions that are not closed": "SELECT id FROM positions WHERE status = 'EXITED' AND quantity <> 0",
    }
    with closing(_database(home)) as database:
        return [f"{name}: {row}" for name, sql in checks.items() for row in database.execute(sql)]
