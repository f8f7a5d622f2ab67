"""Why a position was bought and sold, read from rows and letters of days that were really played."""

from __future__ import annotations

import pytest

from scalper.domain.positions import PositionStatus
from scalper.errors import InputError
from scalper.inspect.chain import Step
from scalper.inspect.reading import Reading
from scalper.inspect.why import why_position


def types_of(chain: tuple[Step, ...]) -> list[str]:
    return [step.type for step in chain]


def test_every_gate_of_the_entry_is_told_with_measure_limit_and_verdict(traded: Reading) -> None:
    gates = why_position(traded, 1)["entry"]["intent"]["gates"]

    by_name = {gate["gate"]: gate for gate in gates}
    assert by_name["entry_window"]["measured"] == "09:20:00"
    assert by_name["entry_window"]["limit"].startswith("09:20:00 to before")
    assert all(gate["is_passed"] and gate["measured"] and gate["limit"] for gate in gates)


def test_the_signal_is_told_with_the_figures_of_both_timeframes(traded: Reading) -> None:
    signal = why_position(traded, 1)["entry"]["signal"]

    assert (signal["index"], signal["direction"]) == ("NIFTY", "bullish")
    assert signal["candle_at"] == "2026-01-13T09:19:00+05:30"
    assert signal["primary"]["adx"] >= signal["primary"]["adx_minimum"]
    assert signal["confirmation"]["direction"] == "bullish"


def test_the_entry_is_walked_back_from_the_open_position_to_the_frame_that_closed_the_candle(traded: Reading) -> None:
    chain = why_position(traded, 1)["entry"]["chain"]

    assert types_of(chain)[:4] == ["FeedFrame", "IndexTicks", "CandleClosed", "DirectionFound"]
    assert types_of(chain)[-1] == "PositionOpened"
    assert {"StrikesPicked", "DeliveryCreated", "TradeIntentApproved", "SubmitOrders", "OrderFilled"} <= set(
        types_of(chain)
    )


def test_every_letter_of_a_chain_follows_its_cause_or_comes_from_outside(traded: Reading) -> None:
    told = why_position(traded, 1)

    for part in ("entry", "exit"):
        seqs = {step.seq for step in told[part]["chain"]}
        assert all(step.cause in seqs or step.cause == 0 for step in told[part]["chain"])
        assert [step.seq for step in told[part]["chain"]] == sorted(seqs)
        assert all(step.cause < step.seq for step in told[part]["chain"])


def test_the_exit_is_told_with_rule_tick_stop_and_what_the_other_rules_said(traded: Reading) -> None:
    (decision,) = why_position(traded, 1)["exit"]["decisions"]

    assert (decision["reason"], decision["intent"]["tag"]) == ("SESSION_END", "session_end_0945")
    assert decision["intent"]["status"] == "FILLED"
    assert decision["stop_in_force"] == 70.1
    hits = [rule["name"] for rule in decision["rules"] if rule["is_hit"]]
    assert hits == ["session end"]
    assert {"hard stop-loss", "take-profit", "peak drawdown"} <= {rule["name"] for rule in decision["rules"]}
    assert decision["tick_age_ms"] >= 0


def test_the_exit_is_walked_back_to_what_triggered_it(traded: Reading) -> None:
    chain = why_position(traded, 1)["exit"]["chain"]

    assert chain[0].cause == 0
    assert types_of(chain)[-1] == "PositionClosed"
    assert {"ExitCandidate", "ExitIntentApproved", "SubmitOrders", "OrderFilled"} <= set(types_of(chain))
    assert chain[-1].after_ms >= 150, "the paper broker takes its time, in market time"


def test_orders_are_told_with_fills_and_charges_that_add_up_to_the_position(traded: Reading) -> None:
    told = why_position(traded, 1)

    orders = [*told["entry"]["orders"], *told["exit"]["orders"]]
    fills = [fill for order in orders for fill in order["fills"]]
    assert [order["side"] for order in orders] == ["BUY", "SELL"]
    assert sum(fill["quantity"] for fill in fills) == 2 * told["position"]["quantity"]
    charges = sum(sum(fill["charges"].values()) for fill in fills)
    assert charges == pytest.approx(told["position"]["charges_rupees"])


def test_a_position_that_is_open_says_so_and_has_no_exit(stopped: Reading) -> None:
    told = why_position(stopped, 1)

    assert told["exit"] == {"status": "open", "decisions": [], "orders": [], "chain": ()}
    assert told["position"]["status"] == PositionStatus.ACTIVE
    assert types_of(told["entry"]["chain"])[-1] == "PositionOpened"


def test_a_position_that_was_never_bought_says_why(refused: Reading) -> None:
    told = why_position(refused, 1)

    assert told["exit"]["status"] == "never bought"
    assert told["position"]["cancel_reason"] == "no margin"
    assert types_of(told["entry"]["chain"])[-1] == "PositionCancelled"


def test_a_position_that_is_not_there_is_refused_with_those_that_are(traded: Reading) -> None:
    with pytest.raises(InputError, match=r"no position 7 in .*: expected 1 to 1"):
        why_position(traded, 7)
