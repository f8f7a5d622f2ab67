"""The tick path of a bar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scalper.domain.instruments import Instrument, InstrumentKind, OptionType
from scalper.domain.quotes import MINUTE_US, Tick
from scalper.tape.paths import Bars, TickMaker

MINUTE = 1_768_276_800_000_000
INDEX = Instrument(
    key="IDX_I:13",
    segment="IDX_I",
    security_id="13",
    kind=InstrumentKind.INDEX,
    underlying="NIFTY",
    symbol="NIFTY",
    lot_size=1,
    tick_size_paise=5,
)


def an_option(security_id: str) -> Instrument:
    return Instrument(
        key=f"NSE_FNO:{security_id}",
        segment="NSE_FNO",
        security_id=security_id,
        kind=InstrumentKind.OPTION,
        underlying="NIFTY",
        symbol="NIFTY-Jan2026-25400-CE",
        lot_size=65,
        tick_size_paise=5,
        strike_paise=2_540_000,
        option_type=OptionType.CE,
    )


INSTRUMENTS = (INDEX, an_option("40001"), an_option("40002"))

#: (open, high, low, close, volume, volume before, open interest) of one bar, on the tick.
Bar = tuple[int, int, int, int, int, int, int]


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    prices = st.integers(min_value=1, max_value=draw(st.sampled_from([3, 100, 20_000]))).map(lambda ticks: ticks * 5)
    open_, close, one, other = draw(prices), draw(prices), draw(prices), draw(prices)
    both = (open_, close, one, other)
    volume = draw(st.sampled_from([0, 1, 65, 1300, 65_000_000]))
    return open_, max(both), min(both), close, volume, draw(st.integers(0, 10**9)), 5000


def minute_of(found: dict[int, Bar], minute_us: int = MINUTE) -> Bars:
    rows = sorted(found.items())
    columns = np.array([(minute_us, position, *bar) for position, bar in rows], dtype=np.int64).T
    return Bars(*columns)


def ticks_of(bar: Bar, seed: int = 1, position: int = 1, minute_us: int = MINUTE) -> tuple[Tick, ...]:
    return TickMaker(seed, INSTRUMENTS).ticks(minute_of({position: bar}, minute_us))


@given(bar=bars(), seed=st.integers(0, 2**64 - 1), position=st.sampled_from([0, 1]))
@settings(max_examples=80, deadline=None)
def test_path_starts_at_open_ends_at_close_and_touches_low_and_high(bar: Bar, seed: int, position: int) -> None:
    prices = [tick.ltp_paise for tick in ticks_of(bar, seed, position)]

    assert (prices[0], max(prices), min(prices), prices[-1]) == bar[:4]
    assert all(price % 5 == 0 for price in prices)


@given(bar=bars(), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=80, deadline=None)
def test_option_is_quoted_on_the_tick_around_its_price(bar: Bar, seed: int) -> None:
    for tick in ticks_of(bar, seed):
        assert tick.bid_paise < tick.ask_paise
        assert tick.bid_paise <= tick.ltp_paise <= tick.ask_paise
        assert tick.bid_paise % 5 == tick.ask_paise % 5 == 0
        assert tick.bid_paise >= 5 or (tick.ltp_paise == 5 and tick.bid_paise == tick.bid_quantity == 0)
        assert tick.ask_paise - tick.bid_paise <= max(10, tick.ltp_paise * 0.01 + 5)


@given(bar=bars(), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_sizes_are_whole_lots_and_few_where_the_bar_tells_no_volume(bar: Bar, seed: int) -> None:
    sizes = [size for tick in ticks_of(bar, seed) for size in (tick.bid_quantity, tick.ask_quantity)]

    assert all(size % 65 == 0 for size in sizes)
    assert all(tick.ask_quantity > 0 for tick in ticks_of(bar, seed))
    if bar[4] == 0:
        assert max(sizes) <= 20 * 65


@given(bar=bars())
@settings(max_examples=50, deadline=None)
def test_volume_grows_through_the_bar_to_its_whole(bar: Bar) -> None:
    volumes = [tick.volume for tick in ticks_of(bar)]

    assert volumes == sorted(volumes)
    assert volumes[0] >= bar[5]
    assert volumes[-1] == bar[5] + bar[4]
    assert all((volume - bar[5]) % 65 == 0 for volume in volumes[:-1])


def test_liquid_bar_shows_larger_sizes_than_a_thin_one() -> None:
    thin, liquid = ((10_000, 10_000, 10_000, 10_000, volume, 0, 0) for volume in (65, 6_500_000))

    assert max(t.ask_quantity for t in ticks_of(thin)) == 65
    assert max(t.ask_quantity for t in ticks_of(liquid)) > 20 * 65


def test_fast_minute_is_quoted_wider_than_a_calm_one() -> None:
    calm = ticks_of((10_000, 10_000, 10_000, 10_000, 0, 0, 0))
    fast = ticks_of((10_000, 10_500, 9_500, 10_000, 0, 0, 0))

    def width(ticks: tuple[Tick, ...]) -> float:
        return sum((tick.ask_paise - tick.bid_paise) / tick.ltp_paise for tick in ticks)

    assert width(fast) > width(calm) * 1.2


def test_index_has_no_quote_and_no_volume() -> None:
    ticks = ticks_of((2_570_000, 2_571_000, 2_569_000, 2_570_500, 0, 0, 0), position=0)

    assert len(ticks) == 60
    assert all(tick == Tick(tick.key, tick.at_us, tick.ltp_paise) for tick in ticks)


@given(seed=st.integers(0, 2**64 - 1), position=st.sampled_from([0, 1, 2]))
@settings(max_examples=60, deadline=None)
def test_ticks_are_never_over_4_s_apart_across_minutes(seed: int, position: int) -> None:
    bar = (10_000, 10_000, 10_000, 10_000, 0, 0, 0)

    minutes = [MINUTE + k * MINUTE_US for k in range(4)]
    times = [tick.at_us for minute in minutes for tick in ticks_of(bar, seed, position, minute)]

    gap_us_max = 4_000_000 if position else 2_000_000
    assert len(times) == 4 * (20 if position else 60)
    assert all(MINUTE <= at_us < MINUTE + 4 * MINUTE_US for at_us in times)
    assert all(0 < later - earlier < gap_us_max for earlier, later in pairwise(times))


def test_path_of_a_bar_does_not_depend_on_its_neighbours() -> None:
    bar, other = (10_000, 10_500, 9_900, 10_200, 130, 0, 0), (20_000, 20_500, 19_900, 20_200, 65, 0, 0)
    maker = TickMaker(7, INSTRUMENTS)

    alone = maker.ticks(minute_of({2: bar}))
    together = maker.ticks(minute_of({0: other, 1: other, 2: bar}))

    assert alone == tuple(tick for tick in together if tick.key == INSTRUMENTS[2].key)


def test_path_depends_on_seed_security_and_minute() -> None:
    bar = (10_000, 10_500, 9_900, 10_200, 130, 0, 0)

    paths = {
        tuple(tick.ltp_paise for tick in ticks_of(bar, seed, position, minute))
        for seed, position, minute in [(1, 1, MINUTE), (2, 1, MINUTE), (1, 2, MINUTE), (1, 1, MINUTE + MINUTE_US)]
    }

    assert len(paths) == 4


def test_path_is_the_same_on_every_machine() -> None:
    ticks = ticks_of((10_000, 10_500, 9_900, 10_200, 130, 0, 0), seed=7)

    assert ticks[7] == Tick("NSE_FNO:40001", 1_768_276_822_657_087, 10_130, 10_125, 10_200, 65, 65, 0, 0)


def test_ticks_of_a_minute_are_in_order_of_time_and_spread_over_it() -> None:
    bar = (10_000, 10_500, 9_900, 10_200, 130, 0, 0)

    ticks = TickMaker(1, INSTRUMENTS).ticks(minute_of({0: bar, 1: bar, 2: bar}))

    times = [tick.at_us for tick in ticks]
    assert times == sorted(times)
    assert len(set(times)) == len(times) == 100
