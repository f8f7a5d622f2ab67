"""Root's switchboard: the total order of letters, the routing table, the dead letters.

Under one lock a letter gets its `seq`, is written to the journal, and is put into the mailboxes. That gives
audit and replay for nothing, and needs no thread of its own between a price and a stop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from threading import Lock
from typing import Protocol

from pykka._envelope import Envelope

from scalper.message import Letter, Message
from scalper.runtime.mailbox import Mailbox

#: Dead letters kept for people to look at; all are counted.
DEAD_LETTERS_KEPT = 1000


class Journal(Protocol):
    """Where letters are written before they are delivered."""

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        """Append one letter."""

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        """Append a note: `actor` handles `seqs` as one, and before the letter `passed` (0 = in order)."""


class Switchboard:
    """Delivers letters to named mailboxes; sending to the dead never raises in the sender."""

    def __init__(self, journal: Journal, *, first_seq: int = 1) -> None:
        self._journal = journal
        self._lock = Lock()
        self._seq = first_seq - 1
        #: None = retired: the name is known, and nobody lives there any more.
        self._mailboxes: dict[str, Mailbox | None] = {}
        self._routes: dict[type, tuple[tuple[str, ...], tuple[Mailbox, ...]]] = {}
        self._receivers: dict[type, list[str]] = {}
        self.dead_letters: deque[tuple[Letter, str]] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.dead_letters_count = 0

    def register(self, mailbox: Mailbox, receives: Iterable[type[Message]]) -> None:
        """Give a mailbox its name and its routes; an actor is routed to in the order of registration."""
        self._mailboxes[mailbox.name] = mailbox
        for kind in receives:
            self._receivers.setdefault(kind, []).append(mailbox.name)
        self._routes.clear()

    def retire(self, name: str) -> None:
        """Take an actor off every route for good: what is sent to it is dead, and nothing piles up."""
        with self._lock:
            self._mailboxes[name] = None
            for names in self._receivers.values():
                if name in names:
                    names.remove(name)
            self._routes.clear()

    def publish(self, sender: str, cause: int, message: Message) -> int:
        """Deliver to every actor with a handler for this type; nobody is a fact too, and logged."""
        kind = type(message)
        with self._lock:
            route = self._routes.get(kind) or self._route(kind)
            self._seq = seq = self._seq + 1
            letter = Letter(seq, cause, sender, message)
            self._journal.letter(letter, route[0])
            envelope = Envelope(letter)
            for mailbox in route[1]:
                mailbox.put(envelope)
        return seq

    def send(self, sender: str, cause: int, to: str, message: Message) -> int:
        """Deliver to one actor by name; an unknown name makes a dead letter."""
        with self._lock:
            self._seq = seq = self._seq + 1
            letter = Letter(seq, cause, sender, message)
            self._journal.letter(letter, (to,))
            mailbox = self._mailboxes.get(to)
            if mailbox is not None:
                mailbox.put(Envelope(letter))
        if mailbox is None:
            self.bury(letter, to, "it is down" if to in self._mailboxes else f"nobody is called {to}")
        return seq

    def reordered(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        """Note that an actor handles letters in another order than their seq."""
        with self._lock:
            self._journal.order(actor, seqs, passed)

    def bury(self, letter: Letter, to: str, reason: str) -> None:
        """Keep a letter nobody handled, with the reason."""
        with self._lock:
            self.dead_letters_count += 1
            self.dead_letters.append((letter, f"{to}: {reason}"))

    def depths(self) -> dict[str, int]:
        """How many envelopes wait to be handled, by actor; none for one that is retired."""
        return {name: mailbox.depth if mailbox is not None else 0 for name, mailbox in self._mailboxes.items()}

    def in_hand_since(self, *, besides: str) -> datetime | None:
        """Time of the oldest letter that anybody but one actor is handling at this moment; None of nobody."""
        mailboxes = (mailbox for name, mailbox in self._mailboxes.items() if name != besides)
        times = [mailbox.in_hand_at for mailbox in mailboxes if mailbox is not None]
        return min((at for at in times if at is not None), default=None)

    @property
    def seq(self) -> int:
        """The seq of the last letter."""
        return self._seq

    def _route(self, kind: type) -> tuple[tuple[str, ...], tuple[Mailbox, ...]]:
        names = tuple(self._receivers.get(kind, ()))
        mailboxes = [self._mailboxes[name] for name in names]
        route = (names, tuple(mailbox for mailbox in mailboxes if mailbox is not None))
        self._routes[kind] = route
        return route
