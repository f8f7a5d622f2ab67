"""Strikes near the money and the expiry to trade."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.instruments import OptionType, option_symbol
from scalper.domain.strikes import (
    DEFAULT_POLICIES,
    FALLBACK_INTERVAL_PAISE,
    ExpiryPolicy,
    atm_strike,
    expiries_from,
    expiry_for,
    listed_atm_strike,
    policy_on,
    strike_interval,
    target_strikes,
)
from scalper.domain.units import paise_from_rupees
from tests.shared_files import golden_cases

CE, PE = OptionType.CE, OptionType.PE
NOVEMBER = tuple(date(2025, 11, day) for day in (4, 11, 18, 25))


def paise(*rupees: float) -> list[int]:
    return [paise_from_rupees(each) for each in rupees]


@pytest.mark.parametrize(("spot", "interval", "atm"), [
    (25_725_00, 50_00, 25_750_00),     # a half goes up, not to even
    (25_724_99, 50_00, 25_700_00),
    (58_150_00, 100_00, 58_200_00),
])  # fmt: skip
def test_the_money_rounds_halves_away_from_zero(spot, interval, atm):
    assert atm_strike(spot, interval) == atm


def test_thin_wings_do_not_set_the_interval():
    wings = range(40_000_00, 50_000_00, 500_00)
    near = range(57_000_00, 59_000_00, 100_00)

    assert strike_interval([*wings, *near], 58_050_00) == 100_00


def test_a_closer_grid_far_from_the_money_does_not_set_the_interval():
    far = range(50_000_00, 50_500_00, 50_00)
    near = range(57_000_00, 59_000_00, 100_00)

    assert strike_interval([*far, *near], 58_050_00) == 100_00


@pytest.mark.parametrize("strikes", [(), (57_000_00,), (57_000_00, 57_000_00)])
def test_without_two_strikes_the_fallback_of_the_index_holds(strikes):
    assert strike_interval(strikes, 57_000_00, FALLBACK_INTERVAL_PAISE["BANKNIFTY"]) == 100_00


@pytest.mark.parametrize(("strikes", "spot", "stand_in"), [
    ((25_700, 25_750, 25_800), 25_762.3, 25_750),
    ((25_700, 25_800), 25_762.3, 25_800),            # equally near 25 750: the one nearer to spot
    ((25_700, 25_800), 25_750, 25_700),              # equally near both: the lower
    ((26_000, 26_500), 25_750, 26_000),
])  # fmt: skip
def test_the_nearest_listed_strike_stands_in_for_the_money(strikes, spot, stand_in):
    assert listed_atm_strike(paise(*strikes), paise_from_rupees(spot), 50_00) == stand_in * 100


def test_where_nothing_is_listed_there_is_no_target():
    assert listed_atm_strike([], 25_750_00, 50_00) is None
    assert target_strikes(CE, [], 25_750_00, 50_00) == ()


def test_targets_start_from_the_stand_in_when_the_money_is_not_listed():
    strikes = paise(25_600, 25_650, 25_700, 25_800, 25_850)

    assert target_strikes(CE, strikes, 25_770_00, 50_00) == (25_800_00, 25_850_00)
    assert target_strikes(PE, strikes, 25_740_00, 50_00) == (25_700_00, 25_650_00, 25_600_00)


@given(st.sampled_from(OptionType), st.sets(st.integers(400, 600), min_size=1), st.integers(20_000_00, 30_000_00))
def test_targets_are_listed_and_never_in_the_money_of_their_first(option_type, multiples, spot):
    strikes = {multiple * 50_00 for multiple in multiples}

    targets = target_strikes(option_type, strikes, spot, 50_00)

    assert 1 <= len(targets) <= 3
    assert set(targets) <= strikes
    assert list(targets) == sorted(targets, reverse=option_type is PE)


@pytest.mark.parametrize(("today", "expected"), [
    (date(2025, 11, 3), date(2025, 11, 4)),
    (date(2025, 11, 4), date(2025, 11, 4)),
    (date(2025, 11, 5), date(2025, 11, 11)),
    (date(2025, 11, 26), None),
])  # fmt: skip
def test_weekly_takes_the_nearest_expiry_from_today_on(today, expected):
    assert expiry_for(ExpiryPolicy.WEEKLY, NOVEMBER, today) == expected


@pytest.mark.parametrize(("today", "expected"), [
    (date(2025, 11, 25), date(2025, 11, 25)),
    (date(2025, 11, 26), date(2025, 12, 30)),
])  # fmt: skip
def test_monthly_takes_the_last_expiry_of_a_month(today, expected):
    assert expiry_for(ExpiryPolicy.MONTHLY, (*NOVEMBER, date(2025, 12, 30)), today) == expected


def test_the_flag_of_the_master_outranks_the_calendar():
    flagged = {date(2025, 11, 18)}

    assert expiry_for(ExpiryPolicy.MONTHLY, NOVEMBER, date(2025, 11, 3), flagged_monthly=flagged) == date(2025, 11, 18)


def test_expiry_day_can_be_left_out():
    today = date(2025, 11, 4)

    assert expiry_for(ExpiryPolicy.WEEKLY, NOVEMBER, today, is_expiry_day_allowed=False) == date(2025, 11, 11)


@pytest.mark.parametrize(("index", "day", "policy"), [
    ("NIFTY", date(2026, 1, 12), ExpiryPolicy.WEEKLY),
    ("SENSEX", date(2026, 1, 12), ExpiryPolicy.WEEKLY),
    ("BANKNIFTY", date(2023, 4, 10), ExpiryPolicy.WEEKLY),
    ("BANKNIFTY", date(2024, 11, 13), ExpiryPolicy.WEEKLY),
    ("BANKNIFTY", date(2024, 11, 14), ExpiryPolicy.MONTHLY),
])  # fmt: skip
def test_the_policy_follows_the_date(index, day, policy):
    assert policy_on(DEFAULT_POLICIES[index], day) is policy


@pytest.mark.parametrize("policies", [{}, {date(2024, 11, 14): ExpiryPolicy.MONTHLY}])
def test_a_day_before_the_first_policy_has_none(policies):
    with pytest.raises(ValueError, match="2024-11-13"):
        policy_on(policies, date(2024, 11, 13))


@pytest.mark.parametrize("case", golden_cases("options.atm_strike"))
def test_the_money_as_in_the_worked_examples(case):
    spot, interval = paise(case["input"]["spot"], case["input"]["interval"])

    assert atm_strike(spot, interval) == case["expected"]["atm"] * 100


@pytest.mark.parametrize("case", golden_cases("options.strike_interval"))
def test_the_interval_as_in_the_worked_examples(case):
    interval = strike_interval(paise(*case["input"]["strikes"]), paise_from_rupees(case["input"]["spot"]))

    assert interval == case["expected"]["interval"] * 100


@pytest.mark.parametrize("case", golden_cases("options.expiry"))
def test_the_expiry_as_in_the_worked_examples(case):
    today = date.fromisoformat(case["input"]["today"])
    policy = policy_on(DEFAULT_POLICIES[case["input"].get("index", "NIFTY")], today)

    expiry = expiry_for(policy, expiries_from(case["input"]["expiries"]), today)

    assert str(expiry) == case["expected"]["expiry"]


@pytest.mark.parametrize("case", golden_cases("options.target_strikes"))
def test_the_targets_as_in_the_worked_examples(case):
    strikes = paise(*case["input"]["strikes"])

    targets = target_strikes(
        OptionType(case["input"]["side"]), strikes, paise_from_rupees(case["input"]["spot"]), 50_00
    )

    assert list(targets) == [strike * 100 for strike in case["expected"]["targets"]]


@pytest.mark.parametrize("case", golden_cases("options.symbol"))
def test_the_symbol_as_in_the_worked_examples(case):
    given_ = case["input"]

    symbol = option_symbol(
        given_["index"],
        date.fromisoformat(given_["expiry"]),
        paise_from_rupees(given_["strike"]),
        OptionType(given_["side"]),
    )

    assert symbol == case["expected"]["symbol"]
