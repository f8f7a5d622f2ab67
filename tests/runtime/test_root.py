"""The tree on real threads: starting, crashing, holding, asking, stopping, frozen time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pykka
import pytest
from freezegun import freeze_time

from scalper.runtime import root as root_module
from scalper.runtime.actor import Actor, Link
from scalper.runtime.clock import PlayedClock, monotonic_s
from scalper.runtime.root import Root
from scalper.runtime.supervision import ChildSpec, GiveUp
from scalper.runtime.switchboard import Switchboard
from tests.runtime.specimens import (
    AT,
    WAIT_S_MAX,
    Asked,
    Bang,
    GetRecoveries,
    Level,
    MemoryJournal,
    Relay,
    Spoken,
    Stall,
    Unheard,
    Unlock,
    Unmergeable,
    Witness,
    Worker,
    World,
    a_spec,
    a_tree,
    eventually,
    numbers,
    spoken,
    thread_names,
)

SENDERS = 3
LETTERS_EACH = 400
HANG_S = 0.1


@pytest.fixture(autouse=True)
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_module, "WATCH_EVERY_S", 0.01)


def test_a_child_starts_only_when_the_one_before_it_has_recovered() -> None:
    world = World()

    with a_tree(world, a_spec("a", world), a_spec("b", world), a_spec("c", world)):
        world.notebook.wait_for("recovered", "c")

        lines = [line[:2] for line in world.notebook.lines()]

    assert lines[:9] == [(what, name) for name in "abc" for what in ("start", "recover", "recovered")]


def test_a_recovery_without_end_does_not_keep_the_others_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_module, "START_S_MAX", 0.02)
    world = World()
    world.stalled_recoveries.add("a")

    with a_tree(world, a_spec("a", world), a_spec("b", world)) as tree:
        world.notebook.wait_for("recovered", "b")

        assert tree.answer_of("b", GetRecoveries(at=AT)) == 1
        assert world.notebook.lines("recovered", "a") == []


def test_letters_sent_before_the_start_are_handled_after_the_recovery() -> None:
    world = World()
    world.stalled_recoveries.add("mill")

    with a_tree(world, a_spec("mill", world)) as tree:
        for number in range(5):
            tree.tell(spoken(number))
        assert world.notebook.lines("spoken") == []
        world.release.set()

        assert numbers(world.notebook.wait_for("spoken", count=5)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("is_first_start", [True, False])
def test_a_child_that_cannot_even_be_built_ends_the_process(is_first_start: bool) -> None:
    world = World()
    incarnations: list[Worker] = []

    def make(link: Link) -> Actor:
        if is_first_start or incarnations:
            raise ValueError("no such port")
        incarnations.append(Worker(link, world))
        return incarnations[0]

    plain = a_spec("mill", world)
    spec = ChildSpec(
        name="mill",
        kind=Worker,
        make=make,
        window=plain.window,
        backoff=plain.backoff,
        on_give_up=GiveUp.CARRY_ON,
    )

    with a_tree(world, spec) as tree:
        if not is_first_start:
            tree.tell(Bang(at=AT))

        reasons = world.notebook.wait_for("failed")

    assert reasons == [("failed", "supervision itself failed: ValueError: no such port")]


def test_a_crash_loses_only_the_letter_that_caused_it() -> None:
    world = World()
    world.bombs = {3}

    with a_tree(world, a_spec("witness", world, Witness), a_spec("mill", world)) as tree:
        seqs = [tree.tell(spoken(number)) for number in range(1, 7)]

        world.notebook.wait_for("spoken", "mill", 6)
        world.notebook.wait_for("restarted")
        dead = list(tree.switchboard.dead_letters)

    assert numbers(world.notebook.lines("spoken")) == [1, 2, 4, 5, 6]
    assert world.notebook.lines("crash") == [("crash", "mill", seqs[2], "Fault: bomb 3")]
    assert [(letter.seq, reason) for letter, reason in dead] == [(seqs[2], "mill: Fault: bomb 3")]
    assert world.notebook.lines("restarted") == [("restarted", "mill", 1, "Fault: bomb 3")]


@pytest.mark.parametrize("run", range(4))
def test_of_many_letters_from_many_threads_none_is_lost_or_handled_twice_over_many_crashes(run: int) -> None:
    world = World()
    everything = range(SENDERS * LETTERS_EACH)
    world.bombs = set(everything[17 + run :: 97])

    with a_tree(world, a_spec("mill", world), a_spec("kiln", world), seed=run) as tree:

        def speak(sender: int) -> None:
            for number in everything[sender::SENDERS]:
                tree.tell(Spoken(at=AT, number=number))

        threads = [Thread(target=speak, args=(sender,)) for sender in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name in ("mill", "kiln"):
            world.notebook.wait_for("spoken", name, count=len(everything) - len(world.bombs))
            world.notebook.wait_for("crash", name, count=len(world.bombs))
        sent = [letter.message.number for letter, _ in tree.journal.letters if type(letter.message) is Spoken]
        seqs = tree.journal.seqs
        dead = [letter.message.number for letter, _ in tree.switchboard.dead_letters]

    assert seqs == list(range(1, len(seqs) + 1))
    for name in ("mill", "kiln"):
        assert numbers(world.notebook.lines("spoken", name)) == [one for one in sent if one not in world.bombs]
    assert sorted(dead) == sorted([*world.bombs, *world.bombs])


def test_a_crash_of_one_child_does_not_touch_another() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world), a_spec("kiln", world)) as tree:
        tree.send("mill", Bang(at=AT))
        world.notebook.wait_for("recovered", "mill", count=2)

        assert tree.answer_of("kiln", GetRecoveries(at=AT)) == 1
        assert tree.answer_of("mill", GetRecoveries(at=AT)) == 2


@pytest.mark.parametrize("fatal", [Unheard(at=AT), Bang(at=AT)])
def test_an_unknown_message_is_a_crash_like_any_other(fatal: Any) -> None:
    world = World()

    with a_tree(world, a_spec("mill", world)) as tree:
        seq = tree.send("mill", fatal)

        crashes = world.notebook.wait_for("crash")
        world.notebook.wait_for("recovered", count=2)

    assert crashes[0][:3] == ("crash", "mill", seq)


def test_letters_that_cannot_be_merged_crash_their_actor_which_starts_again() -> None:
    world = World()
    world.stalled_recoveries.add("mill")

    with a_tree(world, a_spec("mill", world)) as tree:
        for message in (Unmergeable(at=AT), Unmergeable(at=AT), spoken(1)):
            last = tree.tell(message)
        world.release.set()

        assert numbers(world.notebook.wait_for("spoken")) == [1]
        assert world.notebook.wait_for("crash")[0][:3] == ("crash", "mill", last - 1)


def test_a_failed_recovery_is_counted_and_retried() -> None:
    world = World()
    world.recovery_faults["mill"] = 3

    with a_tree(world, a_spec("witness", world, Witness), a_spec("mill", world)) as tree:
        tree.tell(spoken(1))

        world.notebook.wait_for("spoken", "mill", 1)
        world.notebook.wait_for("restarted")

    assert world.notebook.lines("crash") == [("crash", "mill", 0, "Fault: mill cannot recover")] * 3
    assert world.notebook.lines("restarted") == [("restarted", "mill", 3, "Fault: mill cannot recover")]


def test_every_incarnation_tells_when_its_thread_ends() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world)) as tree:
        tree.tell(Bang(at=AT))
        world.notebook.wait_for("recovered", count=2)
        tree.stop()

    assert len(world.notebook.lines("thread end")) == 2


def test_a_held_child_handles_control_first_and_then_what_waited_in_order() -> None:
    world = World()
    world.holding.add("mill")

    with a_tree(world, a_spec("mill", world)) as tree:
        seqs = [tree.tell(spoken(number)) for number in range(3)]
        assert tree.answer_of("mill", GetRecoveries(at=AT)) == 1
        before = world.notebook.lines("spoken")
        passing = tree.tell(Unlock(at=AT, number=9))
        world.notebook.wait_for("spoken", count=3)
        orders = list(tree.journal.orders)

    assert before == []
    assert world.notebook.lines("unlock") == [("unlock", "mill", 9)]
    assert numbers(world.notebook.lines("spoken")) == [0, 1, 2]
    assert orders == [("mill", (passing,), seqs[0])]


def test_a_burst_that_waited_is_handled_as_one_and_noted_with_its_seqs() -> None:
    world = World()
    world.holding.add("mill")

    with a_tree(world, a_spec("mill", world)) as tree:
        seqs = tuple(tree.tell(Level(at=AT, height=height)) for height in range(5))
        tree.tell(Unlock(at=AT))
        world.notebook.wait_for("level")
        orders = list(tree.journal.orders)

    assert world.notebook.lines("level") == [("level", "mill", 4)]
    assert ("mill", seqs, 0) in orders


def test_what_a_handler_sends_carries_its_cause_and_unknown_names_make_dead_letters() -> None:
    world = World()

    with a_tree(world, a_spec("relay", world, Relay), a_spec("mill", world)) as tree:
        seq = tree.tell(Asked(at=AT, number=7))
        world.notebook.wait_for("spoken", "mill", 7)
        eventually(lambda: tree.switchboard.dead_letters_count == 1, "no dead letter")
        caused = [(letter.sender, letter.cause, to) for letter, to in tree.journal.letters[1:]]
        crashes = world.notebook.lines("crash")

    assert caused == [("relay", seq, ("relay", "mill")), ("relay", seq, ("nobody",))]
    assert crashes == []


def test_asking_a_busy_child_times_out_instead_of_waiting() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world)) as tree:
        tree.tell(Stall(at=AT))
        world.notebook.wait_for("stalled")

        with pytest.raises(pykka.Timeout):
            tree.child("mill").ask(GetRecoveries(at=AT), timeout=0.02)


def test_asking_for_an_unknown_child_fails_who_asks_and_not_root() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world)) as tree:
        with pytest.raises(KeyError):
            tree.child("nobody")

        assert tree.answer_of("mill", GetRecoveries(at=AT)) == 1


def test_children_stop_in_reverse_order_and_each_is_closed() -> None:
    world = World()

    with a_tree(world, *(a_spec(name, world) for name in "abcd")) as tree:
        late = tree.stop()

    assert late == []
    assert world.notebook.lines("close") == [("close", name) for name in "dcba"]
    assert len(world.notebook.lines("thread end")) == 4


def test_a_hung_child_is_named_and_the_others_are_still_closed_in_time() -> None:
    world = World()

    with a_tree(world, *(a_spec(name, world) for name in "abc")) as tree:
        tree.send("b", Stall(at=AT))
        world.notebook.wait_for("stalled", "b")
        began_s = monotonic_s()

        late = tree.stop(deadline_s=0.2)

        took_s = monotonic_s() - began_s
        closed = world.notebook.lines("close")

    assert late == ["b"]
    assert closed == [("close", "c"), ("close", "a")]
    assert 0.15 < took_s < 1.5


def test_a_child_that_is_only_slow_has_until_the_deadline() -> None:
    world = World()

    with a_tree(world, *(a_spec(name, world) for name in "ab")) as tree:
        tree.send("b", Stall(at=AT))
        world.notebook.wait_for("stalled", "b")
        late: list[list[str]] = []
        stopping = Thread(target=lambda: late.append(tree.stop(deadline_s=1.0)))
        stopping.start()
        world.notebook.wait_for("close", "a")
        world.release.set()
        stopping.join()

    assert late == [[]]


def test_a_child_whose_close_fails_does_not_hold_up_the_stop() -> None:
    world = World()
    world.close_faults.add("b")

    with a_tree(world, *(a_spec(name, world) for name in "abc")) as tree:
        began_s = monotonic_s()

        late = tree.stop()

        assert monotonic_s() - began_s < WAIT_S_MAX / 2
    assert late == []
    assert world.notebook.lines("close") == [("close", name) for name in "cba"]


def test_a_child_waiting_for_its_restart_is_not_started_again_by_a_stop() -> None:
    world = World()

    with a_tree(world, a_spec("a", world), a_spec("b", world, first_s=0.05)) as tree:
        tree.send("b", Bang(at=AT))
        world.notebook.wait_for("crash", "b")

        late = tree.stop()
        began_s = monotonic_s()
        eventually(lambda: monotonic_s() - began_s > 0.1, "time passes")

    assert late == []
    assert len(world.notebook.lines("start", "b")) == 1


def test_a_restart_due_after_root_is_gone_harms_nobody() -> None:
    world = World()

    # The tree asserts that no thread is left; pytest itself fails a test in which a thread died of an exception.
    with a_tree(world, a_spec("b", world, first_s=5.0)) as tree:
        tree.send("b", Bang(at=AT))
        world.notebook.wait_for("crash", "b")
        began_s = monotonic_s()
        tree.stop()
        tree.root.stop(timeout=WAIT_S_MAX)

    assert monotonic_s() - began_s < 2.0


@pytest.mark.parametrize("run", range(10))
def test_crashes_and_a_stop_at_the_same_time_leave_nothing_behind(run: int) -> None:
    world = World()
    names = [f"{run}-{number}" for number in range(4)]

    with a_tree(world, *(a_spec(name, world, first_s=0.0) for name in names), seed=run) as tree:
        for name in names * 3:
            tree.send(name, Bang(at=AT))

        late = tree.stop()

    assert late == []
    starts, ends = len(world.notebook.lines("start")), len(world.notebook.lines("thread end"))
    assert starts == ends


def test_a_root_stopped_from_outside_its_order_tells_the_process() -> None:
    world = World()

    class Quitter(Worker):
        def on_bang(self, bang: Bang) -> None:
            raise SystemExit(1)

    with a_tree(world, a_spec("mill", world, Quitter)) as tree:
        tree.tell(Bang(at=AT))

        reasons = world.notebook.wait_for("failed")

    assert reasons == [("failed", "supervision was stopped from outside its order")]


def test_an_orderly_stop_is_no_failure() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world)) as tree:
        tree.stop()
        tree.root.stop(timeout=WAIT_S_MAX)

    assert world.notebook.lines("failed") == []


def test_restarts_go_on_while_a_test_freezes_time() -> None:
    world = World()

    with freeze_time("2026-01-13 04:30:00"), a_tree(world, a_spec("mill", world)) as tree:
        for number in range(1, 4):
            tree.tell(Bang(at=AT))
            tree.tell(spoken(number))

        world.notebook.wait_for("spoken", count=3)

    assert numbers(world.notebook.lines("spoken")) == [1, 2, 3]


def test_a_hang_is_detected_and_a_stop_keeps_its_deadline_while_a_test_freezes_time() -> None:
    world = World()

    with freeze_time("2026-01-13 04:30:00"), a_tree(world, a_spec("mill", world, hang_s=HANG_S)) as tree:
        tree.tell(Stall(at=AT))
        world.notebook.wait_for("stalled")
        eventually(lambda: tree.switchboard.depths()["mill"] == 0, "hang not detected")
        began_s = monotonic_s()

        late = tree.stop(deadline_s=0.1)

        assert 0.05 < monotonic_s() - began_s < 1.0
    assert late == ["mill"]


def test_freezing_time_makes_no_busy_child_look_hung() -> None:
    world = World()

    with a_tree(world, a_spec("mill", world, hang_s=2.0)) as tree:
        tree.tell(Stall(at=AT))
        world.notebook.wait_for("stalled")
        for year in ("2031", "1999", "2050"):
            began_s = monotonic_s()
            with freeze_time(f"{year}-01-13 04:30:00"):
                eventually(lambda began_s=began_s: monotonic_s() - began_s > 0.03, "real time passes")  # type: ignore[misc]
        world.release.set()
        tree.tell(spoken(1))

        world.notebook.wait_for("spoken")


LEAVES_A_HUNG_ACTOR = """
from threading import Event
from tests.runtime.specimens import AT, Stall, Worker, World, a_spec
from scalper.runtime.clock import PlayedClock
from scalper.runtime.root import Root
from scalper.runtime.switchboard import Switchboard
from tests.runtime.specimens import MemoryJournal

world = World()
world.release.wait = lambda timeout: Event().wait()
switchboard = Switchboard(MemoryJournal())
Root.start(switchboard, [a_spec("mill", world)], PlayedClock(AT))
switchboard.publish("test", 0, Stall(at=AT))
world.notebook.wait_for("stalled")
print("leaving")
"""


def test_a_process_can_end_while_an_actor_hangs() -> None:
    project = Path(__file__).resolve().parents[2]

    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_HUNG_ACTOR],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")


def test_root_is_built_without_starting_anything() -> None:
    world = World()
    threads_before = len(thread_names())

    Root(Switchboard(MemoryJournal()), [a_spec("mill", world)], PlayedClock(AT))

    assert len(thread_names()) == threads_before
    assert world.notebook.lines() == []
