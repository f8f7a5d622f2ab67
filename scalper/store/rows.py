"""Structs to rows and back: the one place where a value changes its shape for the database.

A column has the name of its field. Times are UTC microseconds, dates ISO text, enums their text, nested values
JSON text; numbers, texts and booleans stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
import peewee

from scalper.domain.times import ist_from_us, us_from

S = TypeVar("S", bound=msgspec.Struct)

_Convert = Callable[[Any], Any]


class _Column(msgspec.Struct, frozen=True):
    """One field of a Struct and how it goes into its column and comes out."""

    name: str
    into: _Convert
    out_of: _Convert


class Rows(Generic[S]):
    """The rows of one table as values of one Struct.

    Attributes:
        name: Of the table.
        table: For building queries; its attributes are the columns.
        columns: All of them, in the order in which `values_of` gives their values.
    """

    def __init__(
        self,
        name: str,
        struct: type[S],
        *,
        inline: Mapping[str, type[msgspec.Struct]] | None = None,
        apart: tuple[str, ...] = (),
        beside: tuple[str, ...] = (),
        order: tuple[str, ...] = ("id",),
    ) -> None:
        """Lay out a table.

        Args:
            name: Of the table.
            struct: Of its rows.
            inline: Fields whose value is None or a Struct with columns of its own, all NULL for None.
            apart: Fields that are kept in another table and given again to `value_of`.
            beside: Columns without a field, given to `row_of`: keys of an owner, copies for queries.
            order: Columns by which rows are read, so that every reading gives the same order.
        """
        self._struct = struct
        self._inline = {field: (kind, _columns(kind, ())) for field, kind in (inline or {}).items()}
        self._plain = _columns(struct, (*apart, *self._inline))
        self._beside = beside
        inlined = [column.name for _, columns in self._inline.values() for column in columns]
        self.name = name
        self.columns = (*(column.name for column in self._plain), *inlined, *beside)
        self.table: Any = peewee.Table(name, self.columns)
        self._order = [getattr(self.table, column) for column in order]

    def row_of(self, value: S, **beside: Any) -> dict[str, Any]:
        """Column values by name, in the order of `columns`."""
        row = {column.name: column.into(getattr(value, column.name)) for column in self._plain}
        for field, (_, columns) in self._inline.items():
            nested = getattr(value, field)
            for column in columns:
                row[column.name] = None if nested is None else column.into(getattr(nested, column.name))
        for name in self._beside:
            row[name] = beside[name]
        return row

    def values_of(self, value: S, **beside: Any) -> tuple[Any, ...]:
        """Column values in the order of `columns`, for SQL written by hand."""
        return tuple(self.row_of(value, **beside).values())

    def value_of(self, row: Mapping[str, Any], **apart: Any) -> S:
        """The value a row holds; fields that are kept apart are given by name."""
        fields = {column.name: column.out_of(row[column.name]) for column in self._plain}
        for field, (kind, columns) in self._inline.items():
            fields[field] = _inline_of(kind, columns, row)
        return self._struct(**fields, **apart)

    def select(self, condition: Any) -> Any:
        """The query for the rows that meet a condition, all of them for None, in the order of the table."""
        query = self.table.select().order_by(*self._order)
        return query if condition is None else query.where(condition)

    def insert(self, value: S, **beside: Any) -> Any:
        """The query that inserts one row."""
        return self.table.insert(**self.row_of(value, **beside))

    def insert_sql(self, mark: str) -> str:
        """The same as ready-made SQL for `values_of`: building the query takes five times as long as running it."""
        names = ", ".join(f'"{column}"' for column in self.columns)
        return f"INSERT INTO {self.name} ({names}) VALUES ({', '.join([mark] * len(self.columns))})"

    def update_sql(self, mark: str) -> str:
        """Ready-made SQL that replaces the row with an id: takes `values_of` and the id."""
        changes = ", ".join(f'"{column}" = {mark}' for column in self.columns)
        return f"UPDATE {self.name} SET {changes} WHERE id = {mark}"


def _inline_of(kind: type[msgspec.Struct], columns: tuple[_Column, ...], row: Mapping[str, Any]) -> Any:
    if row[columns[0].name] is None:
        return None
    return kind(**{column.name: column.out_of(row[column.name]) for column in columns})


def _columns(struct: type[msgspec.Struct], without: tuple[str, ...]) -> tuple[_Column, ...]:
    return tuple(
        _Column(field.name, *_converters(field.type))
        for field in msgspec.structs.fields(struct)
        if field.name not in without
    )


def _converters(hint: Any) -> tuple[_Convert, _Convert]:
    """How a value of a type goes into a column and comes out of it."""
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (argument for argument in get_args(hint) if argument is not NoneType)
        into, out_of = _converters(inner)
        return _unless_none(into), _unless_none(out_of)
    if hint in (int, str):
        return _same, _same
    if hint is bool:
        return _same, bool
    if hint is datetime:
        return us_from, ist_from_us
    if hint is date:
        return date.isoformat, date.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda member: member.value), hint
    return (lambda value: msgspec.json.encode(value).decode()), (lambda text: msgspec.json.decode(text, type=hint))


def _same(value: Any) -> Any:
    return value


def _unless_none(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)
