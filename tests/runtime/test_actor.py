"""The actor base, without a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pykka
import pytest

from scalper.errors import UnknownMessage
from scalper.message import Letter, Message
from scalper.runtime.actor import Actor, InjectedCrash, Link, Ping, receives
from scalper.runtime.lifecycle import ChildRestarted
from scalper.runtime.mailbox import Mailbox
from scalper.runtime.switchboard import Switchboard
from tests.runtime.specimens import (
    AT,
    WAIT_S_MAX,
    Asked,
    Bang,
    GetRecoveries,
    Level,
    MemoryJournal,
    Notebook,
    Relay,
    Spoken,
    Stall,
    Unheard,
    Unlock,
    Unmergeable,
    Worker,
    World,
    eventually,
    spoken,
    thread_names,
)


class Ground:
    """One actor's link, and all it is told."""

    def __init__(self, *, crash_after: int | None = None) -> None:
        self.world = World()
        self.notebook = Notebook()
        self.journal = MemoryJournal()
        self.switchboard = Switchboard(self.journal)
        self.mailbox = Mailbox("mill", on_reorder=self.switchboard.reordered)
        self.link = Link(
            "mill",
            self.mailbox,
            self.switchboard,
            started_at=AT,
            on_crash=self.crashed,
            on_closed=lambda: self.notebook.write("closed"),
            crash_after=crash_after,
        )

    def crashed(self, link: Link, letter: Letter | None, error: BaseException) -> None:
        self.notebook.write("crash", letter.seq if letter is not None else 0, type(error).__name__)

    def begun(self, kind: type[Worker] = Worker) -> Worker:
        self.switchboard.register(self.mailbox, kind.receives_types())
        actor = kind(self.link, self.world)
        actor.begin()
        return actor

    def started(self, kind: type[Worker] = Worker) -> pykka.ActorRef[Worker]:
        self.switchboard.register(self.mailbox, kind.receives_types())
        return kind.start(self.link, self.world)


def test_handlers_are_known_in_the_order_they_are_written_those_of_the_base_first() -> None:
    own = (Spoken, Bang, Stall, Unlock, Level, Unmergeable, GetRecoveries)
    assert Relay.receives_types() == (ChildRestarted, *own, Asked)


def test_an_overridden_handler_keeps_its_route() -> None:
    class Louder(Worker):
        def on_spoken(self, spoken: Spoken) -> None:
            self._world.notebook.write("louder", spoken.number)

    ground = Ground()

    ground.begun(Louder).handle(Letter(1, 0, "test", spoken(7)))

    assert ground.world.notebook.lines("louder") == [("louder", 7)]


def test_one_handler_may_take_several_types() -> None:
    class Both(Actor):
        seen: list[Message]

        @receives(Spoken, Unlock)
        def on_either(self, message: Message) -> None:
            self.seen = [*getattr(self, "seen", []), message]

    both = Both(Ground().link)

    both.handle(Letter(1, 0, "test", spoken(1)))
    both.handle(Letter(2, 0, "test", Unlock(at=AT)))

    assert [type(message).__name__ for message in both.seen] == ["Spoken", "Unlock"]


def test_what_a_handler_sends_has_the_letter_in_hand_as_its_cause() -> None:
    ground = Ground()
    relay = ground.begun(Relay)

    relay.handle(Letter(41, 0, "test", Asked(at=AT, number=1)))

    assert [(letter.seq, letter.cause, letter.sender) for letter, _ in ground.journal.letters] == [
        (1, 41, "mill"),
        (2, 41, "mill"),
    ]


def test_what_is_sent_outside_a_handler_has_no_cause() -> None:
    ground = Ground()
    relay = ground.begun(Relay)
    relay.handle(Letter(41, 0, "test", Asked(at=AT, number=1)))

    relay.publish(spoken(2))

    assert ground.journal.letters[-1][0].cause == 0


@pytest.mark.parametrize("receive", [lambda item: Letter(3, 0, "test", item), lambda item: item])
def test_an_unknown_message_is_an_error_that_names_actor_and_type(receive: Callable[[Message], Any]) -> None:
    actor = Ground().begun()

    with pytest.raises(UnknownMessage, match="mill has no handler for Unheard"):
        actor.on_receive(receive(Unheard(at=AT)))


def test_a_query_is_answered_by_the_return_value() -> None:
    assert Ground().begun().on_receive(GetRecoveries(at=AT)) == 1


def test_a_ping_is_answered_by_the_loop_and_not_by_a_handler() -> None:
    assert Ground().begun().on_receive(Ping()) is None


def test_recovery_is_told_when_the_actor_was_started() -> None:
    ground = Ground()

    ground.begun()

    assert ground.world.notebook.lines("recover") == [("recover", "mill", AT)]


def test_a_test_can_make_an_actor_fail_once_after_so_many_letters() -> None:
    ground = Ground(crash_after=2)
    actor = ground.begun()
    actor.handle(Letter(1, 0, "test", spoken(1)))
    actor.handle(Letter(2, 0, "test", spoken(2)))

    with pytest.raises(InjectedCrash, match="mill was told to fail at letter 3"):
        actor.handle(Letter(3, 0, "test", spoken(3)))

    actor.handle(Letter(4, 0, "test", spoken(4)))
    assert [line[-1] for line in ground.world.notebook.lines("spoken")] == [1, 2, 4]


def test_a_crash_on_a_thread_tells_the_letter_and_ends_with_the_thread_closed() -> None:
    ground = Ground()
    ref = ground.started()

    seq = ground.switchboard.send("test", 0, "mill", Bang(at=AT))

    ground.notebook.wait_for("closed")
    assert ground.notebook.lines() == [("crash", seq, "Fault"), ("closed",)]
    assert not ref.is_alive()
    assert ground.world.notebook.lines("close") == []


def test_an_unknown_message_on_a_thread_is_a_crash() -> None:
    ground = Ground()
    ground.started()

    seq = ground.switchboard.send("test", 0, "mill", Unheard(at=AT))

    assert ground.notebook.wait_for("crash") == [("crash", seq, "UnknownMessage")]
    ground.notebook.wait_for("closed")


def test_letters_that_cannot_be_merged_are_a_crash_at_the_last_of_them() -> None:
    ground = Ground()
    ground.world.stalled_recoveries.add("mill")
    ground.started()
    ground.switchboard.send("test", 0, "mill", Unmergeable(at=AT))

    seq = ground.switchboard.send("test", 0, "mill", Unmergeable(at=AT))
    ground.world.release.set()

    assert ground.notebook.wait_for("crash") == [("crash", seq, "NotImplementedError")]
    ground.notebook.wait_for("closed")


def test_a_failed_recovery_is_a_crash_without_a_letter() -> None:
    ground = Ground()
    ground.world.recovery_faults["mill"] = 1

    ref = ground.started()

    ground.notebook.wait_for("closed")
    assert ground.notebook.lines() == [("crash", 0, "Fault"), ("closed",)]
    eventually(lambda: not ref.is_alive(), "the actor still lives")


def test_a_failed_query_reaches_who_asked_and_leaves_the_actor_alive() -> None:
    ground = Ground()
    ref = ground.started()

    with pytest.raises(UnknownMessage):
        ref.ask(Unheard(at=AT), timeout=WAIT_S_MAX)

    assert ref.ask(GetRecoveries(at=AT), timeout=WAIT_S_MAX) == 1
    ref.stop(timeout=WAIT_S_MAX)
    assert ground.notebook.lines("crash") == []


def test_an_orderly_stop_closes_and_then_tells_so() -> None:
    ground = Ground()
    ref = ground.started()

    ref.stop(timeout=WAIT_S_MAX)

    assert ground.world.notebook.lines("close") == [("close", "mill")]
    assert ground.notebook.lines() == [("closed",)]


def test_the_thread_is_told_closed_even_when_close_fails() -> None:
    ground = Ground()
    ground.world.close_faults.add("mill")

    ground.started().stop(timeout=WAIT_S_MAX)

    assert ground.notebook.wait_for("closed") == [("closed",)]


def test_the_thread_is_told_closed_even_when_nobody_hears_of_the_crash() -> None:
    def deaf(link: Link, letter: Letter | None, error: BaseException) -> None:
        raise pykka.ActorDeadError("nobody supervises")

    ground = Ground()
    ground.link.on_crash = deaf
    ground.started()

    ground.switchboard.send("test", 0, "mill", Bang(at=AT))

    assert ground.notebook.wait_for("closed") == [("closed",)]


def test_a_held_actor_can_be_stopped_and_keeps_its_letters() -> None:
    ground = Ground()
    ground.world.holding.add("mill")
    ref = ground.started()
    ground.switchboard.publish("test", 0, spoken(1))

    ref.stop(timeout=WAIT_S_MAX)

    eventually(lambda: not [t for t in thread_names() if t.startswith("Worker-")], "the thread of a held actor hangs")
    assert ground.mailbox.depth == 1


def test_an_orderly_stop_notes_no_order_of_letters_it_does_not_handle() -> None:
    ground = Ground()
    ground.world.stalled_recoveries.add("mill")
    ref = ground.started()
    for height in range(3):
        ground.switchboard.publish("test", 0, Level(at=AT, height=height))
    stopped = ref.stop(block=False)
    ground.world.release.set()

    stopped.get(timeout=WAIT_S_MAX)

    eventually(
        lambda: not [t for t in thread_names() if t.startswith("Worker-")], "the thread of a stopped actor lives"
    )
    assert (ground.world.notebook.lines("level"), ground.journal.orders) == ([], [])
