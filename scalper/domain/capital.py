"""How much of the account one entry may use: bands by balance, then a quantity by allocation and by risk.

Money is integer paise and shares of it integer basis points, so every comparison is exact. Nothing here reads a
balance, a clock or a configuration: all inputs are arguments.

Source: REQUIREMENTS 11.
"""

from __future__ import annotations

import math
from decimal import Decimal
from enum import StrEnum

import msgspec

from scalper.domain.units import BPS

#: Risk per trade when neither the index nor the funds tell one (REQUIREMENTS 11.4).
RISK_BPS_WITHOUT_FUNDS = 300
#: Dynamic risk stays below this whatever the base.
DYNAMIC_RISK_BPS_MAX = 1_000
#: Highest score of the trend scorer.
TREND_SCORE_MAX = 21


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of balances up to and including a bound.

    Attributes:
        balance_paise_max: Inclusive upper bound; None of the last band.
        allocation_bps: Share of the balance one entry may cost.
        risk_bps: Share of the balance one entry may lose at its stop.
        daily_max_loss_bps: Share of the day's starting balance that ends the day's entries.
    """

    balance_paise_max: int | None
    allocation_bps: int
    risk_bps: int
    daily_max_loss_bps: int


#: By ascending balance. Source: REQUIREMENTS 11.1.
BANDS = (
    Band(balance_paise_max=75_000_00, allocation_bps=3_000, risk_bps=500, daily_max_loss_bps=500),
    Band(balance_paise_max=150_000_00, allocation_bps=2_500, risk_bps=350, daily_max_loss_bps=600),
    Band(balance_paise_max=300_000_00, allocation_bps=2_000, risk_bps=300, daily_max_loss_bps=600),
    Band(balance_paise_max=None, allocation_bps=2_000, risk_bps=250, daily_max_loss_bps=500),
)


class CapitalOverrides(msgspec.Struct, frozen=True, kw_only=True):
    """What the trader sets against the bands; None leaves the band's value."""

    allocation_bps: int | None = None
    risk_bps: int | None = None
    daily_max_loss_bps: int | None = None


class CapitalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The shares that hold for one entry, after all overrides."""

    allocation_bps: int
    risk_bps: int
    daily_max_loss_bps: int


def band_of(balance_paise: int) -> Band:
    """The band of a balance; a balance of zero or less has the first.

    Source: REQUIREMENTS 11.1.
    """
    return next(
        band for band in BANDS if band.balance_paise_max is None or balance_paise <= band.balance_paise_max
    )  # fmt: skip


def policy_of(
    balance_paise: int,
    overrides: CapitalOverrides,
    *,
    index_allocation_bps: int | None = None,
) -> CapitalPolicy:
    """The band of the balance with the trader's overrides; the index's own allocation outranks the general one.

    Args:
        balance_paise: Available cash.
        overrides: What the trader sets for every index.
        index_allocation_bps: What he sets for this index; replaces the allocation only.

    Source: REQUIREMENTS 11.1.
    """
    band = band_of(balance_paise)
    return CapitalPolicy(
        allocation_bps=_first_given(index_allocation_bps, overrides.allocation_bps, band.allocation_bps),
        risk_bps=_first_given(overrides.risk_bps, band.risk_bps),
        daily_max_loss_bps=_first_given(overrides.daily_max_loss_bps, band.daily_max_loss_bps),
    )


class RiskUnit(StrEnum):
    """In what the risk budget is counted."""

    LOTS = "lots"
    #: A count of shares taken for a count of lots: too large by the lot size, kept for comparison only.
    LEGACY_SHARES = "legacy_shares"


class SizingRules(msgspec.Struct, frozen=True, kw_only=True):
    """The trader's choices of sizing.

    Attributes:
        risk_unit: LOTS, unless the earlier arithmetic is wanted.
        takes_one_lot_over_risk: One lot is taken when the allocation allows it and the risk budget does not.
        takes_one_lot_over_allocation: One lot is taken when the balance allows it and the allocation does not.
        lots_max: Most lots of one entry.
    """

    risk_unit: RiskUnit = RiskUnit.LOTS
    takes_one_lot_over_risk: bool = True
    takes_one_lot_over_allocation: bool = False
    lots_max: int = 100


class Binding(StrEnum):
    """Which limit made the quantity what it is."""

    ALLOCATION = "allocation"
    RISK = "risk"
    LOTS_MAX = "lots_max"
    ONE_LOT_OVER_RISK = "one_lot_over_risk"
    ONE_LOT_OVER_ALLOCATION = "one_lot_over_allocation"
    ALLOCATION_BELOW_ONE_LOT = "allocation_below_one_lot"
    RISK_BELOW_ONE_LOT = "risk_below_one_lot"
    NO_BALANCE = "no_balance"
    NO_PRICE = "no_price"
    NO_LOT_SIZE = "no_lot_size"


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity and how it came about; the quantity is 0 when the entry must not be made.

    Attributes:
        quantity: Units, a multiple of the lot size.
        lots: The same in lots.
        lots_by_allocation, lots_by_risk: What each limit alone would give, before floors and the maximum.
        lot_cost_paise: Premium of one lot.
        binding: The limit that decided.
    """

    quantity: int
    lots: int
    lots_by_allocation: int
    lots_by_risk: int
    lot_cost_paise: int
    binding: Binding


def quantity_for(
    *,
    balance_paise: int,
    entry_price_paise: int,
    lot_size: int,
    allocation_bps: int,
    risk_bps: int,
    stop_loss_bps: int,
    scale_multiplier: int = 1,
    rules: SizingRules | None = None,
) -> Allocation:
    """The units of one entry: the lower of what may be paid and what may be lost, in whole lots.

    Args:
        balance_paise: Available cash.
        entry_price_paise: Premium of one unit.
        lot_size: Units in a lot.
        allocation_bps, risk_bps: Shares of the balance, from `policy_of`.
        stop_loss_bps: Distance of the stop from the entry; 0 or less means no stop: the whole premium is at risk.
        scale_multiplier: Repeats of the signal; below 1 counts as 1. No budget ever exceeds the balance.
        rules: The trader's choices; None for the shipped ones.

    Source: REQUIREMENTS 11.2.
    """
    chosen = rules or SizingRules()
    if invalid := _invalid(balance_paise, entry_price_paise, lot_size):
        return _allocation(0, 0, 0, 0, lot_size, invalid)
    lot_cost_paise = entry_price_paise * lot_size
    lots_by_allocation = _budget(balance_paise, allocation_bps, scale_multiplier) // (lot_cost_paise * BPS)
    unit_size = lot_size if chosen.risk_unit is RiskUnit.LOTS else 1
    at_risk = entry_price_paise * unit_size * (stop_loss_bps if stop_loss_bps > 0 else BPS)
    lots_by_risk = _budget(balance_paise, risk_bps, scale_multiplier) // at_risk
    lots, binding = _decide_lots(lots_by_allocation, lots_by_risk, lot_cost_paise <= balance_paise, chosen)
    return _allocation(lots, lots_by_allocation, lots_by_risk, lot_cost_paise, lot_size, binding)


def available_cash_paise(*, paper_balance_paise: int, realised_paise: int, open_cost_paise: int) -> int:
    """Cash of a paper account: what it began with, plus what it has made, minus what its open positions cost.

    Source: REQUIREMENTS 11.3.
    """
    return paper_balance_paise + realised_paise - open_cost_paise


def base_risk_bps(*, index_risk_bps: int | None, band_risk_bps: int | None) -> int:
    """Risk per trade before any scaling: the index's own, else the band's, else 3 % when funds are unknown.

    Source: REQUIREMENTS 11.4.
    """
    return _first_given(index_risk_bps, band_risk_bps, RISK_BPS_WITHOUT_FUNDS)


def dynamic_risk_bps(*, base_bps: int, trend_score: float | None) -> int:
    """Risk per trade scaled by the trend: half the base without any trend, one and a half at the full score of 21.

    Args:
        base_bps: From `base_risk_bps`.
        trend_score: 0 to 21, clamped; None or NaN when unknown, which leaves the base.

    Returns:
        Basis points, halves up, at most twice the base and at most 10 %; an unscaled base is returned as it is.

    Source: REQUIREMENTS 11.4.
    """
    if trend_score is None or math.isnan(trend_score):
        return base_bps
    strength = Decimal(str(min(max(trend_score, 0), TREND_SCORE_MAX))) / TREND_SCORE_MAX
    scaled = math.floor(base_bps * (Decimal("0.5") + strength) + Decimal("0.5"))
    return min(scaled, 2 * base_bps, DYNAMIC_RISK_BPS_MAX)


def _first_given(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def _budget(balance_paise: int, share_bps: int, scale_multiplier: int) -> int:
    # In paise x 10 000, so that no fraction of a paisa is lost before the one division.
    return min(balance_paise * share_bps * max(scale_multiplier, 1), balance_paise * BPS)


def _invalid(balance_paise: int, entry_price_paise: int, lot_size: int) -> Binding | None:
    if balance_paise <= 0:
        return Binding.NO_BALANCE
    if entry_price_paise <= 0:
        return Binding.NO_PRICE
    return Binding.NO_LOT_SIZE if lot_size <= 0 else None


def _decide_lots(
    by_allocation: int, by_risk: int, is_one_lot_affordable: bool, rules: SizingRules
) -> tuple[int, Binding]:
    allowed, binding = by_allocation, Binding.ALLOCATION
    if by_allocation < 1:
        if not (rules.takes_one_lot_over_allocation and is_one_lot_affordable):
            return 0, Binding.ALLOCATION_BELOW_ONE_LOT
        allowed, binding = 1, Binding.ONE_LOT_OVER_ALLOCATION
    if by_risk < 1:
        if not rules.takes_one_lot_over_risk:
            return 0, Binding.RISK_BELOW_ONE_LOT
        allowed, binding = 1, Binding.ONE_LOT_OVER_RISK
    elif by_risk < allowed:
        allowed, binding = by_risk, Binding.RISK
    return (rules.lots_max, Binding.LOTS_MAX) if rules.lots_max < allowed else (allowed, binding)


def _allocation(
    lots: int, by_allocation: int, by_risk: int, lot_cost_paise: int, lot_size: int, binding: Binding
) -> Allocation:
    return Allocation(
        quantity=lots * lot_size,
        lots=lots,
        lots_by_allocation=by_allocation,
        lots_by_risk=by_risk,
        lot_cost_paise=lot_cost_paise,
        binding=binding,
    )
