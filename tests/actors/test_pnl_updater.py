"""PnlUpdater mirrors marks in batches, the newest of each position, and syncs rows now and then."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from scalper.actors.messages.exits import ExitFailed, ExitIntentApproved
from scalper.actors.messages.positions import PnlMark, PnlSynced, PositionClosed, PositionOpened, PositionTrailed
from scalper.actors.pnl_updater import PnlRules, PnlUpdater
from scalper.domain.positions import Position
from scalper.domain.times import us_from
from scalper.store.cache import Cache
from tests.actors.harness import Stage, a_cache, a_snapshot
from tests.builders import (
    ELEVEN,
    LOT,
    a_closed_position,
    a_position,
    a_trail,
    an_exit_intent,
    an_exit_order,
    later,
)


def a_stage(*positions: Position, cache: Cache | None = None, batch_max: int = 200) -> tuple[Stage, Cache]:
    chosen = cache or a_cache()
    rules = PnlRules(flush_ms=250, batch_max=batch_max, db_sync_s=30)
    stage = Stage({"pnl_updater": (PnlUpdater, lambda link: PnlUpdater(link, cache=chosen, rules=rules))})
    stage.tell(a_snapshot(*positions))
    chosen.flush()
    return stage, chosen


def trailed(ltp_paise: int, at: datetime = ELEVEN, position_id: int = 1, **changes: Any) -> PositionTrailed:
    pnl = (ltp_paise - 100_00) * LOT
    told: dict[str, Any] = {"hwm_pnl_paise": max(pnl, 0), "trail": a_trail()} | changes
    return PositionTrailed(
        at=at,
        position_id=position_id,
        ltp_paise=ltp_paise,
        bid_paise=ltp_paise - 5,
        tick_at_us=us_from(at),
        pnl_paise=pnl,
        **told,
    )


def test_the_newest_mark_of_a_position_is_mirrored_at_the_next_pulse() -> None:
    stage, cache = a_stage(a_position())

    stage.tell(trailed(105_00), trailed(102_00, later(0.1)))
    stage.pulse(later(0.25))
    cache.flush()

    fields = cache.fetch("pnl:tracker:1")
    assert (fields["ltp"], fields["pnl"], fields["hwm_pnl"]) == ("102.0", str(2.0 * LOT), str(2.0 * LOT))
    assert (fields["entry_price"], fields["quantity"], fields["paper"]) == ("100.0", str(LOT), "1")


def test_a_position_is_in_redis_from_its_fill_on() -> None:
    stage, cache = a_stage()

    stage.tell(PositionOpened(at=ELEVEN, position=a_position()))
    cache.flush()

    assert cache.fetch("pos:1")["entry"] == "100.0"
    assert cache.fetch("position_peaks:1")["stop"] == "70.0"


def test_flushes_lie_a_quarter_of_a_second_apart() -> None:
    stage, cache = a_stage(a_position())
    stage.tell(trailed(101_00))
    stage.pulse(later(0.25))
    cache.flush()

    stage.tell(trailed(102_00, later(0.3)))
    stage.pulse(later(0.4))
    early = cache.writer.waiting_count
    stage.pulse(later(0.5))

    assert (early, cache.writer.waiting_count > 0) == (0, True)


def test_no_more_than_a_batch_is_written_at_once_and_the_rest_next_time() -> None:
    stage, cache = a_stage(*(a_position(number) for number in (1, 2, 3)), batch_max=2)
    stage.tell(*(trailed(101_00, position_id=number) for number in (1, 2, 3)))

    stage.pulse(later(0.25))
    cache.flush()
    first = [bool(cache.fetch(f"pnl:tracker:{number}")) for number in (1, 2, 3)]
    stage.pulse(later(0.5))
    cache.flush()

    assert (first, bool(cache.fetch("pnl:tracker:3"))) == ([True, True, False], True)


def test_rows_are_synced_every_thirty_seconds_with_the_last_value() -> None:
    stage, _ = a_stage(a_position())

    for second, ltp in ((0, 101_00), (10, 102_00), (29.75, 103_00), (30, 104_00), (31, 105_00)):
        stage.tell(trailed(ltp, later(second)))
        stage.pulse(later(second))

    assert [synced.marks for synced in stage.told("position_tracker", PnlSynced)] == [
        (PnlMark(1, 1_00 * LOT),),
        (PnlMark(1, 4_00 * LOT),),
    ]


def test_a_closed_position_leaves_redis_and_the_queue() -> None:
    stage, cache = a_stage(a_position())
    stage.tell(trailed(101_00))
    stage.pulse(later(0.25))

    stage.tell(trailed(102_00, later(0.3)), PositionClosed(at=later(0.4), position=a_closed_position()))
    stage.tell(trailed(103_00, later(0.5)))
    stage.pulse(later(1))
    cache.flush()

    assert [cache.fetch(key) for key in ("pnl:tracker:1", "pos:1", "position_peaks:1")] == [{}, {}, {}]


@pytest.mark.parametrize("has_failed", [False, True])
def test_an_exit_in_flight_is_shown_until_it_fails(has_failed: bool) -> None:
    stage, cache = a_stage(a_position())

    stage.tell(ExitIntentApproved(at=ELEVEN, intent=an_exit_intent(), orders=(an_exit_order(),)))
    if has_failed:
        stage.tell(ExitFailed(at=ELEVEN, intent_id=1, position_id=1, quantity_left=LOT, text="no bid"))
    cache.flush()

    assert ('"exit_pending":true' in cache.fetch("pos:1")["flags"]) is not has_failed


def test_a_risen_peak_is_mirrored() -> None:
    stage, cache = a_stage(a_position())

    stage.tell(trailed(110_00, trail=a_trail(106_70, 110_00, is_breakeven_locked=True)))
    stage.pulse(later(0.25))
    cache.flush()

    peaks = cache.fetch("position_peaks:1")
    assert (peaks["hwm_ltp"], peaks["stop"], peaks["breakeven_locked"]) == ("110.0", "106.7", "1")


def test_what_a_lost_letter_left_in_redis_is_gone_after_a_restart() -> None:
    cache = a_cache()
    a_stage(a_position(1), a_position(2), cache=cache)
    for number in (1, 2):
        cache.put_pnl(number, {"pnl": "1.0"})
    cache.flush()

    a_stage(a_position(2), cache=cache)

    assert (cache.fetch("pnl:tracker:1"), bool(cache.fetch("pnl:tracker:2"))) == ({}, True)
