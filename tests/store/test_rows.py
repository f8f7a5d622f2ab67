"""Values become rows and rows become values again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.times import IST
from scalper.store.rows import Rows


class Mood(StrEnum):
    CALM = "CALM"
    ALARMED = "ALARMED"


class Nested(msgspec.Struct, frozen=True):
    level: int
    mood: Mood


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    text: str
    is_so: bool
    at: datetime
    day: date
    mood: Mood
    maybe_at: datetime | None
    maybe_mood: Mood | None
    many: tuple[Nested, ...]
    nested: Nested | None


class Inlined(msgspec.Struct, frozen=True):
    low: int
    is_locked: bool


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    inlined: Inlined | None
    apart: tuple[int, ...]


OWNERS = Rows("owners", Owner, inline={"inlined": Inlined}, apart=("apart",), beside=("copy",))
EVERYTHING = Rows("everything", Everything)

instants = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC).astimezone(IST)
)
nested = st.builds(Nested, st.integers(), st.sampled_from(Mood))
everything = st.builds(
    Everything,
    id=st.integers(),
    text=st.text(),
    is_so=st.booleans(),
    at=instants,
    day=st.dates(),
    mood=st.sampled_from(Mood),
    maybe_at=st.none() | instants,
    maybe_mood=st.none() | st.sampled_from(Mood),
    many=st.lists(nested, max_size=3).map(tuple),
    nested=st.none() | nested,
)


@given(value=everything)
def test_every_value_comes_back_from_its_row(value: Everything) -> None:
    row = EVERYTHING.row_of(value)

    assert EVERYTHING.value_of(row) == value
    assert all(column is None or type(column) in (int, str, bool) for column in row.values())


def test_a_time_is_utc_microseconds_and_comes_back_in_india() -> None:
    at = datetime(2026, 1, 13, 5, 30, 0, 1, tzinfo=UTC)
    value = msgspec.structs.replace(SOMETHING, at=at)

    row = EVERYTHING.row_of(value)

    assert row["at"] == 1_768_282_200_000_001
    assert EVERYTHING.value_of(row).at.isoformat() == "2026-01-13T11:00:00.000001+05:30"


def test_a_database_without_booleans_gives_numbers_for_them() -> None:
    row = EVERYTHING.row_of(SOMETHING) | {"is_so": 0}

    assert EVERYTHING.value_of(row).is_so is False


def test_an_inlined_value_has_columns_of_its_own() -> None:
    owner = Owner(id=1, inlined=Inlined(low=0, is_locked=False), apart=(1, 2))

    row = OWNERS.row_of(owner, copy=9)

    assert row == {"id": 1, "low": 0, "is_locked": False, "copy": 9}
    assert tuple(row) == OWNERS.columns
    assert OWNERS.value_of(row, apart=(1, 2)) == owner


def test_no_inlined_value_is_null_in_all_its_columns() -> None:
    owner = Owner(id=1, inlined=None, apart=())

    row = OWNERS.row_of(owner, copy=9)

    assert row == {"id": 1, "low": None, "is_locked": None, "copy": 9}
    assert OWNERS.value_of(row, apart=()) == owner


def test_values_are_in_the_order_of_the_columns() -> None:
    owner = Owner(id=1, inlined=Inlined(low=5, is_locked=True), apart=())

    assert dict(zip(OWNERS.columns, OWNERS.values_of(owner, copy=9), strict=True)) == OWNERS.row_of(owner, copy=9)


def test_a_nested_value_is_readable_text() -> None:
    row = EVERYTHING.row_of(msgspec.structs.replace(SOMETHING, many=(Nested(1, Mood.CALM),)))

    assert row["many"] == '[{"level":1,"mood":"CALM"}]'


SOMETHING = Everything(
    id=1,
    text="",
    is_so=True,
    at=datetime(2026, 1, 13, tzinfo=IST),
    day=date(2026, 1, 13),
    mood=Mood.CALM,
    maybe_at=None,
    maybe_mood=None,
    many=(),
    nested=None,
)
