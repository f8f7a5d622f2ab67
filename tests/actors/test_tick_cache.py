"""TickCache knows the last true price of every security, and mirrors those that matter."""

from __future__ import annotations

from scalper.actors.messages.feed import GetTicks, HeldChanged, Ticks, TicksFound
from scalper.actors.tick_cache import TickCache
from scalper.domain.quotes import Tick
from scalper.store.cache import Cache
from tests.actors.harness import Stage, a_cache
from tests.builders import ELEVEN, INDEX_KEY, OPTION_KEY, a_tick, an_index_tick, later


def a_stage(cache: Cache | None = None) -> Stage:
    chosen = cache or a_cache()
    return Stage({"tick_cache": (TickCache, lambda link: TickCache(link, cache=chosen, indices=(INDEX_KEY,)))})


def ticks(*found: Tick) -> Ticks:
    return Ticks(at=ELEVEN, ticks=found)


def last(stage: Stage, *keys: str) -> tuple[Tick | None, ...]:
    stage.tell(GetTicks(at=ELEVEN, request="r", reply_to="somebody", keys=keys))
    return stage.told("somebody", TicksFound)[-1].ticks


def test_who_asks_gets_the_last_tick_of_each_key_in_his_order() -> None:
    stage = a_stage()

    stage.tell(ticks(a_tick(100_00), an_index_tick()), ticks(a_tick(101_00, later(1))))

    assert last(stage, INDEX_KEY, "NSE_FNO:9", OPTION_KEY) == (an_index_tick(), None, a_tick(101_00, later(1)))


def test_a_price_of_zero_never_replaces_a_true_one() -> None:
    stage = a_stage()

    stage.tell(ticks(a_tick(100_00)), ticks(a_tick(0, later(1))))

    assert last(stage, OPTION_KEY) == (a_tick(100_00),)


def test_ticks_that_wait_are_taken_as_one() -> None:
    stage = a_stage()

    stage.tell_together(ticks(a_tick(100_00)), ticks(an_index_tick()), ticks(a_tick(102_00, later(1))))

    assert last(stage, OPTION_KEY, INDEX_KEY) == (a_tick(102_00, later(1)), an_index_tick())


def test_indices_and_held_securities_are_mirrored_at_a_pulse_and_others_are_not() -> None:
    cache = a_cache()
    stage = a_stage(cache)
    stage.tell(HeldChanged(at=ELEVEN, keys=(OPTION_KEY,)))

    stage.tell(ticks(a_tick(100_00), an_index_tick(), a_tick(key="NSE_FNO:9")))
    before = cache.writer.waiting_count
    stage.pulse(later(1))
    cache.flush()

    assert before == 0
    assert cache.fetch(f"tick:{OPTION_KEY}")["ltp"] == "100.0"
    assert cache.fetch(f"tick:{INDEX_KEY}")["ltp"] == "25750.0"
    assert cache.fetch("tick:NSE_FNO:9") == {}


def test_a_tick_is_mirrored_once() -> None:
    cache = a_cache()
    stage = a_stage(cache)
    stage.tell(ticks(an_index_tick()))
    stage.pulse(later(1))
    cache.flush()

    stage.pulse(later(2))

    assert cache.writer.waiting_count == 0


def test_what_is_held_no_more_leaves_the_mirror() -> None:
    cache = a_cache()
    stage = a_stage(cache)
    stage.tell(HeldChanged(at=ELEVEN, keys=(OPTION_KEY,)), ticks(a_tick()))
    stage.pulse(later(1))
    cache.flush()

    stage.tell(HeldChanged(at=later(2), keys=()))
    stage.pulse(later(2))
    cache.flush()

    assert cache.fetch(f"tick:{OPTION_KEY}") == {}
