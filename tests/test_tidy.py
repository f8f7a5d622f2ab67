"""The house rules that a machine can check hold for every file; each rule is first seen to catch what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import tidy
from tests.tidy import ROOT, Module, modules_under

Rule = Callable[[Module], Iterator[str]]

RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "imports point one way": (tidy.wrong_imports, ("scalper",)),
    "nobody reads a clock but the clock": (tidy.clock_reads, ("scalper",)),
    "nobody sleeps": (tidy.sleeps, ("scalper", "tests")),
    "no proxies, no ask without a timeout": (tidy.proxies_and_endless_asks, ("scalper", "tests", "bench")),
    "nobody catches everything": (tidy.broad_excepts, ("scalper", "tests", "bench")),
    "an actor's docstring draws it": (tidy.incomplete_actor_docstring, ("scalper/actors",)),
    "files and functions stay short": (tidy.too_long, ("scalper", "bench")),
    "the domain is pure": (tidy.impure_imports, ("scalper",)),
    "values never change": (tidy.values_that_change, ("scalper",)),
    "money is whole": (tidy.fractional_money, ("scalper",)),
}

#: Where a package is imported under another name than it is installed by.
DISTRIBUTION_OF = {"psycopg2": "psycopg2-binary", "yaml": "pyyaml", "playhouse": "peewee"}

#: Text that has no place in the project: package registries, folders of one machine, promises instead of work.
FORBIDDEN_TEXT = {
    "a package registry": re.compile(r"py(?:pi\.org|thonhosted\.org)|(?:extra-)?index-url|find-links"),
    "a folder of one machine": re.compile(r"(?<![\w.$}\])*-])/(?:work|root|home|Users|opt)/\w"),
    "a promise": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
}
TEXT_FOLDERS = ("scalper", "tests", "bench", "bin", "conf", "docs", ".ci")


@pytest.mark.parametrize("rule", RULES)
def test_house_rule_holds_everywhere(rule: str) -> None:
    offences_of, folders = RULES[rule]

    offences = [offence for module in modules_under(*folders) for offence in offences_of(module)]

    assert offences == [], "\n".join(["", *offences])


def test_actors_never_import_each_other() -> None:
    modules = modules_under("scalper/actors")
    actor_names = {module.name for module in modules if module.is_actor()}

    offences = [offence for module in modules for offence in tidy.actors_that_meet(module, actor_names)]

    assert offences == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (tidy.wrong_imports, "scalper/runtime/mailbox.py", "from scalper.domain.times import IST"),
        (tidy.wrong_imports, "scalper/runtime/mailbox.py", "from ..domain import times"),
        (tidy.wrong_imports, "scalper/store/rows.py", "import scalper.runtime.actor"),
        (tidy.wrong_imports, "scalper/actors/risk.py", "from scalper.broker.paper import Paper"),
        (tidy.wrong_imports, "scalper/domain/rules.py", "def late():\n    from scalper.config import Config"),
        (tidy.clock_reads, "scalper/domain/rules.py", "from datetime import datetime as dt\nat = dt.now()"),
        (tidy.clock_reads, "scalper/actors/risk.py", "import time as t\nread = t.monotonic"),
        (tidy.clock_reads, "scalper/actors/risk.py", "from time import perf_counter\nperf_counter()"),
        (tidy.clock_reads, "scalper/actors/risk.py", "from scalper.runtime.clock import Clock"),
        (tidy.clock_reads, "scalper/cli.py", "import datetime\nday = datetime.date.today()"),
        (tidy.sleeps, "tests/test_x.py", "from time import sleep\nsleep(1)"),
        (tidy.proxies_and_endless_asks, "scalper/app.py", "root.proxy().stop()"),
        (tidy.proxies_and_endless_asks, "scalper/app.py", "root.ask(GetHealth())"),
        (tidy.broad_excepts, "scalper/app.py", "try:\n    run()\nexcept (OSError, Exception):\n    pass"),
        (tidy.broad_excepts, "scalper/app.py", "try:\n    run()\nexcept:\n    pass"),
        (tidy.broad_excepts, "scalper/app.py", "from contextlib import suppress\nwith suppress(Exception):\n    run()"),
        (tidy.incomplete_actor_docstring, "scalper/actors/risk.py", "@receives(Pulse)\ndef on_pulse(self): ..."),
        (tidy.too_long, "scalper/app.py", "\n" * 401),
        (tidy.too_long, "scalper/app.py", "def build():\n" + "    pass\n" * 60),
        (tidy.impure_imports, "scalper/domain/rules.py", "import threading"),
        (tidy.impure_imports, "scalper/domain/rules.py", "from pykka import ThreadingActor"),
        (tidy.values_that_change, "scalper/domain/rules.py", "import msgspec\nclass Rules(msgspec.Struct): ..."),
        (tidy.fractional_money, "scalper/domain/rules.py", "def stop(entry_paise: float | None): ..."),
        (tidy.fractional_money, "scalper/domain/rules.py", "class Rules:\n    stop_loss_bps: float = 0.3"),
    ],
)
def test_rule_catches_what_it_is_for(rule: Rule, path: str, source: str) -> None:
    offences = list(rule(Module(path, source)))

    assert offences
    assert all(offence.startswith(path) for offence in offences)


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (tidy.wrong_imports, "scalper/actors/risk.py", "from scalper.broker.ports import Broker"),
        (tidy.wrong_imports, "scalper/app.py", "from scalper.broker.paper import Paper"),
        (tidy.clock_reads, "scalper/runtime/clock.py", "from datetime import datetime\nat = datetime.now()"),
        (tidy.clock_reads, "scalper/cli.py", "import time\nbegan = time.perf_counter()"),
        (tidy.clock_reads, "scalper/domain/rules.py", "now = state.now()\ntime = at.time()"),
        (tidy.proxies_and_endless_asks, "scalper/app.py", "root.ask(GetHealth(), timeout=1.0)"),
        (tidy.too_long, "scalper/app.py", "def build():\n" + "    pass\n" * 59),
    ],
)
def test_rule_lets_pass_what_is_right(rule: Rule, path: str, source: str) -> None:
    offences = list(rule(Module(path, source)))

    assert offences == []


def test_an_actor_that_imports_an_actor_is_caught() -> None:
    module = Module(
        "scalper/actors/risk.py", "from scalper.actors.exits import ExitEngine\nimport scalper.actors.messages"
    )

    offences = list(tidy.actors_that_meet(module, {"scalper.actors.risk", "scalper.actors.exits"}))

    assert len(offences) == 1


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_hashes_and_no_line_names_an_index(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()

    blocks = _blocks(lines)

    assert [name for name, block in blocks.items() if not any("--hash=sha256:" in line for line in block)] == []
    assert [line for line in lines if line.startswith("-") or "://" in line or " @ " in line] == []


def test_the_checks_run_on_the_very_versions_that_trade() -> None:
    runtime, test = (_pins(name) for name in ("requirements.lock", "requirements-test.lock"))

    assert {name: test.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
def test_every_required_package_is_locked(name: str) -> None:
    wanted = _wanted(f"{name}.in")

    assert wanted - _pins(f"{name}.lock").keys() == set()


def test_every_package_that_scalper_imports_is_required() -> None:
    wanted = _wanted("requirements.in")

    imported = [found for module in modules_under("scalper") for found in tidy.third_party_imports(module)]

    assert [offence for package, offence in imported if DISTRIBUTION_OF.get(package, package) not in wanted] == []


@pytest.mark.parametrize("kind", FORBIDDEN_TEXT)
def test_no_file_contains(kind: str) -> None:
    pattern = FORBIDDEN_TEXT[kind]

    offences = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in _text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line) and path != Path(__file__)
    ]

    assert offences == []


def _text_files() -> Iterator[Path]:
    """Everything people read; this machine's caches and pictures excepted."""
    found = [path for folder in TEXT_FOLDERS for path in (ROOT / folder).rglob("*")]
    found += [path for path in ROOT.iterdir() if not path.name.startswith(".coverage")]
    for path in sorted(found):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".png", ".parquet", ".tape"):
            yield path


def _wanted(name: str) -> set[str]:
    """Names in a requirements file, lower-case; comments and options are no names."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.strip().lower() for line in lines if line.strip() and not line.startswith(("#", "-"))}


def _pins(name: str) -> dict[str, str]:
    """Package -> the one version that a lock file names."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def _blocks(lines: list[str]) -> dict[str, list[str]]:
    """Requirement line -> the indented lines below it."""
    blocks: dict[str, list[str]] = {}
    for line in lines:
        if line and not line[0].isspace() and not line.startswith("#"):
            current = blocks.setdefault(line, [])
        elif line.strip():
            current.append(line)
    return blocks
