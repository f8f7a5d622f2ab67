"""The schema as data: for each section its keys, their kinds and where else a key may stand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from scalper.config.kinds import Kind
from scalper.config.words import Choice, Flag, Nested, Rows

SectionType = type[msgspec.Struct]
Path = tuple[str, ...]

#: Keys of other sections that mean one of ours, by their whole path.
ALIASES = {
    "paper_trading": "paper",
    "trailing": "risk.trailing",
    "risk.trailing.tiered_sl_offsets": "risk.trailing_tiers",
    "risk.trailing.peak_drawdown_threshold": "risk.peak_drawdown_exit_pct",
}

#: Keys that speak only where the key they stand for is absent.
STAND_INS = {"risk.trail_step_pct": "risk.breakeven_after_gain"}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a section.

    Attributes:
        name: Of the struct's field.
        key: In YAML.
        kind: How its value is read.
        section: Type of the section, or of one row of a list; None of a plain value.
        is_optional: A bare key means None.
        default: `msgspec.NODEFAULT` when it must be given.
    """

    name: str
    key: str
    kind: Kind
    section: SectionType | None
    is_optional: bool
    default: Any

    @property
    def is_required(self) -> bool:
        """True when a row without it makes no sense."""
        return self.default is msgspec.NODEFAULT

    @property
    def names(self) -> tuple[str, ...]:
        """The key and its aliases."""
        return (self.key, *self.kind.aliases)


@cache
def fields_of(section: SectionType) -> dict[str, Field]:
    """Fields of a section by key and by alias, in the order of the schema."""
    hints = get_type_hints(section, include_extras=True)
    described = [_field(raw, hints[raw.name]) for raw in msgspec.structs.fields(section)]
    return {name: field for field in described for name in field.names}


def distinct_fields(section: SectionType) -> tuple[Field, ...]:
    """Fields of a section, each once."""
    return tuple(field for name, field in fields_of(section).items() if name == field.key)


def field_at(root: SectionType, path: Path) -> Field | None:
    """The field a path leads to; the part after a list names a row and may be anything. None where there is none."""
    section: SectionType | None = root
    field: Field | None = None
    parts = iter(path)
    for part in parts:
        field = fields_of(section).get(part) if section else None
        if field is None:
            return None
        section = field.section
        if isinstance(field.kind, Rows):
            next(parts, None)
    return field


def is_within(path: Path, above: Path) -> bool:
    """True when a path is another one or leads through it."""
    return path[: len(above)] == above


def row_names(kind: Rows, rows: tuple[msgspec.Struct, ...]) -> tuple[str, ...]:
    """What each row goes by: the value of its naming key, or its number from 0."""
    return tuple(str(getattr(row, kind.name)) if kind.name else str(number) for number, row in enumerate(rows))


def row_names_at(config: msgspec.Struct, path: Path) -> tuple[str, ...]:
    """Names of the rows of the list at a path of a configuration."""
    value: Any = config
    parts = list(path)
    while True:
        section: SectionType = type(value)
        field = fields_of(section)[parts.pop(0)]
        value = getattr(value, field.name)
        if isinstance(field.kind, Rows):
            names = row_names(field.kind, value)
            if not parts:
                return names
            value = value[names.index(parts.pop(0))]


@cache
def paths_of(section: SectionType, above: str = "") -> tuple[str, ...]:
    """Every path of a schema as a report writes it, aliases of one section included."""
    found = []
    for key, field in fields_of(section).items():
        path = f"{above}{key}"
        found.append(path)
        if field.section:
            found += paths_of(field.section, f"{path}[]." if isinstance(field.kind, Rows) else f"{path}.")
    return tuple(found)


def _field(raw: msgspec.structs.FieldInfo, hint: Any) -> Field:
    base, kind = _annotation(hint)
    members = get_args(base) if get_origin(base) in (Union, UnionType) else (base,)
    bare = next(member for member in members if member is not NoneType)
    section = _section(bare)
    return Field(
        name=raw.name,
        key=(kind.key if kind else None) or raw.name,
        kind=(kind or Nested()) if section else _completed(kind, bare),
        section=section,
        is_optional=NoneType in members,
        default=raw.default,
    )


def _annotation(hint: Any) -> tuple[Any, Kind | None]:
    if get_origin(hint) is not Annotated:
        return hint, None
    base, *extras = get_args(hint)
    return base, next(extra for extra in extras if isinstance(extra, Kind))


def _section(bare: Any) -> SectionType | None:
    inner = get_args(bare)[0] if get_origin(bare) is tuple else bare
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def _completed(kind: Kind | None, bare: Any) -> Kind:
    """The kind of a plain value, taken from its type where the annotation leaves it open."""
    if get_origin(bare) is Literal:
        choice = kind if isinstance(kind, Choice) else Choice()
        return replace(choice, words=get_args(bare))
    return kind or Flag()
