"""The desk turns configuration, calendar and master into the rules each actor goes by."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from scalper.config import Config
from scalper.config.load import load_config
from scalper.desk import (
    Desk,
    booking_rules,
    candle_intervals,
    desk_of,
    exit_rules,
    guard_rules,
    paper_rules,
    pick_rules,
    pnl_rules,
    risk_rules,
    session_of,
    signal_rules,
)
from scalper.domain.rules import ExitRules
from scalper.domain.times import ist
from scalper.errors import InputError
from scalper.reference import shipped_calendar
from tests.builders import DAY, SESSION, an_instrument
from tests.test_player import INDEX

CALENDAR = shipped_calendar()


def a_config(*sets: str) -> Config:
    return load_config(None, sets, {})


def a_desk(*sets: str) -> Desk:
    return desk_of(a_config(*sets), SESSION, DAY, (INDEX, an_instrument()))


def test_only_indices_of_the_master_are_traded() -> None:
    desk = a_desk()

    assert desk.index_keys == {"NIFTY": "IDX_I:13"}
    assert [one.key for one in desk.contracts] == [an_instrument().key]


def test_without_any_index_in_the_master_there_is_no_desk() -> None:
    with pytest.raises(InputError, match="none of the configured indices is in the master"):
        desk_of(a_config(), SESSION, DAY, (an_instrument(),))


def test_an_index_that_is_switched_off_is_not_traded() -> None:
    with pytest.raises(InputError):
        a_desk("indices={NIFTY: {enabled: false}}")


def test_every_account_begins_with_the_paper_balance() -> None:
    desk = a_desk("paper.balance=50000")

    assert desk.balances == dict.fromkeys(desk.accounts, 50_000_00)


def test_without_a_word_in_the_configuration_the_rules_are_those_of_the_domain() -> None:
    assert exit_rules(a_config()) == ExitRules()


@pytest.mark.parametrize(
    ("told", "field", "expected"),
    [
        ("risk.sl_pct=0.25", "stop_loss_bps", 2500),
        ("risk.tp_pct=0.5", "take_profit_bps", 5000),
        ("risk.exit_drop_pct=0.04", "exit_drop_bps", 400),
        ("risk.breakeven_after_gain=0.08", "breakeven_after_gain_bps", 800),
        ("risk.daily_loss_limit_pct=0.05", "circuit_limit_bps", 500),
        ("risk.trailing.mode=tiered", "trailing_mode", "tiered"),
        ("risk.min_profit_lock_rupees=1000", "min_profit_lock_paise", 1_000_00),
    ],
)
def test_what_the_configuration_says_reaches_the_exit_rules(told: str, field: str, expected: object) -> None:
    rules = exit_rules(a_config(told))

    assert getattr(rules, field) == expected
    assert risk_rules(a_desk(told)).exits == rules
    assert booking_rules(a_config(told)).exits == rules


@pytest.mark.parametrize(
    ("told", "field", "expected"),
    [
        ("indices={NIFTY: {cooldown_sec: 60}}", "cooldown_s", 60),
        ("indices={NIFTY: {max_same_side: 3}}", "same_side_max", 3),
        ("indices={NIFTY: {max_same_side: 0}}", "same_side_max", 1),
        ("indices={NIFTY: {cooldown_scope: index_side}}", "is_cooldown_by_side", True),
        ("indices={NIFTY: {trade_limits: {max_trades_per_day: 5}}}", "index_trades_max", 5),
        ("trade_limits.global_max_trades_per_day=9", "global_trades_max", 9),
        ("risk.max_daily_loss_rupees=4000", "index_loss_paise_max", 4_000_00),
        ("risk.daily_limits.global_limit_pct=0.03", "global_loss_bps_max", 300),
    ],
)
def test_what_the_configuration_says_reaches_the_entry_gates(told: str, field: str, expected: object) -> None:
    limits = guard_rules(a_desk(told)).limits["NIFTY"]

    assert getattr(limits, field) == expected


def test_daily_limits_can_be_switched_off_and_trade_counts_stay() -> None:
    limits = guard_rules(a_desk("risk.daily_limits.enable=false", "risk.max_daily_loss_rupees=4000")).limits["NIFTY"]

    assert (limits.index_loss_paise_max, limits.index_loss_bps_max, limits.global_loss_bps_max) == (None, None, None)
    assert limits.index_trades_max is not None


@pytest.mark.parametrize(("mode", "is_watching"), [("paper", False), ("watch", True)])
def test_watching_places_nothing(mode: str, is_watching: bool) -> None:
    assert guard_rules(a_desk(f"mode={mode}")).is_watching is is_watching


@pytest.mark.parametrize(("style", "is_market"), [("protected_limit", False), ("market", True)])
def test_the_style_of_orders_is_the_traders(style: str, is_market: bool) -> None:
    assert booking_rules(a_config(f"orders.style={style}")).is_market_style is is_market


def test_timeframes_make_the_candles_and_the_name_of_a_signal() -> None:
    desk = a_desk()

    assert candle_intervals(desk) == (1, 5)
    assert signal_rules(desk)["NIFTY"].confluence_type == "ST_ADX_1M_5M"


def test_paper_and_pnl_keys_reach_their_rules() -> None:
    config = a_config("paper.latency_ms=75", "paper.slippage_ticks=2", "paper.max_size_lots=3", "pnl.max_batch=50")

    paper = paper_rules(config)
    assert (paper.latency_ms, paper.slippage_ticks, paper.size_lots_max) == (75, 2, 3)
    assert pnl_rules(config).batch_max == 50


def test_every_index_of_the_desk_has_rules_of_every_kind() -> None:
    desk = a_desk()

    assert set(pick_rules(desk)) == set(signal_rules(desk)) == set(guard_rules(desk).limits) == {"NIFTY"}


def test_an_ordinary_day_has_the_ladder_of_the_calendar() -> None:
    session = session_of(a_config(), CALENDAR, DAY, ist(DAY, time(15, 30)))

    assert (session.session_end_at, session.time_exit_at) == (ist(DAY, time(15, 15)), ist(DAY, time(15, 20)))
    assert session.no_new_entries_at == ist(DAY, time(15, 0))


@pytest.mark.parametrize(("told", "ends"), [("14:45", time(14, 45)), ("15:25", time(15, 15))])
def test_the_configuration_may_only_make_the_ladder_earlier(told: str, ends: time) -> None:
    config = a_config(f"risk.session_end_hhmm='{told}'", "signals.no_new_entries_after='14:30'")

    session = session_of(config, CALENDAR, DAY, ist(DAY, time(15, 30)))

    assert session.session_end_at == ist(DAY, ends)


def test_a_day_that_ends_early_moves_the_ladder_ahead_of_its_last_bar() -> None:
    end = ist(DAY, time(13, 0))

    session = session_of(a_config(), CALENDAR, DAY, end)

    assert [end - step for step in (session.no_new_entries_at, session.session_end_at, session.time_exit_at)] == [
        timedelta(minutes=30),
        timedelta(minutes=15),
        timedelta(minutes=10),
    ]


def test_a_holiday_has_no_session() -> None:
    with pytest.raises(InputError, match="is no trading day"):
        session_of(a_config(), CALENDAR, date(2026, 1, 26), ist(date(2026, 1, 26), time(15, 30)))
