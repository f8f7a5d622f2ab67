"""Restart windows and back-off in numbers; giving up and hanging on real threads."""

from __future__ import annotations

import gc
import random
from typing import Any

import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.runtime import root as root_module
from scalper.runtime.clock import monotonic_s
from scalper.runtime.supervision import Backoff, ChildSpec, GiveUp, RestartLedger, RestartWindow, crash_text
from tests.runtime.specimens import (
    AT,
    Bang,
    Fault,
    GetRecoveries,
    Notebook,
    Stall,
    Witness,
    Worker,
    World,
    a_spec,
    a_tree,
    eventually,
    numbers,
    spoken,
)

STEADY = Backoff(first_s=0.1, max_s=2.0, jitter_ratio=0.0)
HANG_S = 0.1


@pytest.fixture(autouse=True)
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_module, "WATCH_EVERY_S", 0.01)


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


@pytest.mark.parametrize("policy", list(GiveUp))
def test_a_child_beyond_its_window_stays_down_and_its_policy_is_applied(policy: GiveUp) -> None:
    world = World()
    mill = a_spec("mill", world, restarts_max=2, on_give_up=policy)

    with a_tree(world, a_spec("witness", world, Witness), mill) as tree:
        for _ in range(3):
            tree.tell(Bang(at=AT))
        gave_up = world.notebook.wait_for("gave up")
        if policy is GiveUp.EXIT_PROCESS:
            world.notebook.wait_for("failed")
        recoveries = len(world.notebook.lines("recovered", "mill"))

    assert gave_up == [("gave up", "mill", policy, "Fault: bang")]
    reasons = [("failed", "mill failed beyond its restart window: Fault: bang")]
    assert world.notebook.lines("failed") == (reasons if policy is GiveUp.EXIT_PROCESS else [])
    assert recoveries == 3


def test_a_recovery_that_never_succeeds_ends_in_giving_up() -> None:
    world = World()
    world.recovery_faults["mill"] = 100

    with a_tree(world, a_spec("mill", world, restarts_max=3, on_give_up=GiveUp.EXIT_PROCESS)):
        reasons = world.notebook.wait_for("failed")

    assert reasons == [("failed", "mill failed beyond its restart window: Fault: mill cannot recover")]
    assert len(world.notebook.lines("crash")) == 4


def test_letters_for_a_child_that_is_down_are_dead_and_do_not_pile_up() -> None:
    world = World()

    with a_tree(world, a_spec("witness", world, Witness), a_spec("mill", world, restarts_max=0)) as tree:
        tree.tell(Bang(at=AT))
        world.notebook.wait_for("gave up")

        for number in range(100):
            tree.tell(spoken(number))
            tree.send("mill", spoken(number))
        depths = tree.switchboard.depths()
        dead = tree.switchboard.dead_letters_count

    assert depths["mill"] == 0
    assert dead == 1 + 100


@pytest.mark.parametrize("policy", list(GiveUp))
def test_a_hung_child_is_detected_within_its_limit_and_its_policy_is_applied(policy: GiveUp) -> None:
    world = World()
    mill = a_spec("mill", world, hang_s=HANG_S, on_give_up=policy)

    with a_tree(world, a_spec("witness", world, Witness), mill) as tree:
        began_s = monotonic_s()
        tree.tell(Stall(at=AT))
        gave_up = world.notebook.wait_for("gave up", "mill")
        took_s = monotonic_s() - began_s
        if policy is GiveUp.EXIT_PROCESS:
            world.notebook.wait_for("failed")

    assert gave_up[0][2] == policy
    assert gave_up[0][3].endswith("s, limit 0.1 s")
    assert HANG_S <= took_s < 20 * HANG_S
    assert len(world.notebook.lines("gave up")) == 1
    assert len(world.notebook.lines("failed")) == (1 if policy is GiveUp.EXIT_PROCESS else 0)


def test_a_hung_recovery_is_detected_too() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world, hang_s=HANG_S, on_give_up=GiveUp.EXIT_PROCESS)) as tree:
        world.notebook.wait_for("recovered", "mill")
        world.stalled_recoveries.add("mill")
        tree.tell(Bang(at=AT))

        reasons = world.notebook.wait_for("failed")

    assert "no answer for" in reasons[0][1]


def test_a_child_given_up_for_hanging_stops_when_it_wakes_and_its_letters_stay_unhandled() -> None:
    world = World()

    with a_tree(world, a_spec("witness", world, Witness), a_spec("mill", world, hang_s=HANG_S)) as tree:
        tree.tell(Stall(at=AT))
        tree.tell(spoken(1))
        world.notebook.wait_for("gave up")

        world.release.set()

        world.notebook.wait_for("close", "mill")
    assert world.notebook.lines("spoken") == []


def test_a_child_given_up_for_hanging_that_fails_when_it_wakes_is_not_given_up_twice() -> None:
    world = World()

    class Sleeper(Worker):
        def on_stall(self, stall: Stall) -> None:
            super().on_stall(stall)
            raise ValueError("woke up badly")

    mill = a_spec("mill", world, Sleeper, hang_s=HANG_S, restarts_max=0, on_give_up=GiveUp.EXIT_PROCESS)
    with a_tree(world, mill, a_spec("witness", world, Witness)) as tree:
        tree.tell(Stall(at=AT))
        world.notebook.wait_for("failed")

        world.release.set()

        world.notebook.wait_for("crash", "mill")
        tree.tell(spoken(1))
    assert (len(world.notebook.lines("failed")), len(world.notebook.lines("gave up"))) == (1, 1)


def test_a_busy_child_that_comes_round_to_its_pings_is_not_hung() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world, hang_s=3 * HANG_S)) as tree:
        began_s = monotonic_s()
        number = 0
        while monotonic_s() - began_s < 6 * HANG_S:
            number += 1
            tree.tell(spoken(number))
            world.notebook.wait_for("spoken", "mill", number)
        world.notebook.wait_for("spoken", "mill", number)

    assert numbers(world.notebook.lines("spoken")) == list(range(1, number + 1))


def test_the_incarnation_after_a_crash_is_not_blamed_for_the_ping_of_the_one_before() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world, hang_s=2 * HANG_S, first_s=4 * HANG_S)) as tree:
        tree.tell(Bang(at=AT))
        world.notebook.wait_for("recovered", count=2)
        tree.tell(spoken(1))
        world.notebook.wait_for("spoken")
        began_s = monotonic_s()
        eventually(lambda: monotonic_s() - began_s > 4 * HANG_S, "time passes")

        assert tree.answer_of("mill", GetRecoveries(at=AT)) == 2


def test_a_mailbox_beyond_its_limit_is_a_reason_to_give_up() -> None:
    world = World()
    mill = a_spec("mill", world, mailbox_limit=50, on_give_up=GiveUp.EXIT_PROCESS)

    with a_tree(world, mill) as tree:
        tree.tell(Stall(at=AT))
        world.notebook.wait_for("stalled")
        for number in range(60):
            tree.tell(spoken(number))

        reasons = world.notebook.wait_for("failed")

    assert "letters wait, limit 50" in reasons[0][1]


def test_watching_leaves_no_futures_behind() -> None:
    world = World()
    watches = Notebook()

    class Counted(Worker):
        def on_receive(self, item: Any) -> Any:
            watches.write("ping")
            return super().on_receive(item)

    with a_tree(world, a_spec("mill", world, Counted)):
        watches.wait_for("ping", count=20)
        gc.collect()
        before = sum(isinstance(one, pykka.Future) for one in gc.get_objects())
        watches.wait_for("ping", count=60)
        gc.collect()
        after = sum(isinstance(one, pykka.Future) for one in gc.get_objects())

    assert after <= before + 3
