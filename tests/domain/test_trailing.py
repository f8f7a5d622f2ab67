"""How a stop rises, and when a fallen peak counts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.exits import Mark, Situation, decide_exit
from scalper.domain.positions import PositionSide, Trail
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.rules import ExitRules, TrailingMode
from scalper.domain.times import ist_from_us
from scalper.domain.trailing import (
    dynamic_stop_paise,
    first_trail,
    is_breakeven_reached,
    is_peak_gate_active,
    peak_drawdown_level,
    raised,
    refitted,
    target_of,
    tier_offset_bps,
    tier_stop_paise,
)
from scalper.domain.units import bps_from_ratio, paise_from_rupees
from tests.shared_files import golden_cases

RULES = ExitRules()
DYNAMIC = ExitRules(trailing_mode=TrailingMode.DYNAMIC)
TIERED = ExitRules(trailing_mode=TrailingMode.TIERED)
MORNING = Situation(at=ist_from_us(0), session_end_at=ist_from_us(1), time_exit_at=ist_from_us(2))

ENTRIES = st.integers(5, 200_000)
PATHS = st.lists(st.integers(1, 500_000), max_size=30)
RULE_SETS = st.builds(
    ExitRules,
    trailing_mode=st.sampled_from(TrailingMode),
    exit_drop_bps=st.integers(1, 9_999),
    breakeven_after_gain_bps=st.integers(1, 5_000),
    min_profit_lock_paise=st.sampled_from([0, 100_000]),
)


def a_trail(stop_paise: int = 70_00, hwm_ltp_paise: int = 100_00, source: StopSource = StopSource.INITIAL) -> Trail:
    return Trail(stop_paise=stop_paise, stop_source=source, hwm_ltp_paise=hwm_ltp_paise, is_breakeven_locked=False)


def walked(path: list[int], rules: ExitRules = RULES, *, entry_paise: int = 100_00, quantity: int = 75) -> Trail:
    trail = first_trail(entry_paise, rules, 5)
    for ltp_paise in path:
        trail = raised(trail, entry_paise=entry_paise, quantity=quantity, ltp_paise=ltp_paise, rules=rules)
    return trail


@pytest.mark.parametrize(
    ("entry_paise", "stop_paise", "target_paise"),
    [(100_00, 70_00, 160_00), (101_25, 70_85, 162_00), (137_37, 96_15, 219_80), (5, 0, 10)],
)
def test_first_stop_lies_on_the_tick_below_and_the_target_on_the_tick_above(entry_paise, stop_paise, target_paise):
    trail = first_trail(entry_paise, RULES, 5)

    assert (trail.stop_paise, target_of(entry_paise, RULES, 5)) == (stop_paise, target_paise)
    assert (trail.hwm_ltp_paise, trail.stop_source, trail.is_breakeven_locked) == (
        entry_paise,
        StopSource.INITIAL,
        False,
    )


@pytest.mark.parametrize("off_bps", [0, -100])
def test_a_side_that_is_switched_off_has_no_level(off_bps):
    rules = ExitRules(stop_loss_bps=off_bps, take_profit_bps=off_bps)

    assert first_trail(100_00, rules, 5).stop_paise == 0
    assert target_of(100_00, rules, 5) == 0


@pytest.mark.parametrize(
    ("hwm_ltp_paise", "offset_bps"),
    [
        (100_00, None),
        (104_99, None),
        (105_00, -1500),
        (109_99, -1500),
        (110_00, -500),
        (115_00, 0),
        (125_00, 1000),
        (140_00, 2000),
        (160_00, 3000),
        (180_00, 4000),
        (219_99, 4000),
        (220_00, 6000),
        (900_00, 6000),
    ],
)
def test_tier_is_the_highest_one_the_peak_has_reached(hwm_ltp_paise, offset_bps):
    assert tier_offset_bps(100_00, hwm_ltp_paise, RULES) == offset_bps


@pytest.mark.parametrize(
    ("hwm_ltp_paise", "is_locked", "stop_paise", "source"),
    [
        (104_95, False, 70_00, StopSource.INITIAL),
        (105_00, False, 85_00, StopSource.TIER),
        (109_95, False, 85_00, StopSource.TIER),
        (110_00, True, 106_70, StopSource.TRAIL),
        (120_00, True, 116_40, StopSource.TRAIL),
    ],
)
def test_tightest_stop_wins_when_both_rules_run(hwm_ltp_paise, is_locked, stop_paise, source):
    trail = walked([hwm_ltp_paise])

    assert (trail.is_breakeven_locked, trail.stop_paise, trail.stop_source) == (is_locked, stop_paise, source)


def test_dynamic_mode_knows_no_tiers_and_tiered_mode_no_trail():
    dynamic, tiered = walked([105_00], DYNAMIC), walked([125_00], TIERED)

    assert (dynamic.stop_paise, dynamic.stop_source) == (70_00, StopSource.INITIAL)
    assert (tiered.stop_paise, tiered.stop_source) == (110_00, StopSource.TIER)
    assert not tiered.is_breakeven_locked


def test_price_without_a_new_high_changes_nothing():
    trail = walked([110_00])

    same = raised(trail, entry_paise=100_00, quantity=75, ltp_paise=110_00, rules=RULES)

    assert same is trail


@pytest.mark.parametrize(("entry_paise", "quantity"), [(0, 75), (-5, 75), (100_00, 0)])
def test_position_without_entry_or_quantity_is_left_alone(entry_paise, quantity):
    trail = a_trail(hwm_ltp_paise=0)

    assert raised(trail, entry_paise=entry_paise, quantity=quantity, ltp_paise=140_00, rules=RULES) is trail


def test_profit_lock_in_rupees_arms_later_than_the_gain():
    rules = ExitRules(trailing_mode=TrailingMode.DYNAMIC, min_profit_lock_paise=1_000_00)

    early, late = walked([113_30], rules), walked([113_35], rules)

    assert not early.is_breakeven_locked
    assert late.is_breakeven_locked


@given(ENTRIES, st.integers(1, 1_000), PATHS, RULE_SETS)
def test_stop_high_water_mark_and_lock_never_fall_and_stay_below_the_peak(entry_paise, quantity, path, rules):
    trails = [walked(path[:n], rules, entry_paise=entry_paise, quantity=quantity) for n in range(len(path) + 1)]

    for before, after in pairwise(trails):
        assert after.stop_paise >= before.stop_paise
        assert after.hwm_ltp_paise >= before.hwm_ltp_paise
        assert after.is_breakeven_locked >= before.is_breakeven_locked
    assert trails[-1].stop_paise <= trails[-1].hwm_ltp_paise
    assert trails[-1].hwm_ltp_paise == max([entry_paise, *path])


@given(ENTRIES, st.integers(1, 1_000), PATHS, RULE_SETS)
def test_locked_trail_never_gives_back_the_entry_price(entry_paise, quantity, path, rules):
    trail = walked(path, rules, entry_paise=entry_paise, quantity=quantity)

    assert not trail.is_breakeven_locked or trail.stop_paise >= entry_paise


@given(ENTRIES, PATHS)
def test_only_the_peak_counts_not_the_way_to_it(entry_paise, path):
    peak = max([entry_paise, *path])

    slowly, at_once = (walked(each, DYNAMIC, entry_paise=entry_paise, quantity=1) for each in (sorted(path), [peak]))

    assert slowly == at_once


@given(ENTRIES, st.integers(0, 500_000), st.integers(1, 9_999))
def test_price_is_at_the_floored_stop_exactly_when_it_is_at_the_exact_one(entry_paise, hwm_paise, drop_bps):
    stop_paise = dynamic_stop_paise(entry_paise, hwm_paise, drop_bps)

    for ltp_paise in (stop_paise, stop_paise + 1):
        is_at_exact_level = ltp_paise <= entry_paise or ltp_paise * 10_000 <= hwm_paise * (10_000 - drop_bps)
        assert (ltp_paise <= stop_paise) == is_at_exact_level


def test_dearer_second_fill_judges_the_breakeven_lock_anew_and_keeps_the_stop():
    trail = walked([111_00])

    averaged = refitted(trail, entry_paise=105_00, quantity=150, rules=RULES, tick_size_paise=5)

    assert not averaged.is_breakeven_locked
    assert (averaged.stop_paise, averaged.stop_source, averaged.hwm_ltp_paise) == (
        trail.stop_paise,
        StopSource.TRAIL,
        111_00,
    )


def test_dearer_second_fill_raises_an_initial_stop_and_the_start_of_the_peak():
    averaged = refitted(walked([]), entry_paise=110_00, quantity=150, rules=RULES, tick_size_paise=5)

    assert (averaged.stop_paise, averaged.hwm_ltp_paise) == (77_00, 110_00)


@pytest.mark.parametrize("entry_paise", [95_00, 80_00])
def test_cheaper_second_fill_moves_no_stop_and_arms_nothing(entry_paise):
    trail = walked([])

    averaged = refitted(trail, entry_paise=entry_paise, quantity=150, rules=RULES, tick_size_paise=5)

    assert averaged == trail


def test_lock_that_outlives_a_dearer_fill_protects_the_new_entry_price():
    rules = ExitRules(exit_drop_bps=2000, trailing_mode=TrailingMode.DYNAMIC)

    averaged = refitted(walked([112_00], rules), entry_paise=101_00, quantity=150, rules=rules, tick_size_paise=5)

    assert (averaged.is_breakeven_locked, averaged.stop_paise) == (True, 101_00)


@given(ENTRIES, ENTRIES, PATHS, RULE_SETS)
def test_no_fill_lowers_a_stop_or_a_peak(entry_paise, other_paise, path, rules):
    trail = walked(path, rules, entry_paise=entry_paise)

    averaged = refitted(trail, entry_paise=other_paise, quantity=150, rules=rules, tick_size_paise=5)

    assert averaged.stop_paise >= trail.stop_paise
    assert averaged.hwm_ltp_paise >= trail.hwm_ltp_paise


@pytest.mark.parametrize(
    ("hwm_paise", "level_paise"), [(100_00, None), (99_00, None), (100_05, 95_05), (140_00, 135_00)]
)
def test_drawdown_is_measured_in_points_of_the_entry_price(hwm_paise, level_paise):
    assert peak_drawdown_level(100_00, hwm_paise, RULES) == level_paise


def test_open_gate_asks_for_neither_peak_nor_stop():
    rules = ExitRules(is_peak_gate_on=False)

    assert is_peak_gate_active(100_00, a_trail(hwm_ltp_paise=101_00), rules)


def test_tier_stop_of_an_odd_entry_price_passes_the_gate_it_was_made_for():
    # 137.35 x 1.10 is 151.085: the floored stop is 151.08 and must still count as +10 %.
    trail = walked([171_70], TIERED, entry_paise=137_35)

    assert trail.stop_paise == 151_08
    assert is_peak_gate_active(137_35, trail, TIERED)


@pytest.mark.parametrize(
    "faulty",
    [
        {"tiers": ((1000, -500), (500, -1500))},
        {"tiers": ((500, -1500), (500, 0))},
        {"tiers": ((500, 500),)},
        {"stop_loss_bps": 10_000},
        {"exit_drop_bps": 0},
        {"exit_drop_bps": 10_000},
        {"breakeven_after_gain_bps": 0},
        {"peak_drawdown_bps": -1},
        {"circuit_limit_bps": 0},
    ],
)
def test_rules_that_would_sell_at_once_or_never_are_refused(faulty):
    with pytest.raises(ValueError, match="must"):
        ExitRules(**faulty)


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("trailing.tiers"))
def test_golden_tiers(case):
    profit_bps = bps_from_ratio(case["input"]["profit_pct"] / 100)
    expected = case["expected"]

    offset_bps = tier_offset_bps(10_000, 10_000 + profit_bps, RULES)

    assert (None if offset_bps is None else offset_bps / 100) == expected["sl_offset_pct"]
    for entry_paise, name in ((100_00, "sl_price_entry_100"), (137_35, "sl_price_entry_137_35")):
        hwm_paise = -(-entry_paise * (10_000 + profit_bps) // 10_000)
        stop_paise = tier_stop_paise(entry_paise, hwm_paise, RULES)
        wanted = expected[name]
        assert (stop_paise is None) == (wanted is None)
        assert stop_paise is None or abs(stop_paise - wanted * 100) <= case["tolerance"] * 100 + 1e-6


def engine_answer(given_: dict[str, Any]) -> dict[str, Any]:
    """One tick through `raised` and the rule list, in the words of the examples."""
    entry_paise, ltp_paise = (paise_from_rupees(given_[name]) for name in ("entry_price", "current_ltp"))
    rules = ExitRules(trailing_mode=TrailingMode.TIERED, is_peak_gate_on=given_["gating"], take_profit_bps=0)
    hwm_paise = entry_paise * (10_000 + round(given_["peak_profit_pct"] * 100)) // 10_000
    before = a_trail(paise_from_rupees(given_["sl_price"]), hwm_paise)
    trail = raised(before, entry_paise=entry_paise, quantity=75, ltp_paise=ltp_paise, rules=rules)
    mark = Mark(
        entry_paise=entry_paise,
        quantity=75,
        ltp_paise=ltp_paise,
        is_price_fresh=True,
        trail=trail,
        target_paise=0,
        side=PositionSide.LONG_CE,
    )
    decision = decide_exit(mark, MORNING, rules)
    is_stop_raised = trail.stop_paise > before.stop_paise
    kept = "sl_updated" if is_stop_raised else "tier_not_reached"
    return {
        "peak_updated": trail.hwm_ltp_paise > before.hwm_ltp_paise,
        "sl_updated": is_stop_raised,
        "exit_triggered": decision is not None,
        "new_sl_price": trail.stop_paise / 100,
        "reason": "peak_drawdown_exit" if decision and decision.reason is ExitReason.PEAK_DRAWDOWN else kept,
    }


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("trailing.engine"))
def test_golden_engine(case):
    answer = engine_answer(case["input"])

    assert {name: answer[name] for name in case["expected"]} == case["expected"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("trailing.peak_drawdown_gate"))
def test_golden_peak_drawdown_gate(case):
    given_ = case["input"]
    rules = ExitRules(
        peak_activation_profit_bps=given_["activation_profit_pct"] * 100,
        peak_activation_offset_bps=given_["activation_sl_offset_pct"] * 100,
    )
    trail = a_trail(100_00 + round(given_["sl_offset_pct"] * 100), 100_00 + round(given_["peak"] * 100))

    assert is_peak_gate_active(100_00, trail, rules) == case["expected"]["active"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("trailing.peak_drawdown_triggered"))
def test_golden_peak_drawdown_triggered(case):
    given_ = case["input"]
    rules = ExitRules(peak_drawdown_bps=round(given_["threshold"] * 100))
    hwm_paise = 100_00 + round((given_["peak"] or 0) * 100)

    level_paise = peak_drawdown_level(100_00, hwm_paise, rules)

    is_triggered = level_paise is not None and 100_00 + given_["current"] * 100 <= level_paise
    assert is_triggered == case["expected"]["triggered"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("positions.trailing_stop_price"))
def test_golden_trailing_stop_price(case):
    given_ = case["input"]
    prices = [paise_from_rupees(given_[name]) for name in ("entry", "hwm_price")]

    stop_paise = dynamic_stop_paise(prices[0], prices[1], bps_from_ratio(given_["trail_pct"]))

    assert stop_paise / 100 == pytest.approx(case["expected"]["stop"], abs=case["tolerance"])


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.min_profit_lock"))
def test_golden_min_profit_lock(case):
    given_, quantity = case["input"], case["input"]["quantity"]
    gain_bps = bps_from_ratio(given_.get("trail_step_pct", 0.1))
    rules = ExitRules(
        breakeven_after_gain_bps=gain_bps,
        min_profit_lock_paise=paise_from_rupees(given_.get("min_profit_lock_rupees", 0)),
    )
    entry_paise = paise_from_rupees(given_["entry"])
    armed_at_paise = entry_paise * (10_000 + gain_bps) // 10_000

    assert is_breakeven_reached(entry_paise, quantity, armed_at_paise, rules)
    assert not is_breakeven_reached(entry_paise, quantity, armed_at_paise - 1, rules)
    assert case["expected"].get("armed", True)
    profit_paise = (armed_at_paise - entry_paise) * quantity
    assert profit_paise == paise_from_rupees(case["expected"].get("rupees", profit_paise / 100))


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.dynamic_trail"))
@pytest.mark.parametrize("mode", [TrailingMode.BOTH, TrailingMode.DYNAMIC])
def test_golden_dynamic_trail(case, mode):
    given_ = case["input"]
    path = [paise_from_rupees(price) for price in given_["ltp_path"]]
    entry_paise = paise_from_rupees(given_["entry"])
    rules = ExitRules(
        trailing_mode=mode,
        breakeven_after_gain_bps=bps_from_ratio(given_["breakeven_after_gain"]),
        exit_drop_bps=bps_from_ratio(given_["exit_drop_pct"]),
    )

    trails = [walked(path[: n + 1], rules, entry_paise=entry_paise) for n in range(len(path))]

    hits = [n for n, ltp_paise in enumerate(path) if ltp_paise <= trails[n].stop_paise]
    assert (hits[0] if hits else None) == case["expected"]["exit_index"]
    assert trails[-1].stop_paise / 100 == pytest.approx(case["expected"]["stop_at_end"], abs=0.01)
    assert trails[-1].stop_source is StopSource.TRAIL


def test_trail_survives_encoding_unchanged():
    trail = walked([110_00])

    assert msgspec.json.decode(msgspec.json.encode(trail), type=Trail) == trail
