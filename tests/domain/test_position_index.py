"""Which positions hang on which security, by its full key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.instruments import instrument_key
from scalper.domain.position_index import PositionIndexTable
from tests.shared_files import golden_cases

NSE, BSE = "NSE_FNO:50074", "BSE_FNO:50074"


def a_table(*entries: tuple[int, str]) -> PositionIndexTable:
    table = PositionIndexTable()
    for position_id, key in entries:
        table.add(position_id, key)
    return table


def test_one_id_on_two_exchanges_is_two_securities() -> None:
    table = a_table((1, NSE), (2, BSE))

    assert (table.positions_of(NSE), table.positions_of(BSE)) == ((1,), (2,))


def test_a_key_without_positions_is_not_there() -> None:
    table = a_table((1, NSE))

    assert table.remove(1, NSE)
    assert (table.keys(), table.entries(), table.positions_of(NSE)) == ((), (), ())


@pytest.mark.parametrize("repeat", [1, 3])
def test_adding_and_removing_again_changes_nothing(repeat: int) -> None:
    table = a_table((1, NSE), (2, NSE))

    added = [table.add(1, NSE) for _ in range(repeat)]
    removed = [table.remove(1, NSE) for _ in range(repeat)]

    assert not any(added)
    assert removed == [True] + [False] * (repeat - 1)
    assert table.positions_of(NSE) == (2,)


def test_what_is_told_is_a_copy() -> None:
    table = a_table((1, NSE))
    before = table.positions_of(NSE)

    table.add(2, NSE)

    assert before == (1,)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.sampled_from([NSE, BSE, "NSE_FNO:1"]))))
def test_it_holds_exactly_what_was_added_and_not_removed(steps: list[tuple[bool, int, str]]) -> None:
    table = PositionIndexTable()
    expected: set[tuple[int, str]] = set()
    for is_added, position_id, key in steps:
        entry = (position_id, key)
        changed = table.add(*entry) if is_added else table.remove(*entry)
        assert changed is ((entry not in expected) if is_added else (entry in expected))
        (expected.add if is_added else expected.discard)(entry)

    assert table.entries() == tuple(sorted(expected))
    assert table.keys() == tuple(sorted({key for _, key in expected}))


@pytest.mark.parametrize("case", [one for one in golden_cases("positions.index") if one.id != "pidx-3"])
def test_worked_examples(case: dict[str, Any]) -> None:
    table = a_table(*((one["id"], instrument_key(one["segment"], one["security_id"])) for one in case["input"]["add"]))

    found = table.positions_of(instrument_key(*case["input"]["query"]))

    assert list(found) == case["expected"]["ids"]
