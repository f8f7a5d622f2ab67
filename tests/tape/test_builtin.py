"""The built-in market: one seed, one market; and one that a trader would believe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from statistics import correlation, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalper.domain.instruments import InstrumentKind, OptionType
from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import ist, us_from
from scalper.errors import InputError
from scalper.tape.builtin.contracts import INDICES, nearest_expiry
from scalper.tape.builtin.generator import BuiltinMarket
from scalper.tape.market import Market

DAY = date(2026, 1, 14)
EXPIRY_DAY = date(2026, 1, 20)
DAY_NOON = ist(DAY, time(12, 0))
DAY_EVENING = ist(DAY, time(18, 0))
NIFTY, BANKNIFTY, SENSEX = "IDX_I:13", "IDX_I:25", "IDX_I:51"
GAP_US_MAX = 4_000_000


def is_weekday(day: date) -> bool:
    return day.weekday() < 5


def a_market(
    seed: int = 7, day: date = DAY, closes: time = time(15, 30), still: datetime | None = None
) -> BuiltinMarket:
    return BuiltinMarket(
        seed=seed,
        day=day,
        opens_at=ist(day, time(9, 15)),
        closes_at=ist(day, closes),
        is_trading_day=is_weekday,
        index_stands_still_from=still,
    )


@cache
def the_market() -> BuiltinMarket:
    return a_market()


def minute_of(market: BuiltinMarket, number: int) -> datetime:
    return market.opens_at + timedelta(minutes=number)


def by_key(ticks: Sequence[Tick]) -> dict[str, list[Tick]]:
    sorted_out: dict[str, list[Tick]] = defaultdict(list)
    for tick in ticks:
        sorted_out[tick.key].append(tick)
    return sorted_out


def candle_from(ticks: Sequence[Tick], start_us: int, traded_before: int = 0) -> Candle:
    prices = [tick.ltp_paise for tick in ticks]
    traded = ticks[-1].volume - traded_before
    return Candle(start_us, prices[0], max(prices), min(prices), prices[-1], traded)


def chain_at(market: BuiltinMarket, underlying: str, at: datetime) -> dict[OptionType, list[tuple[int, Tick]]]:
    legs: dict[OptionType, list[tuple[int, Tick]]] = {OptionType.CE: [], OptionType.PE: []}
    for contract in market.instruments:
        if contract.underlying == underlying and contract.option_type and contract.strike_paise:
            tick = market.quote(contract.key, at)
            assert tick is not None
            legs[contract.option_type].append((contract.strike_paise, tick))
    return legs


def test_it_is_a_market_named_builtin() -> None:
    market: Market = the_market()

    assert (market.kind, market.name, market.day, market.seed, market.warnings) == ("builtin", "builtin", DAY, 7, ())


def test_it_lists_three_indices_and_forty_two_contracts_of_each_around_its_open() -> None:
    market = the_market()

    contracts = [each for each in market.instruments if each.kind is InstrumentKind.OPTION]
    strikes = sorted({each.strike_paise or 0 for each in contracts if each.underlying == "NIFTY"})
    opening = market.candles(NIFTY, market.closes_at)[0].open_paise

    assert [each.key for each in market.instruments[:3]] == [NIFTY, BANKNIFTY, SENSEX]
    assert len(contracts) == 126
    assert len({each.key for each in market.instruments}) == 129
    assert [high - low for low, high in pairwise(strikes)] == [50_00] * 20
    assert abs(strikes[10] - opening) <= 25_00


def test_a_contract_names_its_lot_freeze_and_symbol() -> None:
    first = the_market().instruments[3]

    assert (first.segment, first.security_id, first.lot_size, first.freeze_quantity) == ("NSE_FNO", "50001", 65, 1800)
    assert first.symbol == f"NIFTY-Jan2026-{(first.strike_paise or 0) // 100}-CE"
    assert not first.is_monthly


@pytest.mark.parametrize(
    ("place", "day", "expiry"),
    [
        (0, date(2026, 1, 14), date(2026, 1, 20)),  # NIFTY: the next Tuesday
        (0, date(2026, 1, 20), date(2026, 1, 20)),  # on its day
        (0, date(2026, 1, 7), date(2026, 1, 12)),  # the 13th is a holiday: the Monday before
        (0, date(2026, 1, 13), date(2026, 1, 20)),  # the day of a moved expiry belongs to the next week
        (1, date(2026, 1, 14), date(2026, 1, 27)),  # BANKNIFTY: the last Tuesday of the month
        (1, date(2026, 1, 28), date(2026, 2, 24)),
        (2, date(2026, 1, 16), date(2026, 1, 22)),  # SENSEX: the next Thursday
    ],
)
def test_the_nearest_expiry_moves_back_from_a_holiday(place: int, day: date, expiry: date) -> None:
    def is_trading_day(each: date) -> bool:
        return is_weekday(each) and each != date(2026, 1, 13)

    assert nearest_expiry(INDICES[place], day, is_trading_day) == expiry


def test_a_given_expiry_is_listed_instead_of_the_computed_one() -> None:
    market = BuiltinMarket(
        seed=1,
        day=DAY,
        opens_at=ist(DAY, time(9, 15)),
        closes_at=ist(DAY, time(9, 20)),
        is_trading_day=is_weekday,
        expiries={"NIFTY": date(2026, 1, 27)},
    )

    assert {each.expiry for each in market.instruments if each.symbol.startswith("NIFTY-")} == {date(2026, 1, 27)}
    assert market.instruments[3].is_monthly


@pytest.mark.parametrize(
    ("opens_at", "closes_at"),
    [
        (ist(DAY, time(9, 15)), ist(DAY, time(9, 15))),  # empty
        (ist(DAY, time(9, 15)), ist(DAY, time(9, 20, 30))),  # half a minute over
        (ist(DAY, time(9, 15, 30)), ist(DAY, time(9, 20, 30))),  # not on the minute
        (ist(EXPIRY_DAY, time(9, 15)), ist(EXPIRY_DAY, time(9, 20))),  # another day
    ],
)
def test_a_session_that_is_not_whole_minutes_of_its_day_is_refused(opens_at: datetime, closes_at: datetime) -> None:
    with pytest.raises(InputError, match="whole minutes"):
        BuiltinMarket(seed=1, day=DAY, opens_at=opens_at, closes_at=closes_at, is_trading_day=is_weekday)


def test_an_expiry_before_the_day_is_refused() -> None:
    with pytest.raises(InputError, match="NIFTY"):
        BuiltinMarket(
            seed=1,
            day=DAY,
            opens_at=ist(DAY, time(9, 15)),
            closes_at=ist(DAY, time(9, 20)),
            is_trading_day=is_weekday,
            expiries={"NIFTY": date(2026, 1, 13)},
        )


def test_one_seed_is_one_market_in_whatever_order_its_minutes_are_asked() -> None:
    forwards, backwards = a_market(), a_market()
    numbers = [0, 1, 2, 187, 373, 374]

    expected = [forwards.ticks(minute_of(forwards, number)) for number in numbers]
    found = [backwards.ticks(minute_of(backwards, number)) for number in reversed(numbers)]

    assert found[::-1] == expected
    assert backwards.warm_up(NIFTY) == forwards.warm_up(NIFTY)
    assert backwards.candles("NSE_FNO:50020", DAY_NOON) == forwards.candles("NSE_FNO:50020", DAY_NOON)


@pytest.mark.parametrize(
    "other", [a_market(seed=8), a_market(seed=-7), a_market(seed=7 + 2**40), a_market(day=EXPIRY_DAY)]
)
def test_another_seed_or_day_is_another_market(other: BuiltinMarket) -> None:
    def shape(market: BuiltinMarket) -> list[int]:
        return [candle.close_paise for candle in market.candles(NIFTY, market.closes_at)]

    assert shape(other) != shape(the_market())


@pytest.mark.parametrize("first", [0, 1, 150, 373])
def test_every_security_ticks_often_enough_and_never_pauses_over_four_seconds(first: int) -> None:
    market = the_market()
    two_minutes = [by_key(market.ticks(minute_of(market, number))) for number in (first, first + 1)]

    for instrument in market.instruments:
        least = 60 if instrument.kind is InstrumentKind.INDEX else 20
        assert all(len(minute[instrument.key]) >= least for minute in two_minutes)
        times = [tick.at_us for minute in two_minutes for tick in minute[instrument.key]]
        assert all(0 < later - earlier <= GAP_US_MAX for earlier, later in pairwise(times))


@pytest.mark.parametrize("number", [0, 200, 374])
def test_ticks_of_a_minute_lie_inside_it_and_come_by_time(number: int) -> None:
    market = the_market()
    start_us = us_from(minute_of(market, number))

    times = [tick.at_us for tick in market.ticks(minute_of(market, number))]

    assert times == sorted(times)
    assert start_us <= times[0] and times[-1] < start_us + MINUTE_US


@pytest.mark.parametrize(
    "minute", [ist(DAY, time(9, 14)), ist(DAY, time(15, 30)), ist(DAY, time(10, 0, 1)), ist(EXPIRY_DAY, time(10, 0))]
)
def test_there_are_no_ticks_outside_the_session_or_off_the_minute(minute: datetime) -> None:
    assert the_market().ticks(minute) == ()


@pytest.mark.parametrize("key", [NIFTY, SENSEX, "NSE_FNO:50001", "NSE_FNO:50021", "BSE_FNO:50126"])
def test_candles_are_what_the_ticks_make(key: str) -> None:
    market = the_market()
    numbers = (0, 1, 2)
    minutes = [by_key(market.ticks(minute_of(market, number)))[key] for number in numbers]
    before = [0, *(ticks[-1].volume for ticks in minutes)]

    made = [
        candle_from(ticks, us_from(minute_of(market, number)), traded)
        for number, ticks, traded in zip(numbers, minutes, before, strict=False)
    ]

    assert list(market.candles(key, minute_of(market, 3))) == made


def test_candles_are_closed_at_the_time_asked() -> None:
    market = the_market()

    counts = [
        len(market.candles(key, at))
        for key in (NIFTY, "NSE_FNO:50021")
        for at in (market.opens_at, minute_of(market, 1) - timedelta(microseconds=1), minute_of(market, 1), DAY_EVENING)
    ]

    assert counts == [0, 0, 1, 375] * 2
    assert market.candles("NSE_FNO:1", market.closes_at) == ()


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 128),
    number=st.sampled_from([0, 1, 100, 101]),
    into_us=st.integers(0, MINUTE_US - 1),
)
def test_a_quote_is_the_last_tick_not_after_the_time_asked(place: int, number: int, into_us: int) -> None:
    market = the_market()
    key = market.instruments[place].key
    at = minute_of(market, number) + timedelta(microseconds=into_us)
    before = market.ticks(minute_of(market, number - 1)) + market.ticks(minute_of(market, number))
    passed = [tick for tick in before if tick.key == key and tick.at_us <= us_from(at)]

    assert market.quote(key, at) == (passed[-1] if passed else None)


def test_there_is_no_quote_before_the_open_or_of_an_unknown_security_and_the_last_one_stands_after_the_close() -> None:
    market = the_market()
    last = by_key(market.ticks(minute_of(market, 374)))[NIFTY][-1]

    assert market.quote(NIFTY, market.opens_at - timedelta(seconds=1)) is None
    assert market.quote("NSE_FNO:1", DAY_NOON) is None
    assert market.quote(NIFTY, DAY_EVENING) == last


def test_threads_that_ask_at_once_see_one_market() -> None:
    market, alone = a_market(), a_market()
    minutes = [minute_of(market, number) for number in range(12)] * 2

    with ThreadPoolExecutor(max_workers=4) as threads:
        found = list(threads.map(market.ticks, minutes))

    assert found == [alone.ticks(minute) for minute in minutes]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(), length=st.integers(1, 60))
def test_any_seed_and_any_length_make_a_market(seed: int, length: int) -> None:
    market = BuiltinMarket(
        seed=seed,
        day=DAY,
        opens_at=ist(DAY, time(18, 15)),
        closes_at=ist(DAY, time(18, 15)) + timedelta(minutes=length),
        is_trading_day=is_weekday,
    )

    last = market.ticks(minute_of(market, length - 1))

    assert len({tick.key for tick in last}) == 129
    assert all(tick.ltp_paise > 0 for tick in last)


def test_a_closed_market_can_be_closed_again_and_still_answers() -> None:
    market = a_market()
    expected = market.ticks(market.opens_at)

    market.close()
    market.close()

    assert market.ticks(market.opens_at) == expected


def test_an_index_is_warmed_up_by_the_whole_previous_trading_day() -> None:
    market = a_market(day=date(2026, 1, 19))

    candles = market.warm_up(BANKNIFTY)

    friday = us_from(ist(date(2026, 1, 16), time(9, 15)))
    assert [candle.start_us for candle in candles] == [friday + number * MINUTE_US for number in range(375)]
    assert market.warm_up("NSE_FNO:50001") == ()
    assert market.warm_up("IDX_I:1") == ()


@pytest.mark.parametrize("number", [0, 60, 374])
@pytest.mark.parametrize("day", [DAY, EXPIRY_DAY])
def test_option_quotes_are_on_the_tick_uncrossed_and_in_lots(day: date, number: int) -> None:
    market = a_market(day=day)
    lots = {each.key: each.lot_size for each in market.instruments if each.kind is InstrumentKind.OPTION}

    ticks = [tick for tick in market.ticks(minute_of(market, number)) if tick.key in lots]

    for tick in ticks:
        lot = lots[tick.key]
        assert tick.ltp_paise % 5 == tick.bid_paise % 5 == tick.ask_paise % 5 == 0
        assert 0 <= tick.bid_paise < tick.ask_paise
        assert max(tick.bid_paise, 5) <= tick.ltp_paise <= tick.ask_paise
        assert lot <= tick.ask_quantity <= 40 * lot
        assert (tick.bid_quantity == 0) == (tick.bid_paise == 0)
        assert tick.bid_quantity <= 40 * lot
        assert {each % lot for each in (tick.bid_quantity, tick.ask_quantity, tick.volume, tick.open_interest)} == {0}
        assert tick.open_interest > 0


def test_index_ticks_have_a_value_on_the_tick_and_nothing_else() -> None:
    ticks = by_key(the_market().ticks(DAY_NOON))[SENSEX]

    assert {_beyond_value(tick) for tick in ticks} == {(0, 0, 0, 0, 0, 0)}
    assert all(tick.ltp_paise % 5 == 0 for tick in ticks)


def test_volume_never_falls_through_the_day() -> None:
    market = the_market()
    ticks = [tick for number in (0, 1, 200, 201, 374) for tick in market.ticks(minute_of(market, number))]

    assert all(
        earlier.volume <= later.volume for series in by_key(ticks).values() for earlier, later in pairwise(series)
    )


@pytest.mark.parametrize("underlying", ["NIFTY", "BANKNIFTY", "SENSEX"])
def test_call_less_put_is_index_less_strike_within_the_spreads_and_the_move_between_ticks(underlying: str) -> None:
    market = the_market()
    spec = next(each for each in INDICES if each.name == underlying)
    candle = market.candles(f"IDX_I:{spec.security_id}", DAY_NOON + timedelta(minutes=1))[-1]

    legs = chain_at(market, underlying, DAY_NOON + timedelta(seconds=59))

    for (strike, call), (_, put) in zip(legs[OptionType.CE], legs[OptionType.PE], strict=True):
        spreads = call.ask_paise - call.bid_paise + put.ask_paise - put.bid_paise
        # The two ticks are seconds apart, both inside this minute.
        moved = candle.high_paise - candle.low_paise
        assert call.bid_paise - put.ask_paise - spreads - moved <= candle.close_paise - strike
        assert candle.close_paise - strike <= call.ask_paise - put.bid_paise + spreads + moved


@pytest.mark.parametrize("underlying", ["NIFTY", "BANKNIFTY", "SENSEX"])
@pytest.mark.parametrize("day", [DAY, EXPIRY_DAY])
@pytest.mark.parametrize("clock", [time(9, 16), time(12, 0), time(15, 29)])
def test_a_call_falls_and_a_put_rises_with_the_strike(underlying: str, day: date, clock: time) -> None:
    market = a_market(day=day)

    legs = chain_at(market, underlying, ist(day, clock))

    assert all(low.ask_paise > high.bid_paise for (_, low), (_, high) in pairwise(legs[OptionType.CE]))
    assert all(high.ask_paise > low.bid_paise for (_, low), (_, high) in pairwise(legs[OptionType.PE]))
    assert legs[OptionType.CE][0][1].ltp_paise > legs[OptionType.CE][-1][1].ltp_paise
    assert legs[OptionType.PE][0][1].ltp_paise < legs[OptionType.PE][-1][1].ltp_paise


def test_time_value_is_gone_at_the_close_of_the_expiry_day() -> None:
    market = a_market(day=EXPIRY_DAY)
    spot = market.candles(NIFTY, market.closes_at)[-1].close_paise

    legs = chain_at(market, "NIFTY", market.closes_at)

    for strike, tick in legs[OptionType.CE]:
        half_spread = (tick.ask_paise - tick.bid_paise) / 2
        # A second before the end an option at the money is still worth a fraction of the index's move of that second.
        assert abs(tick.ltp_paise - max(spot - strike, 0)) <= half_spread + 3_00
    assert legs[OptionType.CE][-1][1].bid_paise == 0


def test_an_option_at_the_money_is_worth_less_as_the_expiry_comes_nearer() -> None:
    days = [date(2026, 1, day) for day in (14, 16, 20)]

    worth = [median(_straddle_bps(a_market(seed=seed, day=day)) for seed in range(5)) for day in days]

    assert worth[0] > worth[1] > worth[2] > 0


def test_the_spread_widens_with_the_speed_of_the_index() -> None:
    market = the_market()
    contract = next(each for each in market.instruments if each.underlying == "NIFTY" and each.strike_paise)
    candles = sorted(market.candles(NIFTY, market.closes_at), key=lambda candle: candle.high_paise - candle.low_paise)

    def spread(candle: Candle) -> float:
        ticks = market.ticks(market.opens_at + timedelta(microseconds=candle.start_us - us_from(market.opens_at)))
        found = by_key(ticks)[contract.key]
        return sum((tick.ask_paise - tick.bid_paise) / tick.ltp_paise for tick in found) / len(found)

    quiet = median(spread(candle) for candle in candles[:10])
    fast = median(spread(candle) for candle in candles[-10:])
    assert fast > 1.4 * quiet


def test_from_the_closing_auction_on_the_index_stands_still_and_options_trade_on() -> None:
    still = ist(DAY, time(15, 15))
    market = a_market(closes=time(15, 40), still=still)

    minutes = [by_key(market.ticks(minute_of(market, number))) for number in (361, 384)]

    assert len({tick.ltp_paise for minute in minutes for tick in minute[NIFTY]}) == 1
    assert len({tick.ltp_paise for minute in minutes for tick in minute["NSE_FNO:50001"]}) > 3


def test_twenty_days_lie_where_recorded_days_lie() -> None:
    markets = [a_market(seed=seed) for seed in range(20)]
    days = [market.candles(NIFTY, market.closes_at) for market in markets]
    before = [market.warm_up(NIFTY)[-1].close_paise for market in markets]

    minute_ranges = [median(each.high_paise - each.low_paise for each in day) / day[0].open_paise for day in days]
    day_ranges = [_range_of(day) / day[0].open_paise for day in days]
    gaps = [abs(day[0].open_paise / close - 1) for day, close in zip(days, before, strict=True)]
    bursts = [_range_of(day[:15]) / _range_of(day[150:165]) for day in days]

    assert 6 <= median(minute_ranges) * 25_000 <= 12
    assert 0.006 <= median(day_ranges) <= 0.016
    assert all(0.003 <= each <= 0.04 for each in day_ranges)
    assert 0.001 <= median(gaps) <= 0.006
    assert median(bursts) > 1.3


def test_the_three_indices_move_together() -> None:
    market = the_market()
    nifty, banknifty, sensex = (_moves(market.candles(key, market.closes_at)) for key in (NIFTY, BANKNIFTY, SENSEX))

    assert 0.6 < correlation(nifty, banknifty) < 0.95
    assert correlation(nifty, sensex) > 0.9


def _beyond_value(tick: Tick) -> tuple[int, ...]:
    return (
        tick.bid_paise,
        tick.ask_paise,
        tick.bid_quantity,
        tick.ask_quantity,
        tick.volume,
        tick.open_interest,
    )


def _straddle_bps(market: BuiltinMarket) -> float:
    at = minute_of(market, 30)
    spot = market.candles(NIFTY, at)[-1].close_paise
    legs = chain_at(market, "NIFTY", at)
    nearest = min(range(21), key=lambda place: abs(legs[OptionType.CE][place][0] - spot))
    return sum(legs[option][nearest][1].ltp_paise for option in OptionType) / spot * 10_000


def _range_of(candles: Sequence[Candle]) -> int:
    return max(each.high_paise for each in candles) - min(each.low_paise for each in candles)


def _moves(candles: Sequence[Candle]) -> list[float]:
    return [later.close_paise / earlier.close_paise - 1 for earlier, later in pairwise(candles)]
