"""Puts the layers together: the defaults, the file, the environment and `--set`, each over the one before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import msgspec
import yaml

from scalper.config.checks import broken_rules
from scalper.config.fields import Field, Path, SectionType, distinct_fields, is_within, row_names
from scalper.config.layer import Given, Layer
from scalper.config.report import Fault, raise_faults
from scalper.config.schema import Config
from scalper.config.words import Rows

#: Environment variables that are read, and the key each one sets; an empty variable counts as absent.
ENVIRONMENT = {
    "ALLOC_PCT": "capital.alloc_pct",
    "RISK_PER_TRADE_PCT": "capital.risk_per_trade_pct",
    "DAILY_MAX_LOSS_PCT": "capital.daily_max_loss_pct",
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
}

#: A value may be secret: where the key path of an argument does not read as one, a report repeats only its start.
_ASSIGNMENT = re.compile(r"([\w.-]+)=(.*)", re.DOTALL)
#: Longest file that is read: a hundred times the one that ships.
_FILE_BYTES_MAX = 1_000_000

_DEFAULTS = Config()


def load_config(file: FilePath | None, sets: Sequence[str], environ: Mapping[str, str]) -> Config:
    """The configuration of a run, or one report of everything that is wrong with it.

    Args:
        file: YAML; None = built-in defaults only.
        sets: `key.path=value` of the command line, the value as YAML; a later one wins.
        environ: Environment variables; only those of `ENVIRONMENT` are read.

    Raises:
        ConfigError: One line per fault, of all layers: source and line, key path, what was found, what is allowed.

    Source: REQUIREMENTS 16; lessons C-27, C-28, C-30.
    """
    loader = _Loader()
    for source, dotted, text in _sources(file, sets, environ, loader.faults):
        loader.add(source, dotted, text)
    raise_faults([*loader.faults, *loader.rule_faults()])
    return loader.config


class _Loader:
    """The configuration so far, where each value of it came from, and what was wrong on the way."""

    def __init__(self) -> None:
        self.config = _DEFAULTS
        self.faults: list[Fault] = []
        self._origins: dict[Path, tuple[str, Given]] = {}
        self._faulty: set[Path] = set()

    def add(self, source: str, dotted: str, text: str) -> None:
        """Lays one source over the configuration; of a faulty one, what is right in it."""
        tree = _composed(source, dotted, text, self.faults)
        if tree is None:
            return
        layer = Layer(source, Config, None if self.faults else self.config, has_lines=not dotted)
        layer.read(_nested(dotted, tree))
        self.faults += layer.faults
        self._faulty |= layer.faulty
        self.config = _laid_over(self.config, layer)
        for anew in layer.rows:
            self._origins = {path: origin for path, origin in self._origins.items() if not is_within(path, anew)}
        self._origins |= {path: (source, given) for path, given in layer.given.items()}

    def rule_faults(self) -> Iterator[Fault]:
        """Faults of values that are right alone and wrong together, at the first of them that was given."""
        for paths, text in broken_rules(self.config):
            if any(is_within(faulty, path) for faulty in self._faulty for path in paths):
                continue
            origins = (self._origins[at] for path in paths for at in self._origins if is_within(at, path))
            source, given = next(origins)
            yield Fault(source, given.line, given.place.written, text)


def _sources(
    file: FilePath | None, sets: Sequence[str], environ: Mapping[str, str], faults: list[Fault]
) -> Iterator[tuple[str, str, str]]:
    """Each source, lowest first: its name in reports, the key path it sets (empty = a whole tree), its YAML."""
    if file is not None:
        yield str(file), "", _text_of(file, faults)
    for variable, dotted in ENVIRONMENT.items():
        if environ.get(variable):
            yield f"environment {variable}", dotted, environ[variable]
    for argument in sets:
        assignment = _ASSIGNMENT.fullmatch(argument)
        if assignment:
            yield "--set", assignment[1], assignment[2]
        else:
            faults.append(Fault("--set", 0, re.split(r"[^\w.]", argument)[0], "expected key.path=value"))


def _text_of(file: FilePath, faults: list[Fault]) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        faults.append(Fault(str(file), 0, "", f"cannot be read: {error.strerror}"))
        return ""
    if len(content) > _FILE_BYTES_MAX:
        faults.append(Fault(str(file), 0, "", f"found {len(content)} bytes, expected at most {_FILE_BYTES_MAX}"))
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.append(Fault(str(file), line, "", f"found byte 0x{content[error.start]:02x}, expected UTF-8 text"))
        return ""


def _composed(source: str, dotted: str, text: str, faults: list[Fault]) -> yaml.Node | None:
    """The YAML tree of a text; None, with a fault, when it is not YAML."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark and not dotted else 0
        faults.append(Fault(source, line, dotted, f"not YAML: {error.problem or error.context}"))
    except yaml.reader.ReaderError as error:
        line = 0 if dotted else text.count("\n", 0, error.position) + 1
        character = f"character #x{ord(text[error.position]):04x}"
        faults.append(Fault(source, line, dotted, f"not YAML: {character} is not allowed"))
    except RecursionError:
        faults.append(Fault(source, 0, dotted, "not a configuration: nested too deeply"))
    else:
        return tree or yaml.ScalarNode("tag:yaml.org,2002:null", "")
    return None


def _nested(dotted: str, node: yaml.Node) -> yaml.Node:
    """The tree in which a value stands at a dotted path; the value itself where there is no path."""
    if not dotted:
        return node
    for part in reversed(dotted.split(".")):
        node = yaml.MappingNode("tag:yaml.org,2002:map", [(yaml.ScalarNode("tag:yaml.org,2002:str", part), node)])
    return node


def _laid_over(base: Config, layer: Layer) -> Config:
    """The configuration with everything a layer gives that is right."""
    laid: Config = _section(Config, base, (), layer)
    return laid


def _section(section: SectionType, base: msgspec.Struct | None, path: Path, layer: Layer) -> Any:
    """One section anew; without a base its defaults."""
    values = {}
    for field in distinct_fields(section):
        here = (*path, field.key)
        current = getattr(base, field.name) if base is not None else field.default
        if isinstance(field.kind, Rows):
            values[field.name] = _rows(field, field.kind, current, here, layer)
        elif field.section is not None:
            values[field.name] = _section(field.section, current, here, layer)
        else:
            values[field.name] = layer.given[here].value if here in layer.given else current
    return section(**values)


def _rows(field: Field, kind: Rows, current: tuple[msgspec.Struct, ...], path: Path, layer: Layer) -> Any:
    """The rows of a list: changed where they stand, or all anew; a named new row stands on the built-in one."""
    assert field.section is not None, "rows have a section"
    anew = layer.rows.get(path)
    standing = current if anew is None else _built_in(field, kind)
    by_name = dict(zip(row_names(kind, standing), standing, strict=True))
    names = tuple(by_name) if anew is None else anew
    return tuple(_section(field.section, by_name.get(name), (*path, name), layer) for name in names)


def _built_in(field: Field, kind: Rows) -> tuple[msgspec.Struct, ...]:
    """The built-in rows of a list whose rows have names, so that a new row need not repeat them."""
    rows: tuple[msgspec.Struct, ...] = getattr(_DEFAULTS, field.name) if kind.name else ()
    return rows
