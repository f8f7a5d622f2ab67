"""The Stepper: the same actors, unstarted, in one thread and in one order. Same inputs, same letters.

Letters are handled in the order they were sent; a handler's letters wait behind those sent before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pykka._envelope import Envelope

from scalper.errors import SupervisionError
from scalper.message import Letter, Message
from scalper.runtime.actor import Actor, Link
from scalper.runtime.lifecycle import ChildGaveUp, ChildRestarted
from scalper.runtime.mailbox import Mailbox, OrderNote, newest_of
from scalper.runtime.supervision import ChildSpec, GiveUp, RestartLedger, crash_text
from scalper.runtime.switchboard import Switchboard

#: Letters one `settle` may handle: a circle of letters is a bug and must not hang the program.
SETTLE_MAX = 1_000_000


class _StepMailbox(Mailbox):
    """A mailbox that queues its owner for a turn whenever something arrives; on one thread, so nothing has to cross."""

    def __init__(self, spec: ChildSpec, turns: deque[Mailbox], on_reorder: OrderNote) -> None:
        super().__init__(spec.name, limit=spec.mailbox_limit, is_dropping=spec.is_dropping, on_reorder=on_reorder)
        self._turns = turns

    def put(self, envelope: Envelope[Any], /) -> None:
        self._file(envelope)
        self._turns.append(self)

    def gate(self, *, is_gated: bool) -> None:
        super().gate(is_gated=is_gated)
        if not is_gated:
            # Turns taken while the gate was shut found nothing to do: give them back.
            self._turns.extend([self] * self.depth)


#: Called with (actor, at) for a start, and (actor, seq, text) for a crash.
StartNote = Callable[[str, datetime], None]
CrashNote = Callable[[str, int, str], None]


class Stepper:
    """Runs a tree of child specs in the calling thread.

    Attributes:
        at: Market time of the newest letter from outside.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        specs: Sequence[ChildSpec],
        *,
        at: datetime,
        seed: int = 0,
        on_start: StartNote = lambda name, at: None,
        on_crash: CrashNote = lambda name, seq, text: None,
        crash_after: Mapping[str, int] | None = None,
    ) -> None:
        self.at = at
        self._switchboard = switchboard
        self._turns: deque[Mailbox] = deque()
        self._specs = {spec.name: spec for spec in specs}
        self._ledgers = {spec.name: RestartLedger(spec, seed) for spec in specs}
        self._mailboxes: dict[str, Mailbox] = {}
        self._actors: dict[str, Actor] = {}
        self._on_start = on_start
        self._on_crash = on_crash
        self._crash_after = dict(crash_after or {})
        self._is_fail_fast = False
        self._gave_up: list[ChildGaveUp] = []
        for spec in specs:
            mailbox = _StepMailbox(spec, self._turns, switchboard.reordered)
            self._mailboxes[spec.name] = mailbox
            switchboard.register(mailbox, spec.kind.receives_types())

    def start(self) -> None:
        """Build and recover every child, in order; a first recovery that fails is raised, for nothing has begun."""
        for name in self._specs:
            self._begin(name)

    def tell(self, sender: str, message: Message) -> int:
        """Let the outside world publish a message; call `settle` to have it handled."""
        self.at = max(self.at, message.at)
        return self._switchboard.publish(sender, 0, message)

    def settle(self, *, fail_fast: bool = False) -> None:
        """Handle letters until none waits.

        Args:
            fail_fast: Raise the first crash of a handler instead of restarting the actor.
        """
        self._is_fail_fast = fail_fast
        turns = self._turns
        mailboxes = self._mailboxes
        actors = self._actors
        for _ in range(SETTLE_MAX):
            if not turns:
                return
            mailbox = turns.popleft()
            envelope = mailbox.take_ready() if mailbox.name in mailboxes else None
            if envelope is None:
                continue
            try:
                actors[mailbox.name].handle(envelope.message)
            except Exception as error:
                if fail_fast:
                    raise
                self._crashed(mailbox.name, newest_of(envelope.message), crash_text(error))
        raise SupervisionError(f"letters go in a circle: more than {SETTLE_MAX} handled at {self.at}")

    def answer(self, name: str, query: Message) -> Any:
        """The answer of one actor to a query of people."""
        return self._actors[name].on_receive(query)

    def stop(self) -> None:
        """Close every child, last started first."""
        for name in reversed(self._specs):
            if name in self._mailboxes:
                self._actors[name].close()

    def _begin(self, name: str) -> None:
        spec = self._specs[name]
        self._on_start(name, self.at)
        link = Link(
            name,
            self._mailboxes[name],
            self._switchboard,
            started_at=self.at,
            on_crash=lambda link, letter, error: None,
            crash_after=self._crash_after.pop(name, None),
        )
        actor = spec.make(link)
        self._actors[name] = actor
        actor.begin()

    def _crashed(self, name: str, letter: Letter, text: str) -> None:
        self._on_crash(name, letter.seq, text)
        self._switchboard.bury(letter, name, text)
        self._failed(name, text)

    def _failed(self, name: str, text: str) -> None:
        """Restart at once, for virtual time does not wait; a recovery that fails is one more failure."""
        ledger = self._ledgers[name]
        while ledger.delay_after_failure(self.at.timestamp()) is not None:
            try:
                self._begin(name)
            except Exception as error:
                if self._is_fail_fast:
                    raise
                text = crash_text(error)
                self._on_crash(name, 0, text)
                continue
            restarted = ChildRestarted(at=self.at, name=name, failures=ledger.failures, text=text)
            self._switchboard.publish("root", 0, restarted)
            for gave_up in self._gave_up:
                # The new incarnation has never heard of those that stay down.
                self._switchboard.publish("root", 0, msgspec.structs.replace(gave_up, at=self.at))
            return
        self._give_up(self._specs[name], text)

    def _give_up(self, spec: ChildSpec, text: str) -> None:
        if spec.on_give_up is GiveUp.EXIT_PROCESS:
            raise SupervisionError(f"{spec.name} failed beyond its restart window: {text}")
        del self._mailboxes[spec.name]
        self._switchboard.retire(spec.name)
        gave_up = ChildGaveUp(at=self.at, name=spec.name, policy=spec.on_give_up, text=text)
        self._gave_up.append(gave_up)
        self._switchboard.publish("root", 0, gave_up)
