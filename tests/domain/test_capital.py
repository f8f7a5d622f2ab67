"""How much one entry may use, at and beside every bound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.capital import (
    Binding,
    CapitalOverrides,
    RiskUnit,
    SizingRules,
    available_cash_paise,
    band_of,
    base_risk_bps,
    dynamic_risk_bps,
    policy_of,
    quantity_for,
)
from scalper.domain.units import bps_from_ratio, paise_from_rupees
from tests.shared_files import golden_cases


def an_allocation(rules: SizingRules | None = None, **changes):
    inputs = {
        "balance_paise": 100_000_00, "entry_price_paise": 100_00, "lot_size": 75,
        "allocation_bps": 3_000, "risk_bps": 500, "stop_loss_bps": 3_000,
    }  # fmt: skip
    return quantity_for(**inputs | changes, rules=rules)


@pytest.mark.parametrize(("balance_paise", "allocation_bps", "risk_bps", "daily_max_loss_bps"), [
    (-1, 3_000, 500, 500),
    (75_000_00, 3_000, 500, 500),
    (75_000_01, 2_500, 350, 600),
    (150_000_00, 2_500, 350, 600),
    (150_000_01, 2_000, 300, 600),
    (300_000_00, 2_000, 300, 600),
    (300_000_01, 2_000, 250, 500),
])  # fmt: skip
def test_bounds_of_the_bands_are_inclusive(balance_paise, allocation_bps, risk_bps, daily_max_loss_bps):
    band = band_of(balance_paise)

    assert (band.allocation_bps, band.risk_bps, band.daily_max_loss_bps) == (
        allocation_bps,
        risk_bps,
        daily_max_loss_bps,
    )


def test_overrides_replace_what_they_name():
    policy = policy_of(50_000_00, CapitalOverrides(allocation_bps=1_000, daily_max_loss_bps=200))

    assert (policy.allocation_bps, policy.risk_bps, policy.daily_max_loss_bps) == (1_000, 500, 200)


def test_the_allocation_of_an_index_outranks_the_general_one_and_touches_nothing_else():
    policy = policy_of(50_000_00, CapitalOverrides(allocation_bps=1_000, risk_bps=100), index_allocation_bps=4_000)

    assert (policy.allocation_bps, policy.risk_bps, policy.daily_max_loss_bps) == (4_000, 100, 500)


@pytest.mark.parametrize(("changes", "quantity", "binding"), [
    ({"risk_bps": 10_000}, 300, Binding.ALLOCATION),
    ({"risk_bps": 450}, 150, Binding.RISK),
    ({"risk_bps": 449}, 75, Binding.RISK),                                  # 4 490 rupees: one lot loses 2 250
    ({"risk_bps": 224}, 75, Binding.ONE_LOT_OVER_RISK),
    ({"allocation_bps": 750}, 75, Binding.ALLOCATION),                      # exactly one lot
    ({"allocation_bps": 749}, 0, Binding.ALLOCATION_BELOW_ONE_LOT),
    ({"entry_price_paise": 5, "risk_bps": 10_000}, 7_500, Binding.LOTS_MAX),
    ({"balance_paise": 0}, 0, Binding.NO_BALANCE),
    ({"entry_price_paise": 0}, 0, Binding.NO_PRICE),
    ({"lot_size": 0}, 0, Binding.NO_LOT_SIZE),
    ({"stop_loss_bps": 0, "risk_bps": 1_500}, 150, Binding.RISK),           # no stop: all of the premium is at risk
])  # fmt: skip
def test_the_tightest_limit_binds_and_is_named(changes, quantity, binding):
    allocation = an_allocation(**changes)

    assert (allocation.quantity, allocation.binding) == (quantity, binding)


def test_an_allocation_explains_itself():
    allocation = an_allocation()

    assert (allocation.lots, allocation.lots_by_allocation, allocation.lots_by_risk) == (2, 4, 2)
    assert allocation.lot_cost_paise == 7_500_00


def test_a_strict_trader_takes_no_lot_over_his_risk():
    allocation = an_allocation(SizingRules(takes_one_lot_over_risk=False), risk_bps=224)

    assert (allocation.quantity, allocation.binding) == (0, Binding.RISK_BELOW_ONE_LOT)


@pytest.mark.parametrize(("balance_paise", "quantity", "binding"), [
    (7_500_00, 75, Binding.ONE_LOT_OVER_ALLOCATION),
    (7_499_99, 0, Binding.ALLOCATION_BELOW_ONE_LOT),    # never more than the account holds
])  # fmt: skip
def test_one_lot_over_the_allocation_is_a_choice_and_never_over_the_balance(balance_paise, quantity, binding):
    rules = SizingRules(takes_one_lot_over_allocation=True)

    allocation = an_allocation(rules, balance_paise=balance_paise, risk_bps=10_000)

    assert (allocation.quantity, allocation.binding) == (quantity, binding)


def test_legacy_shares_count_shares_as_lots():
    assert an_allocation(SizingRules(risk_unit=RiskUnit.LEGACY_SHARES)).quantity == 300


@given(
    balance=st.integers(1, 10**10), entry=st.integers(5, 10**6), lot=st.integers(1, 100), share=st.integers(1, 10_000),
    risk=st.integers(1, 10_000), stop=st.integers(1, 10_000), scale=st.integers(-3, 50),
)  # fmt: skip
def test_an_entry_never_costs_more_than_its_allocation(balance, entry, lot, share, risk, stop, scale):
    allocation = quantity_for(
        balance_paise=balance, entry_price_paise=entry, lot_size=lot, allocation_bps=share,
        risk_bps=risk, stop_loss_bps=stop, scale_multiplier=scale,
    )  # fmt: skip

    cost_paise = allocation.quantity * entry
    assert cost_paise * 10_000 <= min(balance * share * max(scale, 1), balance * 10_000)
    assert allocation.quantity % lot == 0
    assert allocation.lots <= 100
    if allocation.lots > 1:
        assert cost_paise * stop <= min(balance * risk * max(scale, 1), balance * 10_000)


def test_paper_cash_falls_with_every_open_position():
    cash = available_cash_paise(paper_balance_paise=100_000_00, realised_paise=-1_500_00, open_cost_paise=7_500_00)

    assert cash == 91_000_00


@pytest.mark.parametrize(("index", "band", "base"), [(200, 350, 200), (None, 350, 350), (None, None, 300)])
def test_base_risk_is_the_first_that_is_known(index, band, base):
    assert base_risk_bps(index_risk_bps=index, band_risk_bps=band) == base


@pytest.mark.parametrize(("base", "score", "risk"), [
    (300, 10.5, 300),
    (300, 99, 450),
    (900, 21, 1_000),          # never above 10 %
    (1_200, None, 1_200),      # without a score the base stands
    (300, math.nan, 300),
])  # fmt: skip
def test_risk_follows_the_trend_within_its_bounds(base, score, risk):
    assert dynamic_risk_bps(base_bps=base, trend_score=score) == risk


@pytest.mark.parametrize("case", golden_cases("capital.bands"))
def test_bands_as_in_the_worked_examples(case):
    band = band_of(paise_from_rupees(case["input"]["balance"]))

    assert band.allocation_bps == bps_from_ratio(case["expected"]["alloc_pct"])
    assert band.risk_bps == bps_from_ratio(case["expected"]["risk_per_trade_pct"])
    assert band.daily_max_loss_bps == bps_from_ratio(case["expected"]["daily_max_loss_pct"])


@pytest.mark.parametrize("case", golden_cases("capital.allocator"))
def test_quantities_as_in_the_worked_examples(case):
    given_ = case["input"]
    balance_paise = paise_from_rupees(given_["balance"])
    index_bps = None if given_["index_alloc_pct"] is None else bps_from_ratio(given_["index_alloc_pct"])
    policy = policy_of(balance_paise, CapitalOverrides(), index_allocation_bps=index_bps)

    allocation = quantity_for(
        balance_paise=balance_paise,
        entry_price_paise=paise_from_rupees(given_["entry_price"]),
        lot_size=given_["lot_size"],
        allocation_bps=policy.allocation_bps,
        risk_bps=policy.risk_bps,
        stop_loss_bps=bps_from_ratio(given_["stop_loss_pct"]),
        scale_multiplier=given_["scale_multiplier"],
    )

    assert allocation.quantity == case["expected"]["quantity"]


@pytest.mark.parametrize("case", golden_cases("capital.dynamic_risk"))
def test_dynamic_risk_as_in_the_worked_examples(case):
    base = case["input"]["base"]
    base_bps = band_of(100_000_00).risk_bps if isinstance(base, str) else bps_from_ratio(base)

    risk = dynamic_risk_bps(base_bps=base_bps, trend_score=case["input"]["trend_score"])

    assert risk / 10_000 == pytest.approx(case["expected"]["risk_pct"], abs=case["tolerance"])
