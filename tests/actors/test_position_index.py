"""PositionIndex keeps the set of held securities, and the feed subscribed to them."""

from __future__ import annotations

import pytest

from scalper.actors.messages.feed import HeldChanged, Subscribe, Unsubscribe
from scalper.actors.messages.positions import (
    PositionCancelled,
    PositionClosed,
    PositionOpened,
    PositionPending,
)
from scalper.actors.position_index import PositionIndex
from scalper.domain.positions import Position
from tests.actors.harness import Stage, a_snapshot, restarted
from tests.builders import ELEVEN, OPTION_KEY, a_closed_position, a_pending_position, a_position, an_option

OTHER = an_option(25_800_00)


def a_stage(*positions: Position) -> Stage:
    stage = Stage({"position_index": (PositionIndex, PositionIndex)})
    stage.tell(a_snapshot(*positions))
    return stage


def held(stage: Stage) -> list[tuple[str, ...]]:
    return [changed.keys for changed in stage.said(HeldChanged)]


def test_a_security_is_held_from_the_pending_position_to_the_last_one_closed() -> None:
    stage = a_stage()

    stage.tell(
        PositionPending(at=ELEVEN, position=a_pending_position(1)),
        PositionOpened(at=ELEVEN, position=a_position(1)),
        PositionPending(at=ELEVEN, position=a_pending_position(2)),
        PositionClosed(at=ELEVEN, position=a_closed_position(1)),
        PositionCancelled(at=ELEVEN, position=a_pending_position(2)),
    )

    assert (held(stage)[0], held(stage)[1], held(stage)[-2], held(stage)[-1]) == (
        (),
        (OPTION_KEY,),
        (OPTION_KEY,),
        (),
    )


def test_each_position_subscribes_and_unsubscribes_under_its_own_name() -> None:
    stage = a_stage(a_position(1), a_position(2))
    mark = stage.mark

    stage.tell(PositionClosed(at=ELEVEN, position=a_closed_position(1)))

    assert {wish.owner for wish in stage.told("feed_hub", Subscribe)} == {"position:1", "position:2"}
    assert [(one.keys, one.owner) for one in stage.told("feed_hub", Unsubscribe, mark)] == [
        ((OPTION_KEY,), "position:1")
    ]


def test_the_held_set_is_sorted() -> None:
    stage = a_stage(a_position(1), a_position(2, instrument=OTHER))

    assert held(stage) == [tuple(sorted((OPTION_KEY, OTHER.key)))]


def test_a_restart_begins_from_what_is_open() -> None:
    stage = a_stage(a_position(1))
    mark = stage.mark

    stage.crash("position_index", PositionClosed(at=ELEVEN, position=a_closed_position(9)))
    stage.tell(a_snapshot(a_position(3, instrument=OTHER), a_closed_position(1)))

    assert [changed.keys for changed in stage.said(HeldChanged, mark)] == [(OTHER.key,)]


@pytest.mark.parametrize("name", ["feed_hub", "tick_cache"])
def test_who_comes_back_on_the_price_side_is_told_what_is_held(name: str) -> None:
    stage = a_stage(a_position(1))
    mark = stage.mark

    stage.tell(restarted(name))

    assert [wish.owner for wish in stage.told("feed_hub", Subscribe, mark)] == ["position:1"]
    assert [changed.keys for changed in stage.said(HeldChanged, mark)] == [(OPTION_KEY,)]


def test_a_position_that_is_unknown_leaves_nothing_behind() -> None:
    stage = a_stage(a_position(1))
    mark = stage.mark

    stage.tell(PositionClosed(at=ELEVEN, position=a_closed_position(9)))

    assert (stage.said(HeldChanged, mark), stage.said(Unsubscribe, mark)) == ([], [])
