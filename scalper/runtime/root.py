"""Root on threads: starts the children in order, watches, restarts, escalates, stops them in reverse.

Root is an actor itself. Its own mailbox holds plain requests (a child failed, a restart is due, look after
your children); what the other actors must know it publishes as letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Timer
from typing import Any

import msgspec
import pykka
from loguru import logger

from scalper.message import Letter
from scalper.runtime.actor import Actor, Link, Ping
from scalper.runtime.clock import Clock, monotonic_s
from scalper.runtime.lifecycle import ChildGaveUp, ChildRestarted
from scalper.runtime.mailbox import Mailbox
from scalper.runtime.stepper import CrashNote, StartNote
from scalper.runtime.supervision import ChildSpec, GiveUp, RestartLedger, crash_text
from scalper.runtime.switchboard import Switchboard

#: How often Root looks whether its children answer.
WATCH_EVERY_S = 0.5
#: Longest wait for the first recoveries, all together; a child that takes longer recovers beside those after it.
START_S_MAX = 5.0


class _Start:
    """Start every child: the first request of all, so that a fault in here takes the way of every other."""


class _Failed:
    def __init__(self, link: Link, letter: Letter | None, error: BaseException) -> None:
        self.link = link
        self.letter = letter
        self.error = error


class _RestartDue:
    def __init__(self, name: str) -> None:
        self.name = name


class _Begun:
    """An incarnation after the first has recovered."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Watch:
    """Look whether every child answers."""


class _Child:
    """One child as Root sees it."""

    def __init__(self, spec: ChildSpec, mailbox: Mailbox, seed: int) -> None:
        self.spec = spec
        self.mailbox = mailbox
        self.ledger = RestartLedger(spec, seed)
        self.ref: pykka.ActorRef[Actor] | None = None
        self.begun = Event()
        self.closed = Event()
        self.pinged_at_s = 0.0
        self.pong: _Pong | None = None
        self.restart: Timer | None = None
        self.crash_text = ""
        self.is_down = False


class Root(pykka.ThreadingActor):
    """Supervises one tree; `failed` is told, with a reason, when the process must end."""

    use_daemon_thread = True

    def __init__(
        self,
        switchboard: Switchboard,
        specs: Sequence[ChildSpec],
        clock: Clock,
        *,
        seed: int = 0,
        on_start: StartNote = lambda name, at: None,
        on_crash: CrashNote = lambda name, seq, text: None,
        on_thread_end: Callable[[], None] = lambda: None,
        failed: Callable[[str], None] = lambda reason: None,
        crash_after: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self._switchboard = switchboard
        self._clock = clock
        self._on_start = on_start
        self._on_crash = on_crash
        self._on_thread_end = on_thread_end
        self._failed = failed
        self._crash_after = dict(crash_after or {})
        self._is_stopping = False
        self._gave_up: list[ChildGaveUp] = []
        self._watch: Timer | None = None
        self._children: dict[str, _Child] = {}
        for spec in specs:
            mailbox = Mailbox(
                spec.name,
                limit=spec.mailbox_limit,
                is_dropping=spec.is_dropping,
                on_reorder=switchboard.reordered,
            )
            switchboard.register(mailbox, spec.kind.receives_types())
            self._children[spec.name] = _Child(spec, mailbox, seed)
        self._request(_Start())

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, _Start):
            self._start_children()
        elif isinstance(message, _Failed):
            self._on_failed(message)
        elif isinstance(message, _RestartDue):
            self._restart(self._children[message.name])
        elif isinstance(message, _Begun):
            self._tell_of_restart(self._children[message.name])
        elif isinstance(message, _Watch):
            self._look_after_children()
            self._schedule_watch()
        elif isinstance(message, StopTree):
            return self._stop_children(message.deadline_s)
        elif isinstance(message, GetChild):
            return self._children[message.name].ref
        return None

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        """Nobody watches any more: the process must end, and be started clean from outside."""
        self._cancel_timers()
        self._failed(f"supervision itself failed: {crash_text(exception_value)}")

    def on_stop(self) -> None:
        self._cancel_timers()
        if not self._is_stopping:
            self._failed("supervision was stopped from outside its order")

    def _request(self, message: object) -> None:
        """Put a request into Root's own mailbox, from any thread; once Root is gone it is of no use to anybody."""
        with suppress(pykka.ActorDeadError):
            self.actor_ref.tell(message)

    def _start_children(self) -> None:
        end_s = monotonic_s() + START_S_MAX
        for child in self._children.values():
            self._start(child)
            child.begun.wait(max(0.0, end_s - monotonic_s()))
        self._schedule_watch()

    def _start(self, child: _Child) -> None:
        at = self._clock.now()
        name = child.spec.name
        self._on_start(name, at)
        is_restart = child.ref is not None
        child.begun = begun = Event()
        child.closed = closed = Event()
        child.pong = None

        def on_begun() -> None:
            begun.set()
            if is_restart:
                self._request(_Begun(name))

        def on_closed() -> None:
            self._on_thread_end()
            begun.set()
            closed.set()

        link = Link(
            name,
            child.mailbox,
            self._switchboard,
            started_at=at,
            on_crash=lambda link, letter, error: self._request(_Failed(link, letter, error)),
            on_begun=on_begun,
            on_closed=on_closed,
            crash_after=self._crash_after.pop(name, None),
        )
        child.ref = _start_actor(child.spec.make(link))

    def _on_failed(self, failed: _Failed) -> None:
        name = failed.link.name
        child = self._children[name]
        text = crash_text(failed.error)
        seq = failed.letter.seq if failed.letter is not None else 0
        self._on_crash(name, seq, text)
        if failed.letter is not None:
            self._switchboard.bury(failed.letter, name, text)
        logger.opt(exception=failed.error).error("Actor {} failed at letter {}: {}", name, seq, text)
        if self._is_stopping or child.is_down:
            return
        delay_s = child.ledger.delay_after_failure(monotonic_s())
        if delay_s is None:
            self._give_up(child, "failed beyond its restart window", text)
            return
        logger.warning("Actor {} starts again in {:.2f} s, failure {} so far", name, delay_s, child.ledger.failures)
        child.crash_text = text
        child.restart = self._request_later(delay_s, _RestartDue(name))

    def _restart(self, child: _Child) -> None:
        if not self._is_stopping and not child.is_down:
            self._start(child)

    def _tell_of_restart(self, child: _Child) -> None:
        restarted = ChildRestarted(
            at=self._clock.now(), name=child.spec.name, failures=child.ledger.failures, text=child.crash_text
        )
        self._switchboard.publish("root", 0, restarted)
        for gave_up in self._gave_up:
            # The new incarnation has never heard of those that stay down.
            self._switchboard.publish("root", 0, msgspec.structs.replace(gave_up, at=restarted.at))

    def _give_up(self, child: _Child, claim: str, text: str) -> None:
        """The child stays down: no letters any more, and if it lives or wakes, it ends."""
        child.is_down = True
        name, policy = child.spec.name, child.spec.on_give_up
        logger.critical(
            "Actor {} {} ({}); policy {}; {} letters stay unhandled", name, claim, text, policy, child.mailbox.depth
        )
        self._switchboard.retire(name)
        if child.ref is not None:
            child.ref.stop(block=False)
        gave_up = ChildGaveUp(at=self._clock.now(), name=name, policy=policy, text=text)
        self._gave_up.append(gave_up)
        self._switchboard.publish("root", 0, gave_up)
        if policy is GiveUp.EXIT_PROCESS:
            self._failed(f"{name} {claim}: {text}")

    def _schedule_watch(self) -> None:
        if not self._is_stopping:
            self._watch = self._request_later(WATCH_EVERY_S, _Watch())

    def _request_later(self, delay_s: float, message: object) -> Timer:
        timer = Timer(delay_s, self._request, args=(message,))
        timer.daemon = True
        timer.start()
        return timer

    def _look_after_children(self) -> None:
        if self._is_stopping:
            return
        now_s = monotonic_s()
        for child in self._children.values():
            if child.is_down or child.ref is None or not child.ref.is_alive():
                continue
            self._look_after(child, now_s)

    def _look_after(self, child: _Child, now_s: float) -> None:
        if child.pong is None or child.pong.has_come():
            child.pong = _ping(child)
            child.pinged_at_s = now_s
        silent_s = now_s - child.pinged_at_s
        depth = child.mailbox.depth
        if silent_s > child.spec.hang_s:
            # A thread cannot be killed, so a hung actor cannot be restarted: its policy decides at once.
            self._give_up(child, "hangs", f"no answer for {silent_s:.1f} s, limit {child.spec.hang_s:.1f} s")
        elif depth > child.spec.mailbox_limit and not child.spec.is_dropping:
            self._give_up(child, "cannot keep up", f"{depth} letters wait, limit {child.spec.mailbox_limit}")

    def _stop_children(self, deadline_s: float) -> list[str]:
        """Stop last started first; returns the names of those that did not stop in time."""
        self._is_stopping = True
        self._cancel_timers()
        end_s = monotonic_s() + deadline_s
        started = [child for child in reversed(self._children.values()) if child.ref is not None]
        for child in started:
            if child.ref is not None:
                child.ref.stop(block=False)
            # One that hangs may use up half of what is left: those started before it need their time too.
            child.closed.wait(max(0.0, end_s - monotonic_s()) / 2)
        return [child.spec.name for child in started if not child.closed.wait(max(0.0, end_s - monotonic_s()))]

    def _cancel_timers(self) -> None:
        for timer in (self._watch, *(child.restart for child in self._children.values())):
            if timer is not None:
                timer.cancel()


class StopTree:
    """Asks Root to stop its children in reverse order within a deadline in seconds."""

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s


class GetChild:
    """Asks Root for the ref of one child, for queries of people."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Pong:
    """Whether the loop of a child has come round to a Ping."""

    def __init__(self, future: pykka.Future[Any]) -> None:
        self._future = future

    def has_come(self) -> bool:
        try:
            self._future.get(timeout=0)
        except pykka.Timeout:
            return False
        return True


def _ping(child: _Child) -> _Pong:
    assert child.ref is not None
    return _Pong(child.ref.ask(Ping(), block=False, timeout=child.spec.hang_s))


def _start_actor(actor: Actor) -> pykka.ActorRef[Actor]:
    """What `pykka.Actor.start` does, for an actor already built by its spec."""
    pykka.ActorRegistry.register(actor.actor_ref)
    actor._start_actor_loop()
    return actor.actor_ref
