"""Which market is played, and what a played market answers."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from scalper.domain.instruments import InstrumentKind
from scalper.domain.times import us_from
from scalper.errors import InputError
from scalper.markets import BUILTIN_DAYS, PlayedData, builtin_day, builtin_market, open_market
from scalper.reference import shipped_calendar
from scalper.tape.builtin.generator import BuiltinMarket

CALENDAR = shipped_calendar()
NIFTY = "IDX_I:13"


@cache
def the_market() -> BuiltinMarket:
    return builtin_market(1, CALENDAR)


def test_each_seed_has_an_ordinary_trading_day_of_its_own() -> None:
    days = [builtin_day(seed, CALENDAR) for seed in range(1, BUILTIN_DAYS + 1)]

    assert days == sorted(set(days))
    assert days[0] == date(2026, 1, 1)
    assert all(day.weekday() < 5 and CALENDAR.is_trading_day(day) for day in days)


@pytest.mark.parametrize("seed", [1, 7, BUILTIN_DAYS])
def test_seeds_above_share_the_days_again(seed: int) -> None:
    assert builtin_day(seed + BUILTIN_DAYS, CALENDAR) == builtin_day(seed, CALENDAR)


def test_the_built_in_market_follows_the_session_of_its_day() -> None:
    market, session = the_market(), CALENDAR.session(the_market().day)

    assert session is not None
    assert (market.opens_at, market.closes_at) == (session.opens_at, session.closes_at)


@pytest.mark.parametrize("kind", [None, "builtin"])
def test_without_a_source_the_built_in_market_is_played(kind: str | None) -> None:
    market = open_market(kind, None, 1, None, CALENDAR)

    assert (market.kind, market.day) == ("builtin", the_market().day)


@pytest.mark.parametrize(("kind", "source"), [("tape", None), (None, Path("nowhere")), ("tape", Path("nowhere"))])
def test_a_source_that_is_not_there_is_named(kind: str | None, source: Path | None) -> None:
    with pytest.raises(InputError, match=f"no recorded day at {source}"):
        open_market(kind, source, 1, None, CALENDAR)


def test_candles_are_those_of_yesterday_and_the_closed_ones_of_today() -> None:
    market = the_market()
    until = market.opens_at + timedelta(minutes=30, seconds=30)

    candles = PlayedData(market).candles(NIFTY, until)

    starts = [candle.start_us for candle in candles]
    assert starts == sorted(set(starts))
    assert starts[0] < us_from(market.opens_at)
    assert starts[-1] == us_from(market.opens_at + timedelta(minutes=29))


def test_a_quote_is_never_of_the_future() -> None:
    market = the_market()
    at = market.opens_at + timedelta(minutes=10)

    quote = PlayedData(market).quote(NIFTY, at)

    assert quote is not None
    assert quote.at_us <= us_from(at)
    assert PlayedData(market).quote("NSE_FNO:0", at) is None


def test_expiries_ascend_and_none_is_over() -> None:
    market = the_market()

    expiries = PlayedData(market).expiries("NIFTY", market.opens_at)

    assert expiries
    assert expiries == tuple(sorted(set(expiries)))
    assert expiries[0] >= market.day
    assert PlayedData(market).expiries("GOLD", market.opens_at) == ()


def test_a_chain_has_every_contract_by_strike_with_iv_and_delta_from_its_price() -> None:
    market, at = the_market(), the_market().opens_at + timedelta(minutes=15)
    data = PlayedData(market)
    (expiry, *_) = data.expiries("NIFTY", at)

    legs = data.chain("NIFTY", expiry, at)

    listed = [one for one in market.instruments if one.underlying == "NIFTY" and one.expiry == expiry]
    assert {leg.key for leg in legs} == {one.key for one in listed if one.kind is InstrumentKind.OPTION}
    assert [leg.strike_paise for leg in legs] == sorted(leg.strike_paise for leg in legs)
    calls = [leg for leg in legs if leg.option_type == "CE" and leg.delta is not None]
    puts = [leg for leg in legs if leg.option_type == "PE" and leg.delta is not None]
    assert calls
    assert puts
    assert all(0 <= (leg.delta or 0) <= 1 and (leg.iv_pct or 0) > 0 for leg in calls)
    assert all(-1 <= (leg.delta or 0) <= 0 for leg in puts)


def test_a_chain_nobody_trades_is_empty() -> None:
    market = the_market()

    assert PlayedData(market).chain("NIFTY", date(2030, 1, 1), market.opens_at) == ()
