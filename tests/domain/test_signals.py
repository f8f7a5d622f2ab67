"""The steps an intent may take."""

from __future__ import annotations

import itertools

import pytest

from scalper.domain.signals import INTENT_STEPS, LIVE_INTENT_STATUSES, IntentStatus, next_intent_status
from scalper.errors import TransitionError
from tests.shared_files import golden_cases

STEPS = {
    ("PENDING", "APPROVED"),
    ("PENDING", "REJECTED"),
    ("APPROVED", "PLACED"),
    ("APPROVED", "FILLED"),
    ("APPROVED", "FAILED"),
    ("PLACED", "FILLED"),
    ("PLACED", "FAILED"),
}


@pytest.mark.parametrize(("current", "wanted"), list(itertools.permutations(IntentStatus, 2)))
def test_intent_takes_only_the_steps_of_its_table(current, wanted):
    if (current, wanted) in STEPS:
        assert next_intent_status(current, wanted) is wanted
    else:
        with pytest.raises(TransitionError, match=f"from {current} to {wanted}"):
            next_intent_status(current, wanted)


@pytest.mark.parametrize("status", list(IntentStatus))
def test_same_status_again_is_harmless(status):
    assert next_intent_status(status, status) is status


def test_live_intents_are_those_that_can_still_move():
    assert {status for status, steps in INTENT_STEPS.items() if steps} == LIVE_INTENT_STATUSES


@pytest.mark.shared
@pytest.mark.parametrize("case", golden_cases("sms.transitions"))
def test_golden_transitions(case):
    current, wanted = IntentStatus(case["input"]["from"]), IntentStatus(case["input"]["to"])

    assert (wanted in INTENT_STEPS[current]) == case["expected"]["allowed"]
