"""The precedence: which rule ends a position, on which numbers, and which rules may not."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.exits import (
    EXIT_RULES,
    ExitDecision,
    Mark,
    Situation,
    decide_exit,
    explain,
    is_price_fresh,
    loop_interval_ms,
)
from scalper.domain.positions import PositionSide, Trail
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.rules import ExitRules, TrailingMode
from scalper.domain.tags import exit_tag
from scalper.domain.times import ist
from scalper.domain.trailing import first_trail, raised, target_of
from scalper.domain.units import paise_from_rupees
from tests.shared_files import golden_cases

DAY = date(2026, 1, 13)
RULES = ExitRules()
TIERED = ExitRules(trailing_mode=TrailingMode.TIERED)
HELD = PositionSide.LONG_PE

UNDERLYING = {
    "underlying_structure_break": ExitReason.UNDERLYING_STRUCTURE,
    "underlying_trend_weak": ExitReason.UNDERLYING_TREND,
    "underlying_atr_collapse": ExitReason.UNDERLYING_ATR,
}


def a_mark(
    ltp_paise: int, *, entry_paise: int = 100_00, hwm_paise: int = 0, rules: ExitRules = RULES, quantity: int = 75
) -> Mark:
    """A position after a path entry, high water mark, LTP."""
    trail = first_trail(entry_paise, rules, 5)
    for price_paise in (hwm_paise, ltp_paise):
        trail = raised(trail, entry_paise=entry_paise, quantity=quantity, ltp_paise=price_paise, rules=rules)
    return Mark(
        entry_paise=entry_paise,
        quantity=quantity,
        ltp_paise=ltp_paise,
        is_price_fresh=True,
        trail=trail,
        target_paise=target_of(entry_paise, rules, 5),
        side=HELD,
    )


def a_situation(clock: str = "10:00:00", **claims: Any) -> Situation:
    return Situation(
        at=ist(DAY, time.fromisoformat(clock)),
        session_end_at=ist(DAY, time(15, 15)),
        time_exit_at=ist(DAY, time(15, 20)),
        **claims,
    )


def tag_of(decision: ExitDecision | None, situation: Situation, rules: ExitRules = RULES) -> str | None:
    if decision is None:
        return None
    return exit_tag(
        decision.reason, rules, session_end_at=situation.session_end_at, time_exit_at=situation.time_exit_at
    )


@pytest.mark.parametrize(
    ("ltp_paise", "reason"),
    [
        (69_95, ExitReason.STOP_LOSS),
        (70_00, ExitReason.STOP_LOSS),
        (70_01, None),
        (159_99, None),
        (160_00, ExitReason.TAKE_PROFIT),
        (160_05, ExitReason.TAKE_PROFIT),
    ],
)
def test_touching_a_hard_limit_exits(ltp_paise, reason):
    decision = decide_exit(a_mark(ltp_paise), a_situation(), RULES)

    assert (decision and decision.reason) == reason


@pytest.mark.parametrize("entry_paise", [100_00, 101_25, 137_35, 99_99, 3, 2_000_05])
@given(data=st.data())
def test_thirty_percent_down_exits_exactly(entry_paise, data):
    ltp_paise = data.draw(st.integers(1, entry_paise))

    decision = decide_exit(a_mark(ltp_paise, entry_paise=entry_paise), a_situation(), RULES)

    is_down = ltp_paise * 10_000 <= entry_paise * 7_000
    assert (decision is not None and decision.reason is ExitReason.STOP_LOSS) == is_down


@pytest.mark.parametrize(
    ("clock", "reason"),
    [
        ("15:14:59", None),
        ("15:15:00", ExitReason.SESSION_END),
        ("15:19:59", ExitReason.SESSION_END),
        ("15:20:00", ExitReason.TIME_EXIT),
        ("16:05:00", ExitReason.TIME_EXIT),
    ],
)
def test_session_end_gives_way_to_the_time_exit(clock, reason):
    decision = decide_exit(a_mark(104_00), a_situation(clock), RULES)

    assert (decision and decision.reason) == reason


def test_order_of_the_rules_is_the_precedence():
    assert [rule.reason for rule in EXIT_RULES] == [
        ExitReason.KILL_SWITCH,
        ExitReason.MANUAL,
        ExitReason.CIRCUIT_BREAKER,
        ExitReason.TIME_EXIT,
        ExitReason.SESSION_END,
        ExitReason.STOP_LOSS,
        ExitReason.TAKE_PROFIT,
        ExitReason.UNDERLYING_STRUCTURE,
        ExitReason.UNDERLYING_TREND,
        ExitReason.UNDERLYING_ATR,
        ExitReason.STOP_LOSS,
        ExitReason.TRAILING_TIER,
        ExitReason.TRAILING_STOP,
        ExitReason.PEAK_DRAWDOWN,
        ExitReason.STOP_LOSS,
    ]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"is_killed": True, "is_manual_exit": True, "is_circuit_tripped": True}, ExitReason.KILL_SWITCH),
        ({"is_manual_exit": True, "is_circuit_tripped": True}, ExitReason.MANUAL),
        ({"is_circuit_tripped": True}, ExitReason.CIRCUIT_BREAKER),
        ({}, ExitReason.TIME_EXIT),
    ],
)
def test_commands_outrank_the_circuit_and_the_circuit_outranks_time_and_price(claims, reason):
    decision = decide_exit(a_mark(60_00), a_situation("15:25:00", **claims), RULES)

    assert decision is not None
    assert decision.reason is reason


@pytest.mark.parametrize("underlying", UNDERLYING.values())
def test_underlying_stands_between_the_hard_limits_and_the_stop_in_force(underlying):
    situation = a_situation(underlying=underlying)

    hard, trailed = (decide_exit(mark, situation, RULES) for mark in (a_mark(70_00), a_mark(106_00, hwm_paise=110_00)))

    assert hard is not None
    assert hard.reason is ExitReason.STOP_LOSS
    assert trailed is not None
    assert (trailed.reason, trailed.trigger_paise) == (underlying, None)


@pytest.mark.parametrize(
    ("stop_source", "reason", "text"),
    [
        (StopSource.INITIAL, ExitReason.STOP_LOSS, "SL HIT -10.00%"),
        (StopSource.TIER, ExitReason.TRAILING_TIER, "trailing tier (90.00, -10.00% of entry)"),
        (StopSource.TRAIL, ExitReason.TRAILING_STOP, "trailing stop (21.74% off 115.00)"),
    ],
)
def test_stop_in_force_exits_with_the_reason_of_the_rule_that_set_it(stop_source, reason, text):
    trail = Trail(stop_paise=90_00, stop_source=stop_source, hwm_ltp_paise=115_00, is_breakeven_locked=True)
    mark = msgspec.structs.replace(a_mark(90_00), trail=trail)

    decision = decide_exit(mark, a_situation(), RULES)

    assert decision == ExitDecision(
        reason=reason, stop_source=stop_source, trigger_paise=90_00, ltp_paise=90_00, text=text
    )


def test_trail_that_rises_and_is_broken_by_one_gap_exits_on_the_trail():
    decision = decide_exit(a_mark(104_00, hwm_paise=112_00), a_situation(), RULES)

    assert decision is not None
    assert (decision.reason, decision.trigger_paise) == (ExitReason.TRAILING_STOP, 108_64)


@pytest.mark.parametrize(
    ("hwm_paise", "ltp_paise", "reason"),
    [
        (125_00, 120_00, ExitReason.PEAK_DRAWDOWN),
        (125_00, 120_01, None),
        (124_99, 119_00, None),
        (125_00, 109_00, ExitReason.TRAILING_TIER),
    ],
)
def test_peak_drawdown_needs_a_peak_and_a_stop_and_stands_behind_the_stop(hwm_paise, ltp_paise, reason):
    decision = decide_exit(a_mark(ltp_paise, hwm_paise=hwm_paise, rules=TIERED), a_situation(), TIERED)

    assert (decision and decision.reason) == reason


def test_without_its_gate_peak_drawdown_still_needs_a_peak():
    rules = ExitRules(is_peak_gate_on=False)

    fallen_from_entry = decide_exit(a_mark(95_00, rules=rules), a_situation(), rules)
    fallen_from_peak = decide_exit(a_mark(95_05, hwm_paise=100_05, rules=rules), a_situation(), rules)

    assert fallen_from_entry is None
    assert fallen_from_peak is not None
    assert fallen_from_peak.reason is ExitReason.PEAK_DRAWDOWN


@pytest.mark.parametrize(("ltp_paise", "is_exit"), [(99_00, True), (99_01, False), (101_00, False)])
def test_per_trade_risk_counts_only_when_asked_for(ltp_paise, is_exit):
    asked = ExitRules(is_per_trade_exit_on=True)

    assert (decide_exit(a_mark(ltp_paise), a_situation(), asked) is not None) == is_exit
    assert decide_exit(a_mark(ltp_paise), a_situation(), RULES) is None


def test_hard_stop_is_named_before_per_trade_risk():
    decision = decide_exit(a_mark(70_00), a_situation(), ExitRules(is_per_trade_exit_on=True))

    assert decision is not None
    assert decision.text == "SL HIT -30.00%"


@pytest.mark.parametrize(("ltp_paise", "is_exit"), [(100_50, False), (101_00, True), (100_00, True), (99_00, True)])
def test_time_exit_spares_only_a_known_profit_below_the_minimum(ltp_paise, is_exit):
    rules = ExitRules(min_profit_paise=75_00)
    mark = a_mark(ltp_paise)
    stale = msgspec.structs.replace(mark, is_price_fresh=False)

    assert (decide_exit(mark, a_situation("15:20:00"), rules) is not None) == is_exit
    assert decide_exit(stale, a_situation("15:20:00"), rules) is not None


@pytest.mark.parametrize("unusable", [{"is_price_fresh": False}, {"ltp_paise": 0}])
@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        (a_situation(), None),
        (a_situation(underlying=ExitReason.UNDERLYING_TREND), None),
        (a_situation(is_killed=True), ExitReason.KILL_SWITCH),
        (a_situation(is_manual_exit=True), ExitReason.MANUAL),
        (a_situation(is_circuit_tripped=True), ExitReason.CIRCUIT_BREAKER),
        (a_situation("15:15:00"), ExitReason.SESSION_END),
        (a_situation("15:20:00"), ExitReason.TIME_EXIT),
    ],
)
def test_unusable_price_decides_nothing_but_time_and_commands_do(unusable, situation, reason):
    mark = msgspec.structs.replace(a_mark(60_00, hwm_paise=140_00), **unusable)

    decision = decide_exit(mark, situation, RULES)

    assert (decision and decision.reason) == reason


@pytest.mark.parametrize("missing", [{"entry_paise": 0}, {"entry_paise": -1}, {"quantity": 0}])
def test_position_without_entry_or_quantity_triggers_nothing(missing):
    mark = msgspec.structs.replace(a_mark(10_00), **missing)
    situation = a_situation("15:25:00", is_killed=True)

    assert decide_exit(mark, situation, RULES) is None
    assert not any(verdict.is_hit for verdict in explain(mark, situation, RULES))


@pytest.mark.parametrize(("off", "ltp_paise"), [("stop_loss_bps", 1), ("take_profit_bps", 900_00)])
def test_hard_limit_that_is_switched_off_never_exits(off, ltp_paise):
    rules = ExitRules(**{off: 0})

    assert decide_exit(a_mark(ltp_paise, rules=rules), a_situation(), rules) is None


@pytest.mark.parametrize(
    ("mark", "situation", "text"),
    [
        (a_mark(70_00), a_situation(), "SL HIT -30.00%"),
        (a_mark(160_00), a_situation(), "TP HIT 60.00%"),
        (a_mark(100_00), a_situation("15:16:00"), "session end (15:15)"),
        (a_mark(100_00), a_situation("15:21:00"), "time-based exit (15:20)"),
        (a_mark(100_00), a_situation(is_killed=True), "kill switch"),
        (a_mark(100_00), a_situation(is_manual_exit=True), "manual exit"),
        (a_mark(100_00), a_situation(is_circuit_tripped=True), "daily circuit (6.00%)"),
        (a_mark(116_40, hwm_paise=120_00), a_situation(), "trailing stop (3.00% off 120.00)"),
        (a_mark(85_00, hwm_paise=105_00), a_situation(), "trailing tier (85.00, -15.00% of entry)"),
        (a_mark(98_00), a_situation(underlying=ExitReason.UNDERLYING_ATR), "underlying ATR collapse"),
    ],
)
def test_people_are_told_the_rule_and_its_numbers(mark, situation, text):
    decision = decide_exit(mark, situation, RULES)

    assert decision is not None
    assert decision.text == text


def test_drawdown_and_peak_are_told_with_two_decimals():
    decision = decide_exit(a_mark(120_00, hwm_paise=126_50, rules=TIERED), a_situation(), TIERED)

    assert decision is not None
    assert decision.text == "peak drawdown 6.50% (peak 26.50%)"


def test_trail_is_told_off_its_high_water_mark():
    decision = decide_exit(a_mark(112_90, hwm_paise=116_40), a_situation(), RULES)

    assert decision is not None
    assert decision.text == "trailing stop (3.01% off 116.40)"


def test_explanation_gives_every_rule_its_level_and_its_measure():
    verdicts = {verdict.name: verdict for verdict in explain(a_mark(106_70, hwm_paise=110_00), a_situation(), RULES)}

    assert list(verdicts) == [rule.name for rule in EXIT_RULES]
    shown = {name: (verdicts[name].level, verdicts[name].measured, verdicts[name].is_hit) for name in verdicts}
    assert shown["time exit"] == ("15:20:00", "10:00:00", False)
    assert shown["hard stop-loss"] == ("70.00", "106.70", False)
    assert shown["take-profit"] == ("160.00", "106.70", False)
    assert shown["trail stop in force"] == ("106.70", "106.70", True)
    assert shown["tier stop in force"] == ("", "", False)
    assert shown["peak drawdown"] == ("", "", False)


def test_explanation_says_where_a_price_was_missing():
    stale = msgspec.structs.replace(a_mark(60_00), is_price_fresh=False)

    verdicts = explain(stale, a_situation(), RULES)

    assert {verdict.measured for verdict, rule in zip(verdicts, EXIT_RULES, strict=True) if rule.needs_price} == {
        "no fresh price"
    }


MARKS = st.builds(
    a_mark,
    st.integers(0, 300_00),
    entry_paise=st.integers(1, 150_00),
    hwm_paise=st.integers(0, 300_00),
    rules=st.sampled_from([RULES, TIERED]),
)
SITUATIONS = st.builds(
    a_situation,
    st.sampled_from(["09:20:00", "15:15:00", "15:20:00"]),
    is_killed=st.booleans(),
    is_manual_exit=st.booleans(),
    is_circuit_tripped=st.booleans(),
    underlying=st.sampled_from([None, *UNDERLYING.values()]),
)


@given(MARKS, SITUATIONS, st.booleans())
def test_decision_is_the_first_hit_of_the_explanation(mark, situation, is_fresh):
    mark = msgspec.structs.replace(mark, is_price_fresh=is_fresh)

    decision = decide_exit(mark, situation, RULES)

    hits = [
        rule.reason for rule, verdict in zip(EXIT_RULES, explain(mark, situation, RULES), strict=True) if verdict.is_hit
    ]
    assert (decision and decision.reason) == (hits[0] if hits else None)


@given(MARKS)
def test_below_the_stop_in_force_no_position_is_kept(mark):
    decision = decide_exit(mark, a_situation(), RULES)

    assert decision is not None or mark.ltp_paise > mark.trail.stop_paise or not mark.has_price


@pytest.mark.parametrize(("age_us", "is_fresh"), [(0, True), (10_000_000, True), (10_000_001, False), (-5, True)])
def test_price_older_than_ten_seconds_is_not_fresh(age_us, is_fresh):
    assert is_price_fresh(1_000_000_000 - age_us, 1_000_000_000) is is_fresh


@pytest.mark.parametrize(
    ("open_positions", "is_market_open", "interval_ms"),
    [(1, True, 500), (1, False, 500), (0, True, 5000), (0, False, 60_000)],
)
def test_loop_rests_longer_the_less_there_is_to_guard(open_positions, is_market_open, interval_ms):
    assert loop_interval_ms(open_positions, is_market_open=is_market_open, active_ms=500, idle_ms=5000) == interval_ms


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.precedence"))
def test_golden_precedence(case):
    given_ = case["input"]
    rules = RULES if given_.get("dynamic", True) else TIERED
    mark = a_mark(
        paise_from_rupees(given_["ltp"]),
        entry_paise=paise_from_rupees(given_["entry"]),
        hwm_paise=paise_from_rupees(given_.get("hwm", 0)),
        rules=rules,
    )
    situation = a_situation(
        given_["time"],
        is_circuit_tripped=given_.get("circuit", False),
        underlying=UNDERLYING.get(given_.get("underlying", "")),
    )

    decision = decide_exit(mark, situation, rules)

    assert tag_of(decision, situation, rules) == case["expected"]["exit_tag"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.time_exits"))
def test_golden_time_exits(case):
    situation = a_situation(case["input"]["time_ist"])
    ltp_paise = 100_00 + round(case["input"]["pnl_pct"] * 100)

    decision = decide_exit(a_mark(ltp_paise), situation, RULES)

    assert tag_of(decision, situation) == case["expected"]["exit_tag"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("risk.per_trade"))
def test_golden_per_trade(case):
    given_ = case["input"]
    rules = ExitRules(
        is_per_trade_exit_on=given_["enabled"], per_trade_risk_bps=round(given_["per_trade_risk_pct"] * 10_000)
    )
    mark = a_mark(given_["ltp"] * 100, entry_paise=given_["entry"] * 100, quantity=given_["quantity"])

    assert (decide_exit(mark, a_situation(), rules) is not None) == case["expected"]["exit"]


@pytest.mark.shared
@pytest.mark.parametrize("case", [case for case in golden_cases("risk.loop_interval") if case.id != "loop-wake"])
def test_golden_loop_interval(case):
    given_ = case["input"]
    is_open = given_.get("market") != "closed"

    interval_ms = loop_interval_ms(given_["open_positions"], is_market_open=is_open, active_ms=500, idle_ms=5000)

    assert interval_ms / 1000 == case["expected"]["sleep_s"]


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("positions.pnl"))
def test_golden_hits_of_stop_and_target(case):
    given_ = case["input"]
    path = a_mark(given_["ltp"] * 100, entry_paise=given_["entry_price"] * 100)
    mark = msgspec.structs.replace(path, quantity=given_["quantity"])

    decision = decide_exit(mark, a_situation(), RULES)

    hit = decision and decision.reason
    assert (hit is ExitReason.STOP_LOSS) == case["expected"]["sl_hit"]
    assert (hit is ExitReason.TAKE_PROFIT) == case["expected"]["tp_hit"]
