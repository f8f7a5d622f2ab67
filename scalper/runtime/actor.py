"""The base of every actor: handlers by message type, recovery before work, sending through the switchboard.

The same class runs on a Pykka thread (`Actor.start`) and, unstarted, on the Stepper.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
import pykka
from pykka._actor import ActorInbox

from scalper.errors import UnknownMessage
from scalper.message import Letter, Message
from scalper.runtime.lifecycle import ChildRestarted
from scalper.runtime.mailbox import Mailbox, Turn, newest_of

Handler = TypeVar("Handler", bound=Callable[..., Any])


def receives(*kinds: type[Message]) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of one or more types of message."""

    def mark(handler: Handler) -> Handler:
        handler.__receives__ = kinds  # type: ignore[attr-defined]
        return handler

    return mark


class Post(Protocol):
    """What an actor may do with the world: send, and be told of its own end."""

    def publish(self, sender: str, cause: int, message: Message) -> int:
        """Deliver to every actor with a handler for it; returns the letter's seq."""

    def send(self, sender: str, cause: int, to: str, message: Message) -> int:
        """Deliver to one named actor; returns the letter's seq."""


class Ping:
    """Supervision's question to the loop itself; it is no letter and leaves no trace in the log."""


class Link:
    """What ties one incarnation of an actor to its name, its mailbox and the switchboard.

    Attributes:
        on_crash: Called in the actor's thread with the link, the letter that crashed it (None during
            recovery) and the exception.
        on_begun: Called in the actor's thread once it has recovered.
        on_closed: Called in the actor's thread as its last act.
        crash_after: Letters after which a test wants it to fail; None in earnest.
    """

    def __init__(
        self,
        name: str,
        mailbox: Mailbox,
        post: Post,
        *,
        started_at: datetime,
        on_crash: Callable[[Link, Letter | None, BaseException], None],
        on_begun: Callable[[], None] = lambda: None,
        on_closed: Callable[[], None] = lambda: None,
        crash_after: int | None = None,
    ) -> None:
        self.name = name
        self.mailbox = mailbox
        self.post = post
        self.started_at = started_at
        self.on_crash = on_crash
        self.on_begun = on_begun
        self.on_closed = on_closed
        self.crash_after = crash_after


class InjectedCrash(Exception):
    """A test asked this actor to fail at this letter."""


class Actor(pykka.ThreadingActor):
    """One owner of one kind of fact.

    `__init__` stores ports and empty state and does no I/O: it runs in the supervisor's thread. `recover`
    runs in the actor's own thread before any letter, at the first start and after every restart.
    """

    use_daemon_thread = True
    _handlers: ClassVar[dict[type[Message], str]] = {}

    def __init_subclass__(cls) -> None:
        handlers: dict[type[Message], str] = {}
        for owner in reversed(cls.__mro__):
            for name, member in vars(owner).items():
                handlers.update(dict.fromkeys(getattr(member, "__receives__", ()), name))
        cls._handlers = handlers

    def __init__(self, link: Link) -> None:
        self._link = link
        self._letter: Letter | None = None
        self._questions: list[tuple[str, Message]] = []
        super().__init__()
        self._by_type: dict[type, Callable[[Any], Any]] = {
            kind: getattr(self, name) for kind, name in self._handlers.items()
        }

    @classmethod
    def receives_types(cls) -> tuple[type[Message], ...]:
        """The message types this actor has handlers for, in the order they are written."""
        return tuple(cls._handlers)

    @property
    def name(self) -> str:
        return self._link.name

    def recover(self, at: datetime) -> None:
        """Rebuild the state from own rows, or ask for it; called before the first letter is handled.

        An actor that must wait for an answer calls `hold_for` here and `resume` in the handler of the answer.
        """

    def on_restart_of(self, name: str, at: datetime) -> None:
        """Another actor failed and has a new incarnation: what it owed this one is to be asked for again."""

    def close(self) -> None:
        """Release what was opened; called as the last act of an orderly stop."""

    def publish(self, message: Message) -> int:
        """Tell everybody who has a handler for it; the letter in hand becomes its cause."""
        letter = self._letter
        return self._link.post.publish(self._link.name, letter.seq if letter is not None else 0, message)

    def send(self, to: str, message: Message) -> int:
        """Tell one actor by name; the letter in hand becomes its cause."""
        letter = self._letter
        return self._link.post.send(self._link.name, letter.seq if letter is not None else 0, to, message)

    def hold_for(self, to: str, question: Message) -> None:
        """Ask, and handle nothing but control letters until `resume`: the state is not whole without the answer.

        The question is asked again when the one who is to answer fails: it may have been the letter that was lost.
        """
        self._link.mailbox.gate(is_gated=True)
        self._questions.append((to, question))
        self.send(to, question)

    def resume(self) -> None:
        """The state is whole: letters that waited are handled now, in their order."""
        self._questions.clear()
        self._link.mailbox.gate(is_gated=False)

    @receives(ChildRestarted)
    def on_child_restarted(self, restarted: ChildRestarted) -> None:
        """Repeat what the failed actor may not have heard."""
        for to, question in self._questions:
            if to == restarted.name:
                self.send(to, msgspec.structs.replace(question, at=restarted.at))
        self.on_restart_of(restarted.name, restarted.at)

    def _create_actor_inbox(self) -> ActorInbox:  # type: ignore[override]
        return self._link.mailbox

    def on_start(self) -> None:
        try:
            self.begin()
        except Exception as error:
            self._died(None, error)
            raise
        self._link.on_begun()

    def begin(self) -> None:
        """Open the mailbox and recover."""
        self._link.mailbox.adopt()
        self._link.mailbox.gate(is_gated=False)
        self.recover(self._link.started_at)

    def on_receive(self, item: Any) -> Any:
        """Handle one letter; a query of people (a bare Message) is answered by its return value."""
        if type(item) is Letter or type(item) is Turn:
            self.handle(item)
            return None
        if isinstance(item, Ping):
            return None
        return self._handler_of(item)(item)

    def handle(self, item: Letter | Turn) -> None:
        """Dispatch one letter by the type of its message."""
        self._letter = newest_of(item)
        letter = item if type(item) is Letter else self._link.mailbox.opened(item)
        if self._link.crash_after is not None:
            self._count_down(letter)
        message = letter.message
        handler = self._by_type.get(type(message)) or self._handler_of(message)
        handler(message)
        self._letter = None

    def _handler_of(self, message: Any) -> Callable[[Any], Any]:
        handler = self._by_type.get(type(message))
        if handler is None:
            raise UnknownMessage(f"{self._link.name} has no handler for {type(message).__name__}")
        return handler

    def _count_down(self, letter: Letter) -> None:
        assert self._link.crash_after is not None
        self._link.crash_after -= 1
        if self._link.crash_after < 0:
            self._link.crash_after = None
            raise InjectedCrash(f"{self._link.name} was told to fail at letter {letter.seq}")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        """Runs in the dying actor's thread: its letters stay, the one in hand is lost."""
        self._died(self._letter, exception_value)

    def _died(self, letter: Letter | None, error: BaseException) -> None:
        self._link.mailbox.abandon()
        try:
            self._link.on_crash(self._link, letter, error)
        finally:
            self._link.on_closed()

    def on_stop(self) -> None:
        """Runs in the actor's thread; letters that still wait stay unhandled, and unread by Pykka's draining."""
        self._link.mailbox.abandon()
        try:
            self.close()
        finally:
            self._link.on_closed()
