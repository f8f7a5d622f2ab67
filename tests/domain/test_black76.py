"""Black-76 against what must hold of any European option, whatever the formula looks like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.black76 import YEAR_S, delta, implied_volatility, price, price_many, years_from_seconds
from scalper.domain.instruments import OptionType

FORWARDS = st.floats(5_000, 100_000)
MONEYNESS = st.floats(0.8, 1.25)
YEARS = st.floats(1 / (365 * 375), 0.5)
SIGMAS = st.floats(0.02, 2.0)
RATES = st.floats(0.0, 0.1)
SIDES = st.sampled_from(OptionType)


def test_price_agrees_with_a_textbook_value():
    # Hull, futures option: F 20, K 20, 4 months, 25 %, rate 9 %: put 1.12.
    premium = price(option=OptionType.PE, forward=20, strike=20, years=4 / 12, sigma=0.25, rate=0.09)

    assert premium == pytest.approx(1.12, abs=0.005)


@given(FORWARDS, MONEYNESS, YEARS, SIGMAS, RATES)
def test_call_minus_put_is_the_discounted_forward_minus_strike(forward, moneyness, years, sigma, rate):
    market = {"forward": forward, "strike": forward * moneyness, "years": years, "sigma": sigma, "rate": rate}

    parity = price(option=OptionType.CE, **market) - price(option=OptionType.PE, **market)

    assert parity == pytest.approx(math.exp(-rate * years) * forward * (1 - moneyness), abs=1e-8 * forward)


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SIGMAS, RATES)
def test_premium_lies_between_intrinsic_value_and_its_bound(option, forward, moneyness, years, sigma, rate):
    strike = forward * moneyness
    discount = math.exp(-rate * years)

    premium = price(option=option, forward=forward, strike=strike, years=years, sigma=sigma, rate=rate)

    sign = 1 if option is OptionType.CE else -1
    bound = forward if option is OptionType.CE else strike
    assert discount * max(sign * (forward - strike), 0) - 1e-8 * forward <= premium <= discount * bound


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SIGMAS)
def test_premium_rises_with_volatility(option, forward, moneyness, years, sigma):
    market = {"option": option, "forward": forward, "strike": forward * moneyness, "years": years}

    assert price(sigma=sigma, **market) <= price(sigma=sigma * 1.1, **market) + 1e-9 * forward


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SIGMAS, RATES)
def test_delta_is_the_slope_of_the_premium(option, forward, moneyness, years, sigma, rate):
    market = {"option": option, "strike": forward * moneyness, "years": years, "sigma": sigma, "rate": rate}
    # The step is small against the width of the distribution, wide against rounding.
    step = 1e-3 * forward * sigma * math.sqrt(years)

    slope = (price(forward=forward + step, **market) - price(forward=forward - step, **market)) / (2 * step)

    assert delta(forward=forward, **market) == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize(("option", "strike", "expected"), [
    (OptionType.CE, 90, 1.0),
    (OptionType.CE, 100, 0.5),
    (OptionType.CE, 110, 0.0),
    (OptionType.PE, 90, 0.0),
    (OptionType.PE, 100, -0.5),
    (OptionType.PE, 110, -1.0),
])  # fmt: skip
def test_at_expiry_delta_is_a_step_and_the_premium_the_intrinsic_value(option, strike, expected):
    at_expiry = {"option": option, "forward": 100.0, "strike": strike, "years": 0.0, "sigma": 0.2}

    assert delta(**at_expiry) == expected
    assert price(**at_expiry) == max((100 - strike) if option is OptionType.CE else (strike - 100), 0)


@given(SIDES, FORWARDS, MONEYNESS, YEARS, SIGMAS, RATES)
def test_implied_volatility_gives_the_premium_back(option, forward, moneyness, years, sigma, rate):
    market = {"option": option, "forward": forward, "strike": forward * moneyness, "years": years, "rate": rate}
    premium = price(sigma=sigma, **market)

    implied = implied_volatility(premium=premium, **market)

    intrinsic = price(sigma=0.0, **market)
    if implied is None:
        assert premium <= intrinsic
    else:
        assert price(sigma=implied, **market) == pytest.approx(premium, abs=1e-7 * forward)


@given(SIDES, FORWARDS, st.floats(0.97, 1.03), st.floats(1 / 365, 0.2), st.floats(0.08, 1.0))
def test_implied_volatility_finds_the_volatility_near_the_money(option, forward, moneyness, years, sigma):
    market = {"option": option, "forward": forward, "strike": forward * moneyness, "years": years}
    premium = price(sigma=sigma, **market)
    worth_of_time = premium - price(sigma=0.0, **market)

    implied = implied_volatility(premium=premium, **market)

    if worth_of_time > 0.01:
        assert implied == pytest.approx(sigma, abs=1e-6)


@pytest.mark.parametrize(("premium", "years"), [
    (4.99, 0.1),        # below the intrinsic value
    (5.00, 0.1),        # at it: no volatility above nothing
    (100.01, 0.1),      # above the forward, the bound of a call
    (6.00, 0.0),        # no time left
    (math.nan, 0.1),
])  # fmt: skip
def test_a_premium_without_a_root_has_no_implied_volatility(premium, years):
    implied = implied_volatility(option=OptionType.CE, premium=premium, forward=100, strike=95, years=years)

    assert implied is None


@given(
    st.lists(st.tuples(SIDES, FORWARDS, MONEYNESS, st.floats(0, 0.5), st.floats(0, 2)), min_size=1, max_size=20), RATES
)
def test_many_prices_are_the_single_prices(rows, rate):
    options, forwards, moneyness, years, sigmas = map(list, zip(*rows, strict=True))
    strikes = [forward * each for forward, each in zip(forwards, moneyness, strict=True)]

    many = price_many(
        is_call=[option is OptionType.CE for option in options],
        forward=forwards, strike=strikes, years=years, sigma=sigmas, rate=rate,
    )  # fmt: skip

    for index, option in enumerate(options):
        single = price(
            option=option,
            forward=forwards[index],
            strike=strikes[index],
            years=years[index],
            sigma=sigmas[index],
            rate=rate,
        )
        assert many[index] == pytest.approx(single, abs=1e-11 * forwards[index])


def test_many_prices_broadcast_options_against_points_in_time():
    strikes = np.arange(24_000.0, 25_000.0, 50.0)

    premiums = price_many(
        is_call=True, forward=24_500.0, strike=strikes[:, None], years=np.array([0.01, 0.005, 0.0]), sigma=0.14
    )

    assert premiums.shape == (20, 3)
    assert (np.diff(premiums, axis=1) <= 0).all()


@pytest.mark.parametrize(
    "wrong", [{"forward": 0.0}, {"strike": -1.0}, {"years": -0.1}, {"sigma": -0.1}, {"sigma": math.nan}]
)
def test_nonsense_is_refused(wrong):
    market = {"forward": 100.0, "strike": 100.0, "years": 0.1, "sigma": 0.2} | wrong

    with pytest.raises(ValueError, match=r"positive|zero or more"):
        price(option=OptionType.CE, **market)
    with pytest.raises(ValueError, match=r"positive|zero or more"):
        price_many(is_call=True, **market)


def test_no_time_is_left_after_expiry():
    assert years_from_seconds(-5) == 0
    assert years_from_seconds(YEAR_S / 2) == 0.5
