"""FeedHub knows what is subscribed, and sends each tick where it is needed."""

from __future__ import annotations

from datetime import datetime

import pytest

from scalper.actors.feed_hub import FeedHub
from scalper.actors.messages.feed import (
    FeedFrame,
    FeedHealthChanged,
    HeldChanged,
    HeldTicks,
    IndexTicks,
    Subscribe,
    Ticks,
    Unsubscribe,
)
from scalper.domain.quotes import Tick
from tests.actors.harness import Stage, restarted
from tests.builders import ELEVEN, INDEX_KEY, OPTION_KEY, SESSION, a_tick, an_index_tick, clock, later

OTHER = "NSE_FNO:9"


class WantedFeed:
    """A feed that remembers what it was told."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, ...]] = []
        self.dropped: list[tuple[str, ...]] = []

    def want(self, keys: tuple[str, ...]) -> None:
        self.wanted.append(keys)

    def drop(self, keys: tuple[str, ...]) -> None:
        self.dropped.append(keys)


def a_stage(feed: WantedFeed | None = None, *watchlist: str, started: str = "11:00:00") -> Stage:
    keys = watchlist or (INDEX_KEY, OPTION_KEY, OTHER)
    chosen = feed or WantedFeed()
    make = lambda link: FeedHub(link, feed=chosen, watchlist=keys, session=SESSION)  # noqa: E731
    return Stage({"feed_hub": (FeedHub, make)}, at=clock(started))


def frame(*ticks: Tick, seconds: float = 0) -> FeedFrame:
    return FeedFrame(at=later(seconds), ticks=ticks)


def kinds(stage: Stage) -> list[type]:
    return [type(letter.message) for letter, _ in stage.record.letters if letter.sender == "feed_hub"]


def test_a_frame_goes_out_as_held_then_index_then_the_newest_of_all() -> None:
    stage = a_stage()
    stage.tell(HeldChanged(at=ELEVEN, keys=(OPTION_KEY,)))
    first, second = a_tick(100_00), a_tick(101_00, later(0.1))
    index, other = an_index_tick(), a_tick(55_00, key=OTHER)

    stage.tell(frame(first, index, other, second, a_tick(56_00, later(0.1), key=OTHER)))

    assert kinds(stage) == [HeldTicks, IndexTicks, Ticks]
    assert stage.said(HeldTicks)[0].ticks == (first, second)
    assert stage.said(IndexTicks)[0].ticks == (index,)
    assert {tick.key: tick.ltp_paise for tick in stage.said(Ticks)[0].ticks} == {
        OPTION_KEY: 101_00,
        INDEX_KEY: 25_750_00,
        OTHER: 56_00,
    }


def test_frames_that_wait_are_one_and_lose_no_tick_that_is_held() -> None:
    stage = a_stage()
    stage.tell(HeldChanged(at=ELEVEN, keys=(OPTION_KEY,)))

    stage.tell_together(*(frame(a_tick(100_00 + step, later(step / 10)), seconds=step) for step in range(5)))

    (held,), (rest,) = stage.said(HeldTicks), stage.said(Ticks)
    assert [tick.ltp_paise for tick in held.ticks] == [100_00, 100_01, 100_02, 100_03, 100_04]
    assert [tick.ltp_paise for tick in rest.ticks] == [100_04]


def test_a_security_nobody_wants_is_not_passed_on() -> None:
    stage = a_stage(None, INDEX_KEY)

    stage.tell(frame(a_tick()))

    assert kinds(stage) == []


def test_the_watchlist_is_wanted_at_every_start() -> None:
    feed = WantedFeed()
    stage = a_stage(feed, INDEX_KEY, OTHER)

    stage.crash("feed_hub", frame(an_index_tick()))

    assert feed.wanted == [(INDEX_KEY, OTHER)] * 2


def test_a_key_is_dropped_when_its_last_owner_leaves() -> None:
    feed = WantedFeed()
    stage = a_stage(feed, INDEX_KEY)
    both = [Subscribe(at=ELEVEN, keys=(OPTION_KEY,), owner=owner) for owner in ("position:1", "position:2")]

    stage.tell(*both, Unsubscribe(at=ELEVEN, keys=(OPTION_KEY,), owner="position:1"))
    before = list(feed.dropped)
    stage.tell(*(Unsubscribe(at=ELEVEN, keys=(OPTION_KEY,), owner="position:2") for _ in range(2)))

    assert feed.wanted == [(INDEX_KEY,), (OPTION_KEY,)]
    assert (before, feed.dropped) == ([], [(OPTION_KEY,)])


def test_a_watched_key_outlives_every_other_owner() -> None:
    feed = WantedFeed()
    stage = a_stage(feed, INDEX_KEY)

    stage.tell(
        Subscribe(at=ELEVEN, keys=(INDEX_KEY,), owner="position:1"),
        Unsubscribe(at=ELEVEN, keys=(INDEX_KEY,), owner="position:1"),
        frame(an_index_tick()),
    )

    assert (feed.wanted, feed.dropped, len(stage.said(IndexTicks))) == ([(INDEX_KEY,)], [], 1)


def test_leaving_a_key_that_was_never_wanted_changes_nothing() -> None:
    feed = WantedFeed()
    stage = a_stage(feed, INDEX_KEY)

    stage.tell(Unsubscribe(at=ELEVEN, keys=(OPTION_KEY, INDEX_KEY), owner="somebody"))

    assert feed.dropped == []


def test_a_newly_held_security_begins_with_its_last_tick() -> None:
    stage = a_stage()
    stage.tell(frame(a_tick(100_00)))

    stage.tell(HeldChanged(at=later(1), keys=(OPTION_KEY,)), HeldChanged(at=later(2), keys=(OPTION_KEY, OTHER)))

    assert [(held.at, held.ticks) for held in stage.said(HeldTicks)] == [(later(1), (a_tick(100_00),))]


def test_a_security_that_is_held_no_more_is_conflated_again() -> None:
    stage = a_stage()
    stage.tell(HeldChanged(at=ELEVEN, keys=(OPTION_KEY,)), HeldChanged(at=ELEVEN, keys=()))

    stage.tell(frame(a_tick()))

    assert kinds(stage) == [Ticks]


def test_staleness_is_told_once_each_way() -> None:
    stage = a_stage()
    stage.tell(frame(an_index_tick()))

    stage.pulse(later(10), later(10.25), later(20))
    stage.tell(frame(an_index_tick(), seconds=20.1))
    stage.pulse(later(20.25), later(20.5))

    assert [(one.at, one.is_fresh, one.age_ms) for one in stage.said(FeedHealthChanged)] == [
        (later(10.25), False, 10_250),
        (later(20.25), True, 150),
    ]


def test_a_feed_that_never_says_anything_is_stale_ten_seconds_after_the_open() -> None:
    stage = a_stage(started="09:00:00")

    stage.pulse(clock("09:10:00"), clock("09:15:10"), clock("09:15:10.250"))

    assert [(one.at, one.is_fresh) for one in stage.said(FeedHealthChanged)] == [(clock("09:15:10.250"), False)]


def test_a_hub_that_begins_in_the_middle_of_the_day_gives_the_feed_its_ten_seconds() -> None:
    stage = a_stage()

    stage.pulse(later(0.25), later(10), later(10.25))

    assert [(one.at, one.is_fresh) for one in stage.said(FeedHealthChanged)] == [(later(10.25), False)]


def test_a_new_risk_manager_is_told_that_the_feed_is_stale() -> None:
    stage = a_stage()
    stage.tell(frame(an_index_tick()))

    stage.tell(restarted("risk_manager", later(5)))
    stage.pulse(later(10.25))
    stage.tell(restarted("risk_manager", later(12)))

    assert [(one.at, one.is_fresh) for one in stage.said(FeedHealthChanged)] == [
        (later(10.25), False),
        (later(12), False),
    ]


@pytest.mark.parametrize("at", [clock("08:00:00"), clock("15:30:00"), clock("20:00:00")])
def test_while_the_market_is_closed_silence_is_no_fault(at: datetime) -> None:
    stage = a_stage(started="07:00:00")

    stage.pulse(at)

    assert stage.said(FeedHealthChanged) == []
