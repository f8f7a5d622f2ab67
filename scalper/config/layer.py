"""One layer of the configuration: a YAML tree walked against the schema, every fault noted, every value converted."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from scalper.config.fields import (
    ALIASES,
    STAND_INS,
    Field,
    Path,
    SectionType,
    distinct_fields,
    field_at,
    fields_of,
    is_within,
    row_names_at,
)
from scalper.config.kinds import Mismatch, found, is_null
from scalper.config.report import Fault, unknown_key
from scalper.config.words import Rows

#: Most rows in a list of the configuration.
_ROWS_MAX = 64


class Place(msgspec.Struct, frozen=True):
    """Where the walk stands: the path in the schema, the path as written, and whether the key is a stand-in."""

    path: Path
    written: str
    is_stand_in: bool = False

    @property
    def above(self) -> str:
        """What stands before a key of this section in a report."""
        return f"{self.written}." if self.written else ""


class Given(msgspec.Struct, frozen=True):
    """A value somebody gave, in house units, and the line (from 1; 0 = no lines) and place it stands at."""

    value: Any
    line: int
    place: Place


class Layer:
    """What one source gives, by path in the schema, and what is wrong with it.

    A list gives its rows anew; a mapping in its place changes rows that are there, by name or by number from 0.

    Attributes:
        source: As a report names it.
        given: Values by path.
        rows: Names of the rows of each list given anew, in its order.
        faults: In the order found.
        faulty: Paths whose value could not be read; `given` and `rows` hold only what is right.
    """

    def __init__(self, source: str, root: SectionType, base: msgspec.Struct | None, *, has_lines: bool) -> None:
        """`base` is the configuration below this layer; None when that is faulty, so that any row may be there."""
        self.source = source
        self._has_lines = has_lines
        self.given: dict[Path, Given] = {}
        self.rows: dict[Path, tuple[str, ...]] = {}
        self.faults: list[Fault] = []
        self.faulty: set[Path] = set()
        self._root = root
        self._base = base
        self._touched: set[Path] = set()

    def read(self, tree: yaml.Node) -> None:
        """Reads a whole tree into `given`, `rows` and `faults`."""
        self._read_section(self._root, tree, Place((), ""))

    def _read_section(self, section: SectionType, node: yaml.Node, place: Place) -> None:
        if is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self._note(node, place.written, f"found {found(node)}, expected a mapping")
            return
        for key_node, value_node in self._entries(node, place):
            self._read_entry(section, key_node, value_node, place)

    def _entries(self, node: yaml.MappingNode, place: Place) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """The entries of a mapping whose keys are words and stand there for the first time."""
        first_lines: dict[str, int] = {}
        entries = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(key_node, place.written, f"found {found(key_node)} as a key, expected a word")
            elif key_node.value in first_lines:
                first = first_lines[key_node.value]
                self._note(key_node, place.above + key_node.value, f"duplicate key, first given in line {first}")
            else:
                first_lines[key_node.value] = _line(key_node)
                entries.append((key_node, value_node))
        return entries

    def _read_entry(self, section: SectionType, key_node: yaml.ScalarNode, node: yaml.Node, place: Place) -> None:
        key = key_node.value
        dotted = ".".join((*place.path, key))
        moved = ALIASES.get(dotted) or STAND_INS.get(dotted)
        path = tuple(moved.split(".")) if moved else (*place.path, key)
        field = field_at(self._root, path) if moved else fields_of(section).get(key)
        if field is None:
            self._note(key_node, place.above + key, unknown_key(self._root, section, place.above, key))
            return
        self._read_value(field, node, Place((*path[:-1], field.key), place.above + key, dotted in STAND_INS))

    def _read_value(self, field: Field, node: yaml.Node, place: Place) -> None:
        self._touched.add(place.path)
        if isinstance(field.kind, Rows):
            self._read_rows(field, field.kind, node, place)
        elif field.section is not None:
            self._read_section(field.section, node, place)
        elif is_null(node) and (field.is_optional or field.kind.blank is not None):
            self._give(Given(field.kind.blank, self._line(node), place))
        else:
            try:
                self._give(Given(field.kind.read(node), self._line(node), place))
            except Mismatch as mismatch:
                shown = "a value that is not shown" if field.kind.is_secret else found(node)
                self.faulty.add(place.path)
                self._note(node, place.written, f"found {shown}, expected {mismatch}")

    def _give(self, given: Given) -> None:
        """Keeps a value; a stand-in gives way, a second name of the same key is a duplicate."""
        path = given.place.path
        before = self.given.get(path)
        if before is None or before.place.is_stand_in:
            self.given[path] = given
        elif not given.place.is_stand_in:
            text = f"duplicate key, another name of {before.place.written} given in line {before.line}"
            self.faults.append(Fault(self.source, given.line, given.place.written, text))

    def _read_rows(self, field: Field, kind: Rows, node: yaml.Node, place: Place) -> None:
        assert field.section is not None, "rows have a section"
        if isinstance(node, yaml.MappingNode):
            self._change_rows(field.section, kind, node, place)
            return
        faults_before = len(self.faults)
        names = self._rows_anew(field.section, kind, node, place)
        if len(self.faults) == faults_before:
            self.rows[place.path] = names
        else:
            self.faulty.add(place.path)
            self.given = {path: given for path, given in self.given.items() if not is_within(path, place.path)}
            self.rows = {path: names for path, names in self.rows.items() if not is_within(path, place.path)}

    def _rows_anew(self, section: SectionType, kind: Rows, node: yaml.Node, place: Place) -> tuple[str, ...]:
        if isinstance(node, yaml.SequenceNode) and 0 < len(node.value) <= _ROWS_MAX:
            return self._read_list(section, kind, node.value, place)
        if isinstance(node, yaml.ScalarNode) and kind.alone and not is_null(node):
            lone = fields_of(section)[kind.alone]
            self._read_value(lone, node, Place((*place.path, "0", kind.alone), place.written))
            return ("0",)
        many = f" of {len(node.value)} rows" if isinstance(node, yaml.SequenceNode) else ""
        self._note(node, place.written, f"found {found(node)}{many}, expected {kind.expected}")
        return ()

    def _read_list(self, section: SectionType, kind: Rows, nodes: list[yaml.Node], place: Place) -> tuple[str, ...]:
        first_lines: dict[str, int] = {}
        for number, node in enumerate(nodes):
            written = f"{place.written}[{number}]"
            name = _name_in(node, kind.name) if kind.name else str(number)
            if name in first_lines:
                self._note(node, written, f"duplicate row, {name} is given in line {first_lines[name]}")
                continue
            row = Place((*place.path, name or str(number)), written)
            first_lines[row.path[-1]] = _line(node)
            self._read_section(section, node, row)
            self._note_missing(section, kind, node, row)
        return tuple(first_lines)

    def _note_missing(self, section: SectionType, kind: Rows, node: yaml.Node, row: Place) -> None:
        """Notes required keys a row lacks; a named row takes all but its name from the built-in row of that name."""
        if not (isinstance(node, yaml.MappingNode) or is_null(node)):
            return
        for field in distinct_fields(section):
            is_needed = field.is_required and kind.name in (None, field.key)
            if is_needed and (*row.path, field.key) not in self._touched:
                self._note(node, f"{row.above}{field.key}", f"missing, expected {field.kind.expected}")

    def _change_rows(self, section: SectionType, kind: Rows, node: yaml.MappingNode, place: Place) -> None:
        names = row_names_at(self._base, place.path) if self._base is not None else None
        for key_node, value_node in self._entries(node, place):
            key = key_node.value
            is_number = names is not None and key.isdecimal() and int(key) < len(names)
            name = names[int(key)] if names is not None and is_number else key
            row = Place((*place.path, name), place.above + key)
            if names is not None and name not in names:
                allowed = f"{', '.join(names)} or a number from 0 to {len(names) - 1}"
                self._note(key_node, row.written, f"no such row, expected one of {allowed}")
                continue
            self._read_section(section, value_node, row)
            self._note_renamed(kind, value_node, row)

    def _note_renamed(self, kind: Rows, node: yaml.Node, row: Place) -> None:
        given = self.given.get((*row.path, kind.name)) if kind.name else None
        if given is not None and given.value != row.path[-1]:
            text = f'found "{given.value}", expected {row.path[-1]}: the name of a row cannot change'
            self._note(node, given.place.written, text)

    def _note(self, node: yaml.Node, written: str, text: str) -> None:
        self.faults.append(Fault(self.source, self._line(node), written, text))

    def _line(self, node: yaml.Node) -> int:
        return _line(node) if self._has_lines else 0


def _line(node: yaml.Node) -> int:
    """Line of a node in its own text from 1; 0 of a node that stands in none."""
    return node.start_mark.line + 1 if node.start_mark else 0


def _name_in(row: yaml.Node, name_key: str) -> str | None:
    """The word that names a row; None where the row gives none."""
    entries = row.value if isinstance(row, yaml.MappingNode) else []
    words = [value.value for key, value in entries if key.value == name_key and isinstance(value, yaml.ScalarNode)]
    return words[0] if words else None
