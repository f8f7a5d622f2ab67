"""What orders are called."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.instruments import OptionType
from scalper.domain.reasons import ExitReason
from scalper.domain.rules import ExitRules
from scalper.domain.tags import correlation_id, entry_tag, exit_tag
from scalper.domain.times import ist
from scalper.domain.units import bps_from_ratio
from tests.shared_files import golden_cases

DAY = date(2026, 1, 13)
SESSION_END, TIME_EXIT = ist(DAY, time(15, 15)), ist(DAY, time(15, 20))

TAGS = st.text("ABZabz059_-", min_size=1, max_size=40)
ORDERS = st.tuples(st.integers(0, 100_000), st.integers(0, 40), st.integers(0, 40))


def a_tag(reason: ExitReason, rules: ExitRules | None = None) -> str:
    return exit_tag(reason, rules or ExitRules(), session_end_at=SESSION_END, time_exit_at=TIME_EXIT)


@pytest.mark.parametrize(
    ("reason", "tag"),
    [
        (ExitReason.KILL_SWITCH, "kill_switch"),
        (ExitReason.MANUAL, "manual_exit"),
        (ExitReason.CIRCUIT_BREAKER, "circuit_breaker_6pct"),
        (ExitReason.TIME_EXIT, "time_exit_1520"),
        (ExitReason.SESSION_END, "session_end_1515"),
        (ExitReason.STOP_LOSS, "stop_loss_30pct"),
        (ExitReason.TAKE_PROFIT, "take_profit_60pct"),
        (ExitReason.UNDERLYING_STRUCTURE, "underlying_structure_break"),
        (ExitReason.UNDERLYING_TREND, "underlying_trend_weak"),
        (ExitReason.UNDERLYING_ATR, "underlying_atr_collapse"),
        (ExitReason.TRAILING_STOP, "trailing_stop_3pct"),
        (ExitReason.TRAILING_TIER, "trailing_tier"),
        (ExitReason.PEAK_DRAWDOWN, "peak_drawdown_exit"),
        (ExitReason.RECONCILE, "reconcile_exit"),
    ],
)
def test_every_reason_has_its_tag(reason, tag):
    assert a_tag(reason) == tag


def test_no_two_reasons_share_a_tag():
    assert len({a_tag(reason) for reason in ExitReason}) == len(ExitReason)


@pytest.mark.parametrize(
    ("stop_loss_bps", "tag"),
    [
        (2500, "stop_loss_25pct"),
        (1000, "stop_loss_10pct"),
        (1250, "stop_loss_12_5pct"),
        (1225, "stop_loss_12_25pct"),
        (1205, "stop_loss_12_05pct"),
        (50, "stop_loss_0_5pct"),
    ],
)
def test_percents_are_whole_where_they_can_be_and_else_written_with_an_underscore(stop_loss_bps, tag):
    assert a_tag(ExitReason.STOP_LOSS, ExitRules(stop_loss_bps=stop_loss_bps)) == tag


@pytest.mark.parametrize(
    ("strike_paise", "tag"),
    [(25_750_00, "entry_NIFTY_CE_25750"), (25_750_50, "entry_NIFTY_CE_25750_5"), (25_000_00, "entry_NIFTY_CE_25000")],
)
def test_entry_tag_names_index_type_and_strike(strike_paise, tag):
    assert entry_tag("NIFTY", OptionType.CE, strike_paise) == tag


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ((0, 0, 0), "time_exit_1520-0"),
        ((35, 0, 0), "time_exit_1520-z"),
        ((36, 0, 0), "time_exit_1520-10"),
        ((46, 1, 0), "time_exit_1520-1a_b"),
        ((46, 0, 1), "time_exit_1520-1a_a_b"),
        ((46, 2, 3), "time_exit_1520-1a_c_d"),
        ((46, 26, 0), "time_exit_1520-1a_ba"),
    ],
)
def test_correlation_id_is_tag_number_attempt_and_slice(order, wanted):
    number, attempt, slice_no = order

    assert correlation_id("time_exit_1520", number, attempt=attempt, slice_no=slice_no) == wanted


@pytest.mark.parametrize(
    ("tag", "number", "wanted"),
    [
        ("entry_BANKNIFTY_CE_55000", 1, "entry_BNKNFTY_CE_55000-1"),
        ("entry_BANKNIFTY_PE_9900", 1, "entry_BANKNIFTY_PE_9900-1"),
        ("entry_BANKNIFTY_CE_55000", 46_656, "entry_BNKNFTY_CE_550-1000"),
        ("underlying_structure_break", 1, "underlying_structure_br-1"),
    ],
)
def test_index_is_shortened_before_the_tag_is_cut(tag, number, wanted):
    assert correlation_id(tag, number) == wanted


@given(TAGS, ORDERS, st.integers(12, 30))
def test_correlation_id_fits_the_broker(tag, order, max_len):
    number, attempt, slice_no = order

    text = correlation_id(tag, number, attempt=attempt, slice_no=slice_no, max_len=max_len)

    assert re.fullmatch(f"[A-Za-z0-9_-]{{1,{max_len}}}", text)


@given(TAGS, TAGS, ORDERS, ORDERS)
def test_two_orders_never_share_an_id_whatever_is_cut_and_whatever_the_case(tag, other_tag, order, other):
    texts = [
        correlation_id(name, number, attempt=attempt, slice_no=slice_no, max_len=14).lower()
        for name, (number, attempt, slice_no) in ((tag, order), (other_tag, other))
    ]

    assert order == other or texts[0] != texts[1]


@pytest.mark.parametrize("tag", ["", "stop loss", "stop.loss", "entry_₹", "tag\n"])
def test_tag_the_broker_would_refuse_is_refused_here(tag):
    with pytest.raises(ValueError, match="tag may hold"):
        correlation_id(tag, 1)


@pytest.mark.parametrize("order", [(-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_negative_numbers_are_refused(order):
    number, attempt, slice_no = order

    with pytest.raises(ValueError, match="start at 0"):
        correlation_id("manual_exit", number, attempt=attempt, slice_no=slice_no)


def test_id_without_room_for_its_tag_is_refused():
    with pytest.raises(ValueError, match="no room"):
        correlation_id("manual_exit", 46, max_len=3)


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("orders.tags"))
def test_golden_tags(case):
    given_ = case["input"]
    hours, minutes = given_.get("time_exit_hhmm", "15:20").split(":")
    rules = ExitRules(
        stop_loss_bps=bps_from_ratio(given_.get("sl_pct", 0.3)),
        take_profit_bps=bps_from_ratio(given_.get("tp_pct", 0.6)),
    )
    time_exit_at = ist(DAY, time(int(hours), int(minutes)))
    reasons = {"sl_pct": ExitReason.STOP_LOSS, "tp_pct": ExitReason.TAKE_PROFIT, "time_exit_hhmm": ExitReason.TIME_EXIT}
    (key,) = given_

    tag = exit_tag(reasons[key], rules, session_end_at=SESSION_END, time_exit_at=time_exit_at)

    assert tag == case["expected"]["tag"]
