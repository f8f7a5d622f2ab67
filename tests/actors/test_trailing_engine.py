"""TrailingEngine raises peak and stop at every mark and lowers neither, whatever happens."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionMarked,
    PositionOpened,
    PositionTrailed,
    StopMoved,
)
from scalper.actors.trailing_engine import TrailingEngine
from scalper.domain.positions import Position
from scalper.domain.reasons import StopSource
from scalper.domain.rules import ExitRules
from scalper.domain.times import us_from
from tests.actors.harness import Stage, a_snapshot
from tests.builders import ELEVEN, LOT, OPTION_KEY, a_position, a_trail, later

#: What the trail looks like after a peak of 110 on an entry of 100.
AT_110 = a_trail(106_70, 110_00, stop_source=StopSource.TRAIL, is_breakeven_locked=True)


def a_stage(*positions: Position) -> Stage:
    stage = Stage({"trailing_engine": (TrailingEngine, lambda link: TrailingEngine(link, rules=ExitRules()))})
    stage.tell(a_snapshot(*positions))
    return stage


def marked(ltp_paise: int, at: datetime = ELEVEN, position_id: int = 1) -> PositionMarked:
    return PositionMarked(
        at=at,
        position_id=position_id,
        key=OPTION_KEY,
        ltp_paise=ltp_paise,
        bid_paise=ltp_paise - 5,
        tick_at_us=us_from(at),
        pnl_paise=(ltp_paise - 100_00) * LOT,
    )


def test_every_mark_is_passed_on_with_the_stop_it_has_raised() -> None:
    stage = a_stage(a_position())

    stage.tell(marked(99_00), marked(110_00), marked(108_00))

    assert [(one.ltp_paise, one.trail.stop_paise, one.trail.hwm_ltp_paise) for one in stage.said(PositionTrailed)] == [
        (99_00, 70_00, 100_00),
        (110_00, 106_70, 110_00),
        (108_00, 106_70, 110_00),
    ]


def test_the_highest_profit_is_kept() -> None:
    stage = a_stage(a_position())

    stage.tell(marked(110_00), marked(104_00))

    assert [one.hwm_pnl_paise for one in stage.said(PositionTrailed)] == [10_00 * LOT] * 2


def test_marks_of_a_position_it_does_not_know_are_dropped() -> None:
    stage = a_stage(a_position())

    stage.tell(marked(110_00, position_id=9), PositionClosed(at=ELEVEN, position=a_position()), marked(120_00))

    assert stage.said(PositionTrailed) == []


def test_a_rise_is_written_at_most_once_in_a_quarter_of_a_second_and_the_last_one_always() -> None:
    stage = a_stage(a_position())

    stage.tell(marked(101_00, later(0.3)), marked(102_00, later(0.35)), marked(103_00, later(0.4)))
    stage.pulse(later(0.5), later(0.55), later(0.8))

    assert [(one.at, one.trail.hwm_ltp_paise) for one in stage.said(StopMoved)] == [
        (later(0.3), 101_00),
        (later(0.55), 103_00),
    ]


def test_without_a_rise_nothing_is_written() -> None:
    stage = a_stage(a_position())

    stage.tell(marked(100_00, later(1)), marked(90_00, later(2)))
    stage.pulse(later(3))

    assert stage.said(StopMoved) == []


def test_a_rise_that_waits_to_be_written_survives_a_change_of_the_position() -> None:
    stage = a_stage(a_position(quantity=2 * LOT))
    stage.tell(marked(110_00, later(0.1)))

    stage.tell(PositionChanged(at=later(0.15), position=a_position(quantity=LOT)))
    stage.pulse(later(0.5))

    assert [one.trail for one in stage.said(StopMoved)] == [AT_110]


def test_after_a_restart_the_peak_is_that_of_the_row() -> None:
    stage = a_stage(a_position(trail=AT_110, hwm_pnl_paise=10_00 * LOT))

    stage.tell(marked(107_00))

    (trailed,) = stage.said(PositionTrailed)
    assert (trailed.trail, trailed.hwm_pnl_paise) == (AT_110, 10_00 * LOT)


@pytest.mark.parametrize("kind", [PositionChanged, PositionOpened])
def test_a_row_that_is_behind_lowers_nothing(kind: type[PositionChanged] | type[PositionOpened]) -> None:
    stage = a_stage(a_position())
    stage.tell(marked(110_00))

    stage.tell(kind(at=later(1), position=a_position()), marked(107_00, later(2)))

    assert stage.said(PositionTrailed)[-1].trail == AT_110


def test_a_dearer_fill_raises_the_first_stop() -> None:
    stage = a_stage(a_position())

    stage.tell(PositionChanged(at=later(1), position=a_position(quantity=2 * LOT, entry_paise=102_00)))
    stage.tell(marked(101_00, later(2)))

    assert stage.said(PositionTrailed)[-1].trail.stop_paise == 71_40


def test_marks_wait_until_the_positions_are_known() -> None:
    stage = Stage({"trailing_engine": (TrailingEngine, lambda link: TrailingEngine(link, rules=ExitRules()))})

    stage.tell(marked(111_00))
    before = len(stage.said(PositionTrailed))
    stage.tell(a_snapshot(a_position()))

    assert (before, len(stage.said(PositionTrailed))) == (0, 1)


_EVENT = st.tuples(st.sampled_from(["mark", "change", "pulse"]), st.integers(60_00, 190_00))


@given(events=st.lists(_EVENT, max_size=30))
def test_no_path_of_prices_ever_lowers_stop_or_peak(events: list[tuple[str, int]]) -> None:
    stage = a_stage(a_position())

    for place, (what, price) in enumerate(events):
        at = later(place * 0.1)
        if what == "mark":
            stage.tell(marked(price, at))
        elif what == "change":
            stage.tell(PositionChanged(at=at, position=a_position(quantity=(1 + price % 3) * LOT)))
        else:
            stage.pulse(at)

    for messages in (stage.said(PositionTrailed), stage.said(StopMoved)):
        stops = [one.trail.stop_paise for one in messages]
        peaks = [one.trail.hwm_ltp_paise for one in messages]
        assert (stops, peaks) == (sorted(stops), sorted(peaks))
