"""Whether a rule may claim an exit once more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from scalper.domain.episodes import HARD_REASONS, may_claim_exit, next_episode, rearm_wait_ms
from scalper.domain.positions import PositionStatus
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import IntentStatus
from scalper.domain.times import IST
from tests.shared_files import golden_cases

NOW = datetime(2026, 1, 13, 11, 0, tzinfo=IST)


def after(last_status: IntentStatus, age_ms: int, reason: ExitReason = ExitReason.TAKE_PROFIT) -> int | None:
    """The episode after the third one, whose intent reached its status so long ago."""
    return next_episode(3, last_status, NOW - timedelta(milliseconds=age_ms), NOW, reason, default_s=5)


@pytest.mark.parametrize("reason", list(ExitReason))
def test_only_hard_reasons_wait_one_second(reason):
    assert rearm_wait_ms(reason, 5) == (1000 if reason in HARD_REASONS else 5000)


def test_hard_reasons_are_commands_time_the_circuit_and_the_stop_loss():
    assert {
        ExitReason.KILL_SWITCH,
        ExitReason.MANUAL,
        ExitReason.TIME_EXIT,
        ExitReason.SESSION_END,
        ExitReason.CIRCUIT_BREAKER,
        ExitReason.STOP_LOSS,
    } == HARD_REASONS


def test_first_claim_of_a_reason_is_episode_one():
    assert next_episode(0, None, None, NOW, ExitReason.TAKE_PROFIT, default_s=5) == 1


@pytest.mark.parametrize("status", [IntentStatus.FAILED, IntentStatus.REJECTED])
@pytest.mark.parametrize(
    ("reason", "age_ms", "episode"),
    [
        (ExitReason.TAKE_PROFIT, 4_999, None),
        (ExitReason.TAKE_PROFIT, 5_000, 4),
        (ExitReason.STOP_LOSS, 999, None),
        (ExitReason.STOP_LOSS, 1_000, 4),
        (ExitReason.KILL_SWITCH, 1_000, 4),
    ],
)
def test_unsuccessful_exit_is_claimed_again_after_its_wait(status, reason, age_ms, episode):
    assert after(status, age_ms, reason) == episode


@pytest.mark.parametrize("status", [IntentStatus.PENDING, IntentStatus.APPROVED, IntentStatus.PLACED])
def test_claim_in_flight_is_never_repeated(status):
    assert after(status, 3_600_000) is None


def test_filled_exit_of_a_position_still_held_needs_no_wait():
    assert after(IntentStatus.FILLED, 0) == 4


@pytest.mark.parametrize(
    ("status", "exit_intents", "may_claim"),
    [
        (PositionStatus.ACTIVE, [], True),
        (PositionStatus.ACTIVE, [IntentStatus.FAILED, IntentStatus.REJECTED], True),
        (PositionStatus.ACTIVE, [IntentStatus.FAILED, IntentStatus.PENDING], False),
        (PositionStatus.ACTIVE, [IntentStatus.APPROVED], False),
        (PositionStatus.ACTIVE, [IntentStatus.PLACED], False),
        (PositionStatus.PENDING, [], False),
        (PositionStatus.EXITED, [], False),
        (PositionStatus.CANCELLED, [], False),
    ],
)
def test_one_exit_at_a_time_and_only_of_what_is_held(status, exit_intents, may_claim):
    assert may_claim_exit(status, exit_intents) is may_claim


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("sms.exit_signals"))
def test_golden_exit_signals(case):
    given_, expected = case["input"], case["expected"]
    status = PositionStatus.EXITED if given_.get("status") == "CLOSED" else PositionStatus.ACTIVE
    other, last = given_.get("other_reason_intent"), given_.get("last", {})
    known = [IntentStatus(each) for each in (other and other["status"], last.get("intent")) if each]

    episode = None
    if may_claim_exit(status, known):
        episode = next_episode(
            last["episode"],
            IntentStatus(last["intent"]),
            NOW - timedelta(seconds=last["age_s"]),
            NOW,
            ExitReason(given_["reason"]),
            given_["cooldown_s"],
        )

    assert (episode is not None) == expected["new_episode"]
    assert episode == expected.get("episode_id")
