"""The runtime without threads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scalper.errors import SupervisionError, UnknownMessage
from scalper.message import Letter, Message
from scalper.runtime import stepper as stepper_module
from scalper.runtime.message_log import LogReader, MessageLog, Note, log_sha256
from scalper.runtime.stepper import Stepper
from scalper.runtime.supervision import ChildSpec, GiveUp
from scalper.runtime.switchboard import Journal, Switchboard
from tests.runtime.specimens import (
    AT,
    Asked,
    Bang,
    Circle,
    Fault,
    GetRecoveries,
    Level,
    MemoryJournal,
    Porter,
    Relay,
    Spoken,
    Unheard,
    Unlock,
    Unmergeable,
    Witness,
    Worker,
    World,
    a_spec,
    numbers,
    spoken,
)


class Ground:
    """A Stepper with its children begun."""

    def __init__(
        self,
        world: World,
        *specs: ChildSpec,
        journal: Journal | None = None,
        crash_after: Mapping[str, int] | None = None,
        seed: int = 0,
    ) -> None:
        self.notebook = world.notebook
        self.memory = MemoryJournal()
        self.switchboard = Switchboard(journal or self.memory)
        self.stepper = Stepper(
            self.switchboard,
            specs,
            at=AT,
            seed=seed,
            on_start=lambda name, at: self.notebook.write("start", name, at),
            on_crash=lambda name, seq, text: self.notebook.write("crash", name, seq, text),
            crash_after=crash_after,
        )
        self.stepper.start()

    def run(self, *messages: Message, fail_fast: bool = False) -> None:
        for message in messages:
            self.stepper.tell("test", message)
        self.stepper.settle(fail_fast=fail_fast)


def test_children_recover_in_the_order_of_their_specs_and_close_in_reverse() -> None:
    world = World()
    ground = Ground(world, a_spec("a", world), a_spec("b", world), a_spec("c", world))

    ground.stepper.stop()

    assert world.notebook.lines("recovered") == [("recovered", "a"), ("recovered", "b"), ("recovered", "c")]
    assert world.notebook.lines("close") == [("close", "c"), ("close", "b"), ("close", "a")]


def test_letters_are_handled_in_the_order_they_were_sent() -> None:
    world = World()
    ground = Ground(world, a_spec("relay", world, Relay), a_spec("mill", world))

    ground.run(Asked(at=AT, number=1), spoken(2), Asked(at=AT, number=3), fail_fast=True)

    assert world.notebook.lines("asked") + world.notebook.lines("spoken") == [
        ("asked", "relay", 1),
        ("asked", "relay", 3),
        ("spoken", "relay", 2),
        ("spoken", "mill", 2),
        ("spoken", "relay", 1),
        ("spoken", "mill", 1),
        ("spoken", "relay", 3),
        ("spoken", "mill", 3),
    ]


def test_what_waits_for_a_turn_is_handled_before_what_its_handlers_send() -> None:
    world = World()
    ground = Ground(world, a_spec("relay", world, Relay))

    ground.run(Asked(at=AT, number=1), spoken(2), fail_fast=True)

    assert [letter.message for letter, to in ground.memory.letters if "relay" in to] == [
        Asked(at=AT, number=1),
        spoken(2),
        Spoken(at=AT, number=1),
    ]
    assert numbers(world.notebook.lines("spoken", "relay")) == [2, 1]


def test_time_is_that_of_the_newest_letter_from_outside() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.run(spoken(500), spoken(20), fail_fast=True)

    assert ground.stepper.at == AT + timedelta(milliseconds=500)


def test_a_restart_is_told_the_virtual_time() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.run(Bang(at=AT + timedelta(minutes=5)))

    assert world.notebook.lines("start") == [("start", "mill", AT), ("start", "mill", AT + timedelta(minutes=5))]
    assert world.notebook.lines("recover")[-1] == ("recover", "mill", AT + timedelta(minutes=5))


def test_a_crash_loses_only_the_letter_that_caused_it() -> None:
    world = World()
    world.bombs = {3, 5}
    ground = Ground(world, a_spec("mill", world), a_spec("kiln", world))
    world.notebook.write("begun")

    ground.run(*[spoken(number) for number in range(1, 8)])

    # Both crash at both bombs; the rest is handled once by each, in order.
    assert numbers(world.notebook.lines("spoken", "mill")) == [1, 2, 4, 6, 7]
    assert numbers(world.notebook.lines("spoken", "kiln")) == [1, 2, 4, 6, 7]
    assert [(letter.message.number, reason) for letter, reason in ground.switchboard.dead_letters] == [
        (3, "mill: Fault: bomb 3"),
        (3, "kiln: Fault: bomb 3"),
        (5, "mill: Fault: bomb 5"),
        (5, "kiln: Fault: bomb 5"),
    ]


def test_an_actor_recovers_after_every_crash_and_the_others_hear_of_it() -> None:
    world = World()
    ground = Ground(world, a_spec("witness", world, Witness), a_spec("mill", world))

    ground.run(Bang(at=AT), Bang(at=AT))

    assert ground.stepper.answer("mill", GetRecoveries(at=AT)) == 3
    assert world.notebook.lines("restarted") == [
        ("restarted", "mill", 1, "Fault: bang"),
        ("restarted", "mill", 2, "Fault: bang"),
    ]


def test_a_crash_is_noted_with_its_letter() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.run(spoken(1), Bang(at=AT))

    assert world.notebook.lines("crash") == [("crash", "mill", 2, "Fault: bang")]


def test_fail_fast_raises_the_first_crash() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    with pytest.raises(Fault, match="bang"):
        ground.run(Bang(at=AT), fail_fast=True)


def test_an_unknown_message_is_a_crash() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.switchboard.send("test", 0, "mill", Unheard(at=AT))
    with pytest.raises(UnknownMessage, match="mill has no handler for Unheard"):
        ground.stepper.settle(fail_fast=True)


def test_letters_that_cannot_be_merged_crash_their_actor_and_only_it() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.run(Unmergeable(at=AT), Unmergeable(at=AT), spoken(1))

    assert [line[2] for line in world.notebook.lines("crash")] == [2]
    assert numbers(world.notebook.lines("spoken")) == [1]


def test_a_failed_restart_counts_as_another_failure_and_is_retried() -> None:
    world = World()
    ground = Ground(world, a_spec("witness", world, Witness), a_spec("mill", world))
    world.recovery_faults["mill"] = 2

    ground.run(Bang(at=AT), spoken(1))

    assert world.notebook.lines("crash") == [
        ("crash", "mill", 1, "Fault: bang"),
        ("crash", "mill", 0, "Fault: mill cannot recover"),
        ("crash", "mill", 0, "Fault: mill cannot recover"),
    ]
    assert world.notebook.lines("restarted") == [("restarted", "mill", 3, "Fault: mill cannot recover")]
    assert numbers(world.notebook.lines("spoken")) == [1]


def test_a_restart_that_never_succeeds_ends_in_giving_up() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world, restarts_max=3, on_give_up=GiveUp.EXIT_PROCESS))
    world.recovery_faults["mill"] = 100

    with pytest.raises(SupervisionError, match="mill failed beyond its restart window: Fault: mill cannot recover"):
        ground.run(Bang(at=AT))

    assert len(world.notebook.lines("crash")) == 4


def test_a_first_recovery_that_fails_is_raised_for_nothing_has_begun() -> None:
    world = World()
    world.recovery_faults["mill"] = 1

    with pytest.raises(Fault, match="mill cannot recover"):
        Ground(world, a_spec("mill", world))


@pytest.mark.parametrize("policy", [GiveUp.REDUCE, GiveUp.CARRY_ON])
def test_a_child_beyond_its_window_stays_down_and_the_others_hear_the_policy(policy: GiveUp) -> None:
    world = World()
    ground = Ground(world, a_spec("witness", world, Witness), a_spec("mill", world, restarts_max=1, on_give_up=policy))

    ground.run(Bang(at=AT), Bang(at=AT), spoken(1))
    ground.run(spoken(2))
    ground.switchboard.send("test", 0, "mill", spoken(3))
    ground.stepper.stop()

    assert world.notebook.lines("gave up") == [("gave up", "mill", policy, "Fault: bang")]
    assert world.notebook.lines("spoken") == []
    assert world.notebook.lines("close") == []
    assert ground.switchboard.depths()["mill"] == 0
    assert ground.switchboard.dead_letters[-1][1] == "mill: it is down"


def test_a_vital_child_beyond_its_window_ends_the_run() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world, restarts_max=0, on_give_up=GiveUp.EXIT_PROCESS))

    with pytest.raises(SupervisionError, match="mill failed beyond its restart window: Fault: bang"):
        ground.run(Bang(at=AT))


def test_failures_far_apart_in_virtual_time_are_no_reason_to_give_up() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world, restarts_max=1, on_give_up=GiveUp.EXIT_PROCESS))

    for number in range(5):
        ground.run(Bang(at=AT + timedelta(minutes=2 * number)))
    with pytest.raises(SupervisionError):
        ground.run(Bang(at=ground.stepper.at + timedelta(seconds=59)))


def test_a_held_actor_handles_control_first_and_then_what_waited_in_order() -> None:
    world = World()
    world.holding.add("mill")
    ground = Ground(world, a_spec("mill", world), a_spec("kiln", world))

    ground.run(spoken(1), spoken(2), fail_fast=True)
    before = world.notebook.lines("spoken", "mill")
    ground.run(Unlock(at=AT, number=9), spoken(3), fail_fast=True)

    assert before == []
    assert world.notebook.lines("unlock", "mill") == [("unlock", "mill", 9)]
    assert numbers(world.notebook.lines("spoken", "mill")) == [1, 2, 3]
    # Letter 1 is the question the actor holds for; 2 and 3 waited until 4 unlocked them.
    assert ground.memory.orders == [("mill", (4,), 2)]


def test_a_restart_ends_the_hold_of_the_incarnation_before_unless_recovery_holds_again() -> None:
    world = World()
    world.holding.add("mill")
    ground = Ground(world, a_spec("mill", world), crash_after={"mill": 0})
    world.holding.clear()

    ground.run(spoken(1), Unlock(at=AT), spoken(2))

    assert numbers(world.notebook.lines("spoken")) == [1, 2]
    assert world.notebook.lines("crash") == [("crash", "mill", 3, "InjectedCrash: mill was told to fail at letter 3")]


def test_a_question_an_actor_holds_for_is_asked_again_when_the_one_who_is_to_answer_lost_it() -> None:
    world = World()
    world.holding.add("mill")
    ground = Ground(world, a_spec("porter", world, Porter), a_spec("mill", world), crash_after={"porter": 0})

    ground.run(spoken(5))
    asked = [letter.message.at for letter, to in ground.memory.letters if to == ("porter",)]
    ground.run(Unlock(at=AT))
    ground.switchboard.send("test", 0, "porter", Bang(at=AT))
    ground.stepper.settle()
    asked_after = [letter for letter, to in ground.memory.letters if letter.sender == "mill"]

    # Lost at the first asking, answered at the second, which tells the time of the restart; none once it is open.
    assert asked == [AT, spoken(5).at]
    assert world.notebook.lines("key wanted") == [("key wanted", spoken(5).at)]
    assert len(asked_after) == 2
    assert numbers(world.notebook.lines("spoken", "mill")) == [5]


def test_an_actor_hears_which_other_was_restarted_and_when() -> None:
    world = World()

    class Neighbour(Worker):
        def on_restart_of(self, name: str, at: datetime) -> None:
            self._world.notebook.write("heard of", name, at)

    ground = Ground(world, a_spec("neighbour", world, Neighbour), a_spec("mill", world))

    ground.switchboard.send("test", 0, "mill", Bang(at=AT))
    ground.stepper.settle()

    assert world.notebook.lines("heard of") == [("heard of", "mill", AT)]


def test_a_burst_is_handled_as_one_and_noted() -> None:
    world = World()
    ground = Ground(world, a_spec("mill", world))

    ground.run(*[Level(at=AT, height=height) for height in (5, 6, 7)], fail_fast=True)

    assert world.notebook.lines("level") == [("level", "mill", 7)]
    assert ground.memory.orders == [("mill", (1, 2, 3), 0)]


def test_letters_that_go_in_a_circle_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepper_module, "SETTLE_MAX", 5_000)
    world = World()
    circle = a_spec("mill", world)
    spec = ChildSpec(
        name="circle",
        kind=Circle,
        make=Circle,
        window=circle.window,
        backoff=circle.backoff,
        on_give_up=circle.on_give_up,
    )
    ground = Ground(world, spec)

    with pytest.raises(SupervisionError, match="letters go in a circle: more than 5000 handled"):
        ground.run(spoken(1))


class LogJournal:
    """A message log that also takes the notes on order, as a running program has it."""

    def __init__(self, log: MessageLog) -> None:
        self.log = log

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        self.log.letter(letter, to)

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        self.log.note(Note(run=self.log.run, note="order", actor=actor, seqs=seqs, passed=passed))


def a_logged_run(folder: Path, *, bomb: int) -> list[Any]:
    folder.mkdir()
    world = World()
    world.bombs = {bomb}
    world.holding.add("kiln")
    log = MessageLog(folder, "run", header={}, first_seq=1, rotate_bytes=2_000)
    ground = Ground(
        world,
        a_spec("relay", world, Relay),
        a_spec("mill", world),
        a_spec("kiln", world),
        a_spec("witness", world, Witness),
        journal=LogJournal(log),
        crash_after={"mill": 4},
        seed=7,
    )
    for number in range(1, 20):
        ground.run(Asked(at=spoken(number).at, number=number), Level(at=AT, height=1), Level(at=AT, height=2))
    ground.run(Unlock(at=AT))
    ground.stepper.stop()
    log.close()
    return world.notebook.lines()


def test_two_equal_runs_handle_alike_and_give_equal_logs_and_another_run_another(tmp_path: Path) -> None:
    one = a_logged_run(tmp_path / "one", bomb=13)
    two = a_logged_run(tmp_path / "two", bomb=13)
    other = a_logged_run(tmp_path / "other", bomb=14)

    assert one == two != other
    assert log_sha256(tmp_path / "one") == log_sha256(tmp_path / "two") != log_sha256(tmp_path / "other")
    read = list(LogReader(tmp_path / "one"))
    assert {"part", "chain", "order"} <= {line.note for line in read}
    assert [line.seq for line in read if line.type] == list(range(1, len([line for line in read if line.type]) + 1))
