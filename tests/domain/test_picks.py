"""The contract at the money: expiry by policy, strike by spot, or the reason why there is none."""

from __future__ import annotations

from datetime import date

import pytest

from scalper.domain.direction import Direction
from scalper.domain.instruments import Instrument, OptionType
from scalper.domain.picks import PickRules, at_the_money
from scalper.domain.strikes import ExpiryPolicy
from tests.builders import DAY, an_option

NEXT_WEEK = date(2026, 1, 20)
MONTH_END = date(2026, 1, 27)
STRIKES = [25_500_00 + 50_00 * step for step in range(11)]


def listed(*expiries: date, is_monthly: bool = False, underlying: str = "NIFTY") -> tuple[Instrument, ...]:
    return tuple(
        an_option(strike, side, expiry=expiry, is_monthly=is_monthly, underlying=underlying)
        for expiry in expiries
        for strike in STRIKES
        for side in OptionType
    )


def rules(policy: ExpiryPolicy = ExpiryPolicy.WEEKLY, *, is_expiry_day_allowed: bool = True) -> PickRules:
    return PickRules(policy=policy, is_expiry_day_allowed=is_expiry_day_allowed, interval_fallback_paise=50_00)


def pick(
    contracts: tuple[Instrument, ...],
    *,
    spot_paise: int = 25_760_00,
    direction: Direction = Direction.BULLISH,
    chosen: PickRules | None = None,
) -> tuple[Instrument | None, str]:
    return at_the_money(
        contracts,
        index_key="NIFTY",
        direction=direction,
        spot_paise=spot_paise,
        day=DAY,
        rules=chosen or rules(),
    )


@pytest.mark.parametrize(
    ("spot_paise", "strike_paise"),
    [
        (25_774_95, 25_750_00),
        (25_775_00, 25_800_00),
        (25_725_00, 25_750_00),
        (25_000_00, 25_500_00),
        (27_000_00, 26_000_00),
    ],
)
def test_the_strike_nearest_to_the_spot_is_taken_halves_upward(spot_paise: int, strike_paise: int) -> None:
    contract, reason = pick(listed(DAY), spot_paise=spot_paise)

    assert contract is not None
    assert (contract.strike_paise, reason) == (strike_paise, "")


@pytest.mark.parametrize(
    ("direction", "side"), [(Direction.BULLISH, OptionType.CE), (Direction.BEARISH, OptionType.PE)]
)
def test_the_direction_names_the_side(direction: Direction, side: OptionType) -> None:
    contract, _ = pick(listed(DAY), direction=direction)

    assert contract is not None
    assert contract.option_type is side


@pytest.mark.parametrize(("is_allowed", "expiry"), [(True, DAY), (False, NEXT_WEEK)])
def test_a_contract_that_expires_today_is_bought_only_where_that_is_allowed(is_allowed: bool, expiry: date) -> None:
    contract, _ = pick(listed(DAY, NEXT_WEEK), chosen=rules(is_expiry_day_allowed=is_allowed))

    assert contract is not None
    assert contract.expiry == expiry


def test_a_monthly_policy_passes_over_the_weeks() -> None:
    contracts = (*listed(DAY, NEXT_WEEK), *listed(MONTH_END, is_monthly=True))

    contract, _ = pick(contracts, chosen=rules(ExpiryPolicy.MONTHLY))

    assert contract is not None
    assert contract.expiry == MONTH_END


@pytest.mark.parametrize("contracts", [(), listed(DAY, underlying="SENSEX"), listed(date(2026, 1, 6))])
def test_without_a_contract_there_is_a_reason(contracts: tuple[Instrument, ...]) -> None:
    contract, reason = pick(contracts)

    assert contract is None
    assert reason.startswith("no weekly CE contract of NIFTY")
