"""Restart windows, back-off, and their numbers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.runtime.supervision import Backoff, ChildSpec, GiveUp, RestartLedger, RestartWindow, crash_text
from tests.runtime.specimens import Fault, Worker, World

STEADY = Backoff(first_s=0.1, max_s=2.0, jitter_ratio=0.0)


def a_ledger(
    name: str = "mill", *, restarts_max: int = 3, window_s: float = 30.0, backoff: Backoff = STEADY, seed: int = 0
) -> RestartLedger:
    spec = ChildSpec(
        name=name,
        kind=Worker,
        make=lambda link: Worker(link, World()),
        window=RestartWindow(restarts_max=restarts_max, window_s=window_s),
        backoff=backoff,
        on_give_up=GiveUp.REDUCE,
    )
    return RestartLedger(spec, seed)


@pytest.mark.parametrize(
    ("failures", "delay_s"), [(1, 0.1), (2, 0.2), (3, 0.4), (5, 1.6), (6, 2.0), (40, 2.0), (10_000, 2.0)]
)
def test_the_wait_doubles_up_to_its_limit(failures: int, delay_s: float) -> None:
    assert STEADY.delay_s(failures, random.Random(0)) == pytest.approx(delay_s)


@given(
    st.integers(1, 10_000),
    st.floats(0.0, 10.0),
    st.floats(0.0, 60.0),
    st.floats(0.0, 1.0),
    st.integers(),
)
def test_jitter_stays_within_its_ratio(failures: int, first_s: float, max_s: float, ratio: float, seed: int) -> None:
    base = Backoff(first_s=first_s, max_s=max_s, jitter_ratio=0.0).delay_s(failures, random.Random(0))

    delay_s = Backoff(first_s=first_s, max_s=max_s, jitter_ratio=ratio).delay_s(failures, random.Random(seed))

    assert base * (1 - ratio) - 1e-9 <= delay_s <= base * (1 + ratio) + 1e-9
    assert delay_s >= 0.0


@pytest.mark.parametrize(
    ("failed_at_s", "is_restarted"),
    [
        ([0, 1, 2], [True, True, True]),
        ([0, 1, 2, 3], [True, True, True, False]),
        ([0, 10, 20, 30], [True, True, True, False]),
        ([0, 10, 20, 30.1], [True, True, True, True]),
        ([0, 1, 2, 40, 41, 42, 43], [True, True, True, True, True, True, False]),
    ],
)
def test_a_window_allows_its_restarts_and_not_one_more(failed_at_s: list[float], is_restarted: list[bool]) -> None:
    ledger = a_ledger(restarts_max=3, window_s=30.0)

    delays = [ledger.delay_after_failure(at_s) for at_s in failed_at_s]

    assert [delay is not None for delay in delays] == is_restarted


def test_a_window_of_no_restarts_gives_up_at_once() -> None:
    assert a_ledger(restarts_max=0).delay_after_failure(0.0) is None


def test_the_wait_starts_over_once_the_window_has_passed() -> None:
    ledger = a_ledger(window_s=30.0)

    delays = [ledger.delay_after_failure(at_s) for at_s in (0.0, 1.0, 100.0)]

    assert delays == pytest.approx([0.1, 0.2, 0.1])


def test_all_failures_are_counted_also_those_outside_the_window() -> None:
    ledger = a_ledger(window_s=30.0)

    for at_s in (0.0, 100.0, 200.0):
        ledger.delay_after_failure(at_s)

    assert ledger.failures == 3


def test_equal_seeds_wait_equally_and_children_wait_apart() -> None:
    jittery = Backoff(first_s=0.1, max_s=2.0, jitter_ratio=0.5)

    def delays(name: str, seed: int) -> list[float | None]:
        ledger = a_ledger(name, backoff=jittery, seed=seed)
        return [ledger.delay_after_failure(at_s) for at_s in (0.0, 1.0, 2.0)]

    assert delays("mill", 1) == delays("mill", 1)
    assert delays("mill", 1) != delays("kiln", 1)
    assert delays("mill", 1) != delays("mill", 2)


def test_a_crash_is_told_in_one_line_with_its_type() -> None:
    assert crash_text(Fault("the mill broke")) == "Fault: the mill broke"
