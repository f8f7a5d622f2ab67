"""ActiveCache marks every open position to every new tick of its security."""

from __future__ import annotations

import pytest

from scalper.actors.active_cache import ActiveCache
from scalper.actors.messages.feed import HeldTicks
from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionMarked,
    PositionOpened,
    PositionProfitChanged,
)
from scalper.domain.positions import Position
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from tests.actors.harness import Stage, a_snapshot
from tests.builders import ELEVEN, LOT, a_pending_position, a_position, a_tick, an_option, later


def a_stage(*positions: Position) -> Stage:
    stage = Stage({"active_cache": (ActiveCache, ActiveCache)})
    stage.tell(a_snapshot(*positions))
    return stage


def held(*ticks: Tick) -> HeldTicks:
    return HeldTicks(at=later(1), ticks=ticks)


def test_a_tick_marks_each_position_of_its_security_with_its_own_profit() -> None:
    stage = a_stage(a_position(1), a_position(2, quantity=2 * LOT, entry_paise=90_00))

    stage.tell(held(a_tick(105_00)))

    assert [(one.position_id, one.ltp_paise, one.bid_paise, one.pnl_paise) for one in stage.said(PositionMarked)] == [
        (1, 105_00, 104_95, 5_00 * LOT),
        (2, 105_00, 104_95, 15_00 * 2 * LOT),
    ]
    assert {one.tick_at_us for one in stage.said(PositionMarked)} == {us_from(ELEVEN)}


def test_every_tick_of_a_burst_is_a_mark() -> None:
    stage = a_stage(a_position())

    stage.tell(held(*(a_tick(price, later(place / 10)) for place, price in enumerate((69_00, 110_00, 100_00)))))

    assert [one.ltp_paise for one in stage.said(PositionMarked)] == [69_00, 110_00, 100_00]


def test_a_tick_older_than_the_last_one_is_dropped() -> None:
    stage = a_stage(a_position())

    stage.tell(held(a_tick(105_00, later(1))), held(a_tick(60_00, later(0.5))), held(a_tick(106_00, later(1))))

    assert [one.ltp_paise for one in stage.said(PositionMarked)] == [105_00, 106_00]


@pytest.mark.parametrize("tick", [a_tick(0), a_tick(key="NSE_FNO:1")])
def test_a_tick_without_a_price_or_a_position_marks_nothing(tick: Tick) -> None:
    stage = a_stage(a_position())

    stage.tell(held(tick))

    assert stage.said(PositionMarked) == []


def test_a_pending_position_is_marked_from_its_first_fill_on() -> None:
    stage = a_stage(a_pending_position())

    stage.tell(held(a_tick(99_00)))
    before = len(stage.said(PositionMarked))
    stage.tell(PositionOpened(at=ELEVEN, position=a_position()), held(a_tick(101_00, later(2))))

    assert (before, [one.ltp_paise for one in stage.said(PositionMarked)]) == (0, [99_00, 101_00])


def test_a_changed_quantity_counts_from_the_next_tick_on() -> None:
    stage = a_stage(a_position(quantity=2 * LOT))

    stage.tell(PositionChanged(at=ELEVEN, position=a_position(quantity=LOT)), held(a_tick(101_00)))

    assert [one.pnl_paise for one in stage.said(PositionMarked)] == [1_00 * LOT]


def test_a_closed_position_is_marked_no_more_and_its_neighbour_still_is() -> None:
    stage = a_stage(a_position(1), a_position(2))

    stage.tell(PositionClosed(at=ELEVEN, position=a_position(1)), held(a_tick(101_00)))

    assert [one.position_id for one in stage.said(PositionMarked)] == [2]


def test_positions_of_other_securities_are_left_alone() -> None:
    other = an_option(25_800_00)
    stage = a_stage(a_position(1), a_position(2, instrument=other))

    stage.tell(held(a_tick(101_00, key=other.key)))

    assert [one.position_id for one in stage.said(PositionMarked)] == [2]


def test_only_the_turn_into_and_out_of_profit_is_told() -> None:
    stage = a_stage(a_position())
    prices = (99_00, 101_00, 102_00, 100_00, 99_00, 101_00)

    stage.tell(*(held(a_tick(price, later(place))) for place, price in enumerate(prices)))

    assert [one.since is not None for one in stage.said(PositionProfitChanged)] == [True, False, True]


def test_after_a_restart_a_position_in_profit_does_not_turn_once_more() -> None:
    stage = a_stage(a_position(profitable_since=ELEVEN))

    stage.tell(held(a_tick(101_00)), held(a_tick(99_00, later(1))))

    assert [one.since for one in stage.said(PositionProfitChanged)] == [None]
