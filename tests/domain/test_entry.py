"""Every gate of an entry: at its limit, beside it, and what it writes down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scalper.domain.capital import Allocation, SizingRules, quantity_for
from scalper.domain.direction import Direction
from scalper.domain.entry import (
    AccountView,
    DayTally,
    EntryFacts,
    EntryLimits,
    PriceFacts,
    are_fresh,
    cheap_gates,
    is_tradable,
    price_facts,
    priced_gates,
    stale_gate,
)
from scalper.domain.positions import PositionSide
from scalper.domain.signals import GateResult
from scalper.domain.times import us_from
from scalper.domain.units import paise_from_rupees
from tests.builders import (
    ELEVEN,
    LOT,
    SESSION,
    a_pending_position,
    a_position,
    a_tick,
    an_index_tick,
    an_instrument,
    clock,
    later,
)
from tests.shared_files import golden_cases


def facts(**changes: Any) -> EntryFacts:
    """A bullish signal that passes every cheap gate."""
    told = EntryFacts(
        at=ELEVEN,
        session=SESSION,
        index_key="NIFTY",
        is_index_known=True,
        direction=Direction.BULLISH,
        contract=an_instrument(),
        pick_reason="",
        blocks=(),
        tally=DayTally(starting_balance_paise=100_000_00),
        open_positions=(),
        last_exit_at=None,
    )
    return msgspec.structs.replace(told, **changes)


def allocation(balance_paise: int = 100_000_00) -> Allocation:
    return quantity_for(
        balance_paise=balance_paise,
        entry_price_paise=100_05,
        lot_size=LOT,
        allocation_bps=2500,
        risk_bps=350,
        stop_loss_bps=3000,
        rules=SizingRules(),
    )


def prices(**changes: Any) -> PriceFacts:
    told = PriceFacts(
        index_age_ms=0,
        option_ltp_paise=100_00,
        option_age_ms=0,
        option_ask_paise=100_05,
        pick_ltp_paise=100_00,
        allocation=allocation(),
    )
    return msgspec.structs.replace(told, **changes)


def tally(**changes: Any) -> DayTally:
    return DayTally(**({"starting_balance_paise": 100_000_00} | changes))


def winner(seconds: float) -> Any:
    return a_position(7, profitable_since=later(-seconds))


@pytest.mark.parametrize(
    ("changes", "limits", "gate", "reason"),
    [
        ({"is_index_known": False}, {}, "index_known", "instrument_not_found"),
        ({"session": None}, {}, "entry_window", "market_closed"),
        ({"at": clock("09:14:59")}, {}, "entry_window", "market_closed"),
        ({"at": clock("09:19:59")}, {}, "entry_window", "before_entry_window"),
        ({"at": clock("15:00:00")}, {}, "entry_window", "no_new_entries_after"),
        ({"at": clock("15:15:00")}, {}, "entry_window", "after_entry_window"),
        ({"blocks": ("circuit", "feed")}, {}, "trading_state", "circuit_breaker"),
        ({"blocks": ("candle_book",)}, {}, "trading_state", "reducing"),
        ({"tally": tally(starting_balance_paise=None)}, {}, "starting_balance", "limits_unreadable"),
        (
            {"tally": tally(index_loss_paise=5_000_00)},
            {"index_loss_paise_max": 5_000_00},
            "index_loss",
            "daily_loss_limit_exceeded",
        ),
        (
            {"tally": tally(index_loss_paise=2_000_00)},
            {"index_loss_paise_max": 5_000_00, "index_loss_bps_max": 200},
            "index_loss",
            "daily_loss_limit_exceeded",
        ),
        (
            {"tally": tally(global_loss_paise=4_000_00)},
            {"global_loss_bps_max": 400},
            "global_loss",
            "global_daily_loss_limit_exceeded",
        ),
        ({"tally": tally(index_trades=3)}, {"index_trades_max": 3}, "index_trades", "trade_frequency_limit_exceeded"),
        (
            {"tally": tally(global_trades=8)},
            {"global_trades_max": 8},
            "global_trades",
            "global_trade_frequency_limit_exceeded",
        ),
        ({"direction": Direction.AVOID}, {}, "direction", "invalid_direction"),
        ({"contract": None, "pick_reason": "no weekly contract"}, {}, "strike", "no_strike"),
        ({"open_positions": (a_pending_position(7),)}, {}, "exposure", "exposure_limit"),
        ({"open_positions": (a_position(7), a_position(8))}, {"same_side_max": 2}, "exposure", "exposure_limit"),
        (
            {"open_positions": (a_position(7, index_key="SENSEX"),)},
            {"open_positions_max": 1},
            "exposure",
            "exposure_limit",
        ),
        ({"open_positions": (winner(299.9),)}, {"same_side_max": 2}, "exposure", "pyramiding_too_early"),
        ({"open_positions": (a_position(7),)}, {"same_side_max": 2}, "exposure", "pyramiding_first_not_profitable"),
        (
            {"open_positions": (a_pending_position(7, profitable_since=later(-900)),)},
            {"same_side_max": 2},
            "exposure",
            "pyramiding_first_not_profitable",
        ),
        ({"last_exit_at": later(-179.9)}, {}, "cooldown", "cooldown"),
        ({"contract": an_instrument(segment="IDX_I")}, {}, "segment", "segment_not_tradable"),
    ],
)
def test_a_cheap_gate_refuses_and_nothing_is_asked_after_it(
    changes: dict[str, Any], limits: dict[str, Any], gate: str, reason: str
) -> None:
    results = cheap_gates(facts(**changes), EntryLimits(**limits))

    assert (results[-1].gate, results[-1].reason, results[-1].is_passed) == (gate, reason, False)
    assert all(result.is_passed and not result.reason for result in results[:-1])


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({}, {}),
        ({"at": clock("09:20:00")}, {}),
        ({"at": clock("14:59:59.999")}, {}),
        ({"tally": tally(index_loss_paise=4_999_99)}, {"index_loss_paise_max": 5_000_00}),
        ({"tally": tally(global_loss_paise=3_999_99)}, {"global_loss_bps_max": 400}),
        ({"tally": tally(index_trades=2, global_trades=7)}, {"index_trades_max": 3, "global_trades_max": 8}),
        ({"open_positions": (a_position(7, side=PositionSide.LONG_PE),)}, {}),
        ({"open_positions": (a_position(7, index_key="SENSEX"),)}, {}),
        ({"open_positions": (winner(300),)}, {"same_side_max": 2}),
        ({"last_exit_at": later(-180)}, {}),
        ({"last_exit_at": later(-1)}, {"cooldown_s": 0}),
    ],
)
def test_beside_its_limit_every_cheap_gate_lets_pass(changes: dict[str, Any], limits: dict[str, Any]) -> None:
    results = cheap_gates(facts(**changes), EntryLimits(**limits))

    assert all(result.is_passed for result in results)
    assert len(results) == 13


@pytest.mark.parametrize(
    ("changes", "gate", "reason"),
    [
        ({"index_age_ms": None}, "index_ltp", "stale_index_ltp"),
        ({"index_age_ms": 5001}, "index_ltp", "stale_index_ltp"),
        ({"option_age_ms": None}, "option_ltp", "invalid_ltp"),
        ({"option_age_ms": 5001}, "option_ltp", "invalid_ltp"),
        ({"option_ltp_paise": 0}, "option_ltp", "invalid_ltp"),
        ({"option_ask_paise": 0}, "option_quote", "invalid_ltp"),
        ({"option_ltp_paise": 105_05}, "price_move", "price_moved"),
        ({"option_ltp_paise": 94_95}, "price_move", "price_moved"),
        ({"allocation": None}, "quantity", "invalid_quantity"),
        ({"allocation": allocation(5_000_00)}, "quantity", "invalid_quantity"),
    ],
)
def test_a_priced_gate_refuses_and_nothing_is_asked_after_it(changes: dict[str, Any], gate: str, reason: str) -> None:
    results = priced_gates(prices(**changes), EntryLimits())

    assert (results[-1].gate, results[-1].reason) == (gate, reason)
    assert all(result.is_passed for result in results[:-1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"index_age_ms": 5000, "option_age_ms": 5000},
        {"option_ltp_paise": 105_00},
        {"option_ltp_paise": 95_00},
        {"pick_ltp_paise": 0},
    ],
)
def test_beside_its_limit_every_priced_gate_lets_pass(changes: dict[str, Any]) -> None:
    results = priced_gates(prices(**changes), EntryLimits())

    assert all(result.is_passed for result in results)


def test_every_gate_writes_down_what_it_measured_and_against_what() -> None:
    results = (*cheap_gates(facts(), EntryLimits()), *priced_gates(prices(), EntryLimits()), stale_gate(61_000))

    assert all(result.gate and result.measured and result.limit for result in results)
    assert len({result.gate for result in results}) == len(results)


@pytest.mark.parametrize(
    ("index_s", "option_s", "is_fresh"), [(5, 5, True), (5.001, 0, False), (0, 5.001, False), (-0.1, -0.1, True)]
)
def test_prices_are_fresh_up_to_their_limits(index_s: float, option_s: float, is_fresh: bool) -> None:
    index, option = an_index_tick(at=later(-index_s)), a_tick(at=later(-option_s))

    assert are_fresh(index, option, EntryLimits(), us_from(ELEVEN)) is is_fresh


@pytest.mark.parametrize(("index", "option"), [(None, a_tick()), (an_index_tick(), None), (an_index_tick(), a_tick(0))])
def test_without_a_price_nothing_is_fresh(index: Any, option: Any) -> None:
    assert not are_fresh(index, option, EntryLimits(), us_from(ELEVEN))


def test_what_is_missing_is_told_as_missing() -> None:
    told = price_facts(None, None, pick_ltp_paise=100_00, allocation=None, now_us=us_from(ELEVEN))

    assert (told.index_age_ms, told.option_age_ms, told.option_ltp_paise, told.option_ask_paise) == (None, None, 0, 0)


def test_an_account_adds_up_over_its_indices() -> None:
    account = AccountView(starting_balance_paise=9, trades={"NIFTY": 2, "SENSEX": 1}, losses={"SENSEX": 300})

    assert account.tally("NIFTY") == DayTally(
        starting_balance_paise=9, index_trades=2, global_trades=3, index_loss_paise=0, global_loss_paise=300
    )


def test_nobody_may_trade_before_the_risk_side_has_spoken() -> None:
    assert AccountView().blocks


def _golden_results(told: dict[str, Any]) -> tuple[GateResult, ...]:
    """The gates that see what a worked example tells; all else passes."""
    at = clock(told["time_ist"]) if "time_ist" in told else ELEVEN
    since = later(-told["profitable_for_s"]) if told.get("first_pnl", 0) > 0 else None
    positions = tuple(a_position(7, profitable_since=since) for _ in range(told.get("same_side_open", 0)))
    exited_s = told.get("last_exit_s_ago")
    changes: dict[str, Any] = {
        "at": at,
        "tally": tally(
            index_loss_paise=paise_from_rupees(told.get("daily_loss_rupees", 0)),
            index_trades=told.get("daily_trades", 0),
        ),
        "open_positions": positions,
        "last_exit_at": None if exited_s is None else at - timedelta(seconds=exited_s),
        "contract": an_instrument(segment=told.get("segment", "NSE_FNO")),
    }
    limits = EntryLimits(
        # The configuration reads a maximum of 0 as 1.
        same_side_max=max(told.get("max_same_side", 1), 1),
        cooldown_s=told.get("cooldown_sec", 180),
        index_trades_max=told.get("max_trades_per_day"),
        index_loss_paise_max=paise_from_rupees(told["limit_rupees"]) if "limit_rupees" in told else None,
    )
    option_paise = paise_from_rupees(told["ltp"] or 0) if "ltp" in told else 100_00
    return *cheap_gates(facts(**changes), limits), *priced_gates(prices(option_ltp_paise=option_paise), limits)


@pytest.mark.parametrize("case", golden_cases("entry.guard"))
def test_worked_examples_of_the_guard(case: dict[str, Any]) -> None:
    refusals = [result.reason for result in _golden_results(case["input"]) if not result.is_passed]

    expected = case["expected"]
    assert (not refusals, refusals[0] if refusals else None) == (expected["allowed"], expected["reason"])


@pytest.mark.parametrize("case", golden_cases("orders.segment_tradable"))
def test_worked_examples_of_tradable_segments(case: dict[str, Any]) -> None:
    assert is_tradable(case["input"]["segment"]) is case["expected"]["tradable"]


@pytest.mark.parametrize("case", golden_cases("limits.daily"))
def test_worked_examples_of_daily_limits(case: dict[str, Any]) -> None:
    config = case["input"]["config"]
    amounts = dict(case["input"]["ops"])
    loss, trades = paise_from_rupees(amounts.get("loss", 0)), int(amounts.get("trade", 0))
    limits = EntryLimits(
        index_loss_paise_max=paise_from_rupees(config["max_daily_loss_pct"]),
        global_loss_paise_max=paise_from_rupees(config["max_global_daily_loss_pct"]),
        index_trades_max=config["max_daily_trades"],
        global_trades_max=config["max_global_daily_trades"],
    )
    day = tally(index_loss_paise=loss, global_loss_paise=loss, index_trades=trades, global_trades=trades)

    refusals = [result.reason for result in cheap_gates(facts(tally=day), limits) if not result.is_passed]

    expected = case["expected"]
    assert (not refusals, refusals[0] if refusals else None) == (expected["allowed"], expected["reason"])
