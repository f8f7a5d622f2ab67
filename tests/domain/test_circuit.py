"""When a day's loss ends trading, and until when."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.circuit import circuit_verdict, is_blocked
from scalper.domain.units import bps_from_ratio, paise_from_rupees
from tests.shared_files import golden_cases

LAKH = 100_000_00
TODAY = date(2025, 11, 3)


@pytest.mark.parametrize(
    ("realised", "unrealised", "is_tripped"),
    [
        (-5_999_99, 0, False),
        (-6_000_00, 0, True),
        (0, -6_000_00, True),
        (-8_000_00, 2_000_00, True),
        (-8_000_00, 2_000_01, False),
        (6_000_00, 0, False),
    ],
)
def test_realised_and_unrealised_together_trip_at_the_limit(realised, unrealised, is_tripped):
    verdict = circuit_verdict(LAKH, realised, unrealised, 600)

    assert verdict.is_tripped is is_tripped
    assert verdict.day_net_paise == realised + unrealised
    assert verdict.loss_limit_paise == 6_000_00


@given(st.integers(1, 10**12), st.integers(-(10**12), 10**12), st.integers(1, 10_000))
def test_trip_is_exact(starting_balance_paise, day_net_paise, limit_bps):
    verdict = circuit_verdict(starting_balance_paise, day_net_paise, 0, limit_bps)

    assert verdict.is_tripped == (-day_net_paise * 10_000 >= limit_bps * starting_balance_paise)
    assert verdict.loss_bps is not None
    assert not verdict.is_tripped or verdict.loss_bps >= limit_bps


@pytest.mark.parametrize("balance_paise", [None, 0, -1])
def test_without_a_starting_balance_the_circuit_is_blind_and_says_so(balance_paise):
    verdict = circuit_verdict(balance_paise, -(10**9), 0, 600)

    assert not verdict.is_tripped
    assert not verdict.is_balance_known
    assert (verdict.loss_limit_paise, verdict.loss_bps) == (None, None)


@pytest.mark.parametrize(
    ("tripped_day", "is_day_blocked"),
    [(None, False), (TODAY, True), (date(2025, 11, 2), False), (date(2025, 11, 4), True)],
)
def test_trip_blocks_its_own_day(tripped_day, is_day_blocked):
    assert is_blocked(tripped_day, TODAY) is is_day_blocked


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.circuit_breaker"))
def test_golden_circuit_breaker(case):
    given_, expected = case["input"], case["expected"]

    if "tripped_at" in given_:
        days = [datetime.fromisoformat(given_[name]).date() for name in ("tripped_at", "entry_at")]
        assert is_blocked(*days) != expected["entry_allowed"]
    else:
        money = [paise_from_rupees(given_[name]) for name in ("starting_balance", "realised", "unrealised")]
        assert circuit_verdict(*money, bps_from_ratio(given_["limit_pct"])).is_tripped == expected["tripped"]
