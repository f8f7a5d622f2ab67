"""The house rules that a machine can check, as functions from one parsed module to its offences."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

#: What each part may import of the project besides itself: imports point one way. Names are prefixes, dots separate.
MAY_IMPORT = {
    "errors": (),
    "message": (),
    "domain": ("message", "errors"),
    "config": ("message", "errors", "domain"),
    "reference": ("errors", "domain"),
    "logs": ("errors", "config"),
    "runtime": ("message", "errors"),
    "tape": ("message", "errors", "domain"),
    "store": ("message", "errors", "domain"),
    "broker": ("message", "errors", "domain", "tape.market"),
    "exchange": ("message", "errors", "domain", "tape"),
    "actors": ("message", "errors", "domain", "config", "runtime", "store", "broker.ports", "tape.market"),
}

#: The only parts that may ask what time it is, or hold the thing that can be asked.
MAY_HOLD_A_CLOCK = ("runtime", "app", "cli", "run", "trees", "player", "view")
CLOCK_READS = {f"datetime.{name}" for name in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")} | {
    f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime")
}
STOPWATCH_READS = {
    f"time.{name}{unit}"
    for name in ("monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
}

#: Why each may catch everything: the actor base turns it into a dead letter, the Stepper stands in for that base, the
#: player hands it to the main thread, and a replay compares it with the recorded crash.
MAY_CATCH_EVERYTHING = {
    "scalper/runtime/actor.py",
    "scalper/runtime/stepper.py",
    "scalper/player.py",
    "scalper/replay/replayer.py",
}

#: Of the standard library, what a pure rule has no use for: the outside world, threads, time and chance.
IMPURE = {
    "asyncio",
    "concurrent",
    "glob",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
PURE_PACKAGES = ("numpy", "msgspec")

ACTOR_DOCSTRING_LINES = ("Owns", "Receives", "Sends", "Recovers from", "Limits")

#: Exact quantities: a float under such a name would be a rounding error in waiting.
WHOLE_NUMBER_SUFFIXES = ("_paise", "_bps", "_us")


class Module:
    """One source file: its path from the root with forward slashes, and its syntax tree."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.line_count = source.count("\n")
        self.tree = ast.parse(source, filename=path)

    @property
    def part(self) -> str:
        """`domain` of scalper/domain/times.py, `errors` of scalper/errors.py."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full dotted name of everything imported; `from a import b` counts as `a.b`."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(node.lineno, f"{self._absolute(node)}.{alias.name}") for alias in node.names]
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = self.name.split(".") if self.path.endswith("__init__.py") else self.name.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Local name -> full dotted name of what it was imported as."""
        known: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                known |= {
                    _bound_name(alias): alias.name if alias.asname else _bound_name(alias) for alias in node.names
                }
            elif isinstance(node, ast.ImportFrom):
                known |= {alias.asname or alias.name: f"{self._absolute(node)}.{alias.name}" for alias in node.names}
        return known

    def full_name(self, node: ast.AST) -> str | None:
        """`datetime.datetime.now` of the expression `dt.now` after `from datetime import datetime as dt`."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return owner and f"{owner}.{node.attr}"
        return None

    def is_actor(self) -> bool:
        """True where a handler is declared."""
        return any(
            isinstance(node, ast.FunctionDef) and any(_called_name(mark) == "receives" for mark in node.decorator_list)
            for node in ast.walk(self.tree)
        )

    def offence(self, line: int, text: str) -> str:
        return f"{self.path}:{line}: {text}"


def modules_under(*folders: str) -> list[Module]:
    """Every module under the folders of the project, by path; a folder that is not there has none."""
    return [_module(path) for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]


@cache
def _module(path: Path) -> Module:
    """Parsed once, however many rules look at it."""
    return Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def wrong_imports(module: Module) -> Iterator[str]:
    """Imports against the one direction; the composition root, the commands and what is unlisted see everything."""
    allowed = MAY_IMPORT.get(module.part)
    for line, name in module.imports:
        if allowed is None or not _is_within(name, "scalper"):
            continue
        inside = name.removeprefix("scalper").removeprefix(".")
        if not any(_is_within(inside, prefix) for prefix in (*allowed, module.part)):
            yield module.offence(line, f"{module.part} must not import {name}")


def actors_that_meet(module: Module, actor_names: set[str]) -> Iterator[str]:
    """An actor that imports another actor, rather than the messages between them."""
    for line, name in module.imports:
        for other in actor_names - {module.name}:
            if module.name in actor_names and _is_within(name, other):
                yield module.offence(line, f"an actor must not import the actor {other}")


def clock_reads(module: Module) -> Iterator[str]:
    """Reads of a clock, called or handed on, outside the one module that may."""
    if module.path == "scalper/runtime/clock.py":
        return
    banned = CLOCK_READS if module.part in MAY_HOLD_A_CLOCK else CLOCK_READS | STOPWATCH_READS
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute | ast.Name) and module.full_name(node) in banned:
            yield module.offence(node.lineno, f"reads a clock: {module.full_name(node)}")
    for line, name in module.imports:
        if _is_within(name, "scalper.runtime.clock") and module.part not in MAY_HOLD_A_CLOCK:
            yield module.offence(line, f"holds a clock: {name}")


def sleeps(module: Module) -> Iterator[str]:
    """Waiting for time to pass instead of for a condition with a bound."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and module.full_name(node.func) == "time.sleep":
            yield module.offence(node.lineno, "sleeps")


def proxies_and_endless_asks(module: Module) -> Iterator[str]:
    """Proxies hide which call is a message; an ask without a timeout can wait for ever."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "proxy":
            yield module.offence(node.lineno, "uses a proxy")
        if node.func.attr == "ask" and "timeout" not in {keyword.arg for keyword in node.keywords}:
            yield module.offence(node.lineno, "asks without a timeout")


def broad_excepts(module: Module) -> Iterator[str]:
    """Handlers that catch everything, bare or by name, and suppressions of everything."""
    if module.path in MAY_CATCH_EVERYTHING:
        return
    for node in ast.walk(module.tree):
        caught: list[ast.expr | None] = []
        if isinstance(node, ast.ExceptHandler):
            caught = list(node.type.elts) if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and _called_name(node) == "suppress":
            caught = list(node.args)
        for kind in caught:
            if kind is None or module.full_name(kind) in ("Exception", "BaseException"):
                yield module.offence(getattr(node, "lineno", 0), "catches everything")


def incomplete_actor_docstring(module: Module) -> Iterator[str]:
    """The five lines from which a reader can draw the system."""
    if not module.is_actor():
        return
    starts = [line.strip().strip("*").lower() for line in (ast.get_docstring(module.tree) or "").splitlines()]
    for word in ACTOR_DOCSTRING_LINES:
        if not any(line.startswith(word.lower()) for line in starts):
            yield module.offence(1, f"the actor's docstring has no line {word!r}")


def too_long(module: Module) -> Iterator[str]:
    """Files and functions beyond a screenful or a few."""
    if module.line_count > FILE_LINES_MAX:
        yield module.offence(1, f"{module.line_count} lines, at most {FILE_LINES_MAX}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield module.offence(node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}")


def impure_imports(module: Module) -> Iterator[str]:
    """What the domain may not know: packages but numpy and msgspec, and the impure half of the standard library."""
    if module.part != "domain":
        return
    for line, name in module.imports:
        top = name.split(".")[0]
        is_known = top in sys.stdlib_module_names or top in PURE_PACKAGES or top == "scalper"
        if top in IMPURE or not is_known:
            yield module.offence(line, f"the domain must not import {name}")


def values_that_change(module: Module) -> Iterator[str]:
    """Structs that are not frozen: everything is a value but the private state of what is no pure rule."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef) or "msgspec.Struct" not in map(module.full_name, node.bases):
            continue
        if module.part != "domain" and node.name.startswith("_"):
            continue
        frozen = [keyword.value for keyword in node.keywords if keyword.arg == "frozen"]
        if not any(isinstance(value, ast.Constant) and value.value is True for value in frozen):
            yield module.offence(node.lineno, f"{node.name} is a Struct and not frozen")


def fractional_money(module: Module) -> Iterator[str]:
    """A float under a name whose unit counts in whole numbers."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.AnnAssign):
            name = (module.full_name(node.target) or "").split(".")[-1]
        else:
            continue
        if name.endswith(WHOLE_NUMBER_SUFFIXES) and node.annotation is not None:
            words = {part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)}
            if "float" in words:
                yield module.offence(node.lineno, f"{name} must be a whole number, not float")


def third_party_imports(module: Module) -> Iterator[tuple[str, str]]:
    """Top-level package and offence text of each import from neither the standard library nor the project."""
    for line, name in module.imports:
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in ("scalper", "bench", "tests", "__future__"):
            yield top, module.offence(line, f"imports {top}, which requirements.in does not list")


def _is_within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _called_name(node: ast.expr) -> str | None:
    """`receives` of `receives(X)` and of `actor.receives(X)`."""
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _bound_name(alias: ast.alias) -> str:
    """`a` of `import a.b`, `c` of `import a.b as c`."""
    return alias.asname or alias.name.split(".")[0]
