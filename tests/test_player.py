"""The player shows a market quarter of a second by quarter of a second, each tick once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from scalper.actors.messages.feed import FeedFrame
from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.quotes import Candle, Tick
from scalper.domain.times import us_from
from scalper.player import PlayedFeed, Player, slots
from tests.builders import DAY, INDEX_KEY, OPTION_KEY, a_tick, an_index_tick, an_instrument, clock, later

OPENS, CLOSES = clock("11:00:00"), clock("11:02:00")
INDEX = an_instrument(key=INDEX_KEY, segment="IDX_I", kind=InstrumentKind.INDEX)


class TwoMinutes:
    """A market of two minutes: one index, one option, a tick of each every second or so."""

    kind, name, day, seed = "builtin", "two minutes", DAY, 1
    warnings: tuple[str, ...] = ()
    opens_at, closes_at = OPENS, CLOSES
    instruments: tuple[Instrument, ...] = (INDEX, an_instrument())

    def __init__(self) -> None:
        self.all = tuple(
            sorted(
                (
                    make(at=OPENS + timedelta(milliseconds=step * 777))
                    for step in range(120 * 1000 // 777)
                    for make in (an_index_tick, a_tick)
                ),
                key=lambda tick: tick.at_us,
            )
        )

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        first, end = us_from(minute), us_from(minute + timedelta(minutes=1))
        return tuple(tick for tick in self.all if first <= tick.at_us < end)

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        return ()

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        return ()

    def quote(self, key: str, at: datetime) -> Tick | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


def test_every_tick_comes_once_in_the_slot_that_ends_after_it() -> None:
    market = TwoMinutes()

    played = list(slots(market, OPENS))

    assert [tick for _, ticks in played for tick in ticks] == list(market.all)
    quarter_us = 250_000
    assert all(us_from(at) - quarter_us <= tick.at_us < us_from(at) for at, ticks in played for tick in ticks)
    assert len(played) == 480
    assert all(high - low == timedelta(milliseconds=250) for (low, _), (high, _) in pairwise(played))


@pytest.mark.parametrize("seconds", [0, 0.25, 30, 60, 119.75])
def test_a_resumed_market_goes_on_where_it_stopped(seconds: float) -> None:
    market = TwoMinutes()
    start = later(seconds, OPENS)

    rest = list(slots(market, start))

    assert rest == [slot for slot in slots(market, OPENS) if slot[0] > start]


def test_before_the_open_time_passes_without_ticks() -> None:
    played = list(slots(TwoMinutes(), OPENS - timedelta(minutes=1)))

    assert (len(played), [ticks for _, ticks in played[:240]]) == (720, [()] * 240)


def a_player(*wanted: str, seconds: float = 5) -> Player:
    feed = PlayedFeed()
    feed.want(wanted)
    return Player(TwoMinutes(), feed, OPENS, later(seconds, CLOSES))


def test_pulses_go_on_to_the_end_when_the_market_has_no_ticks_left() -> None:
    player = a_player(INDEX_KEY, OPTION_KEY)

    moments = list(player.moments())

    assert moments[-1][1].at == player.at == later(5, CLOSES)
    assert [frame for frame, _ in moments[480:]] == [None] * 20


def test_frame_and_pulse_of_a_slot_bear_its_end() -> None:
    moments = list(a_player(INDEX_KEY, OPTION_KEY).moments())

    assert all(frame is None or frame.at == pulse.at for frame, pulse in moments)


@pytest.mark.parametrize(("wanted", "share"), [((INDEX_KEY, OPTION_KEY), 1.0), ((OPTION_KEY,), 0.5), ((), 0.0)])
def test_only_what_is_wanted_is_played_and_counted(wanted: tuple[str, ...], share: float) -> None:
    player = a_player(*wanted)

    frames = [frame for frame, _ in player.moments() if isinstance(frame, FeedFrame)]

    ticks = [tick for frame in frames for tick in frame.ticks]
    assert len(ticks) == player.ticks == len(TwoMinutes().all) * share
    assert {tick.key for tick in ticks} == set(wanted)


def test_a_wish_counts_from_the_next_slot_on() -> None:
    feed = PlayedFeed()
    feed.want((INDEX_KEY, OPTION_KEY))
    player = Player(TwoMinutes(), feed, OPENS, CLOSES)
    moments = player.moments()
    for _ in range(240):
        next(moments)

    feed.drop((OPTION_KEY,))

    rest = {tick.key for frame, _ in moments if frame is not None for tick in frame.ticks}
    assert rest == {INDEX_KEY}
