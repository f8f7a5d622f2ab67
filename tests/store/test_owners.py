"""One fact, one owner: who may import which repository."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.shared_files import golden_cases

ROOT = Path(__file__).resolve().parents[2]

#: What builds the tree, plays a day again, or only reads: no actor is among them.
OUTSIDERS = ("app", "run", "replay", "inspect", "summary", "store")

#: Of each repository the actors that may use it. Orders are born with an intent, so both that make intents are there.
OWNERS = {
    "positions": {"position_tracker"},
    "signals": {"signal_manager"},
    "intents": {"entry_guard"},
    "orders": {"order_gateway", "order_update_handler", "position_tracker", "signal_manager"},
    "risk": {"risk_manager"},
    "days": set(),
    "snapshot": set(),
}

#: In which repository each table of the worked examples is written, and the actors' names there.
TABLE_REPOSITORIES = {"trades": "positions"}
ACTORS_OF_EXAMPLES = {"OrderExecution": "exit_engine"}


def imports_of(path: Path) -> Iterator[str]:
    """The full names a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports_of_all() -> dict[Path, frozenset[str]]:
    """What each file of the program imports, by its path below the package."""
    package = ROOT / "scalper"
    return {path.relative_to(package): frozenset(imports_of(path)) for path in sorted(package.rglob("*.py"))}


def strangers_to(repository: str) -> list[str]:
    """Files that import a repository and may not."""
    name = f"scalper.store.{repository}"
    return [
        str(path)
        for path, imported in imports_of_all().items()
        if not may_import(path.with_suffix("").parts, repository)
        and any(one == name or one.startswith(f"{name}.") for one in imported)
    ]


def may_import(parts: tuple[str, ...], repository: str) -> bool:
    if parts[0] == "actors":
        return parts[-1] in OWNERS[repository]
    return parts[0] in OUTSIDERS


@pytest.mark.parametrize("repository", OWNERS)
def test_only_its_owners_import_a_repository(repository: str) -> None:
    assert strangers_to(repository) == []


def test_every_repository_has_owners() -> None:
    classes = {
        path.stem
        for path in (ROOT / "scalper" / "store").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Repository")
    }

    assert classes | {"snapshot"} == set(OWNERS)


@pytest.mark.parametrize(
    ("file", "repository", "allowed"),
    [
        ("actors/position_tracker", "positions", True),
        ("actors/exit_engine", "positions", False),
        ("actors/risk_manager", "positions", False),
        ("inspect/why", "positions", True),
        ("replay", "snapshot", True),
        ("domain/pnl", "positions", False),
        ("broker/paper", "orders", False),
    ],
)
def test_who_is_a_stranger(file: str, repository: str, allowed: bool) -> None:
    assert may_import(tuple(file.split("/")), repository) is allowed


@pytest.mark.parametrize("case", golden_cases("sms.ownership"))
def test_worked_examples_of_ownership(case: dict[str, Any]) -> None:
    repository = TABLE_REPOSITORIES[case["input"]["table"]]
    writer = ACTORS_OF_EXAMPLES[case["input"]["writer"]]

    assert may_import(("actors", writer), repository) is case["expected"]["allowed"]
