"""A mailbox that outlives its actor, lets control letters pass first, and hands out conflated bursts.

Any thread puts; only the owner takes. `queue.SimpleQueue` carries the letters across threads (measured at
several times the rate of `queue.Queue`); the two lanes behind it belong to the owner alone and need no lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue
from threading import get_ident
from typing import Any

import msgspec
from pykka._envelope import Envelope

from scalper.message import Letter

#: Letters merged into one at the most, so that a burst cannot make one handler call without end.
MERGE_MAX = 256

#: Called with the owner's name, the seqs taken as one, and the lowest seq that was passed by (0 = none).
OrderNote = Callable[[str, tuple[int, ...], int], None]


class Turn(msgspec.Struct, frozen=True, gc=False):
    """Letters taken in another order than their seq: several as one, or one before `passed`.

    Noting the order and merging can fail, and Pykka guards only what happens after `get`: a fault in there would
    end the thread without a word. So the mailbox hands out a Turn, and the actor has it opened.
    """

    letters: tuple[Letter, ...]
    passed: int


def newest_of(item: Letter | Turn) -> Letter:
    """The letter itself, or the last of a Turn: the one that counts as lost when handling fails."""
    return item if isinstance(item, Letter) else item.letters[-1]


class Mailbox:
    """The inbox of one named actor, whichever incarnation of it is alive.

    Attributes:
        limit: Letters that may wait; more is a fault that supervision acts on (or, of a dropping mailbox,
            the oldest are dropped and counted).
        dropped: Letters dropped because the mailbox was full.
        in_hand_at: Time of the letter that the owner is handling; None while it handles none. Any thread may look.
    """

    def __init__(
        self, name: str, *, limit: int = 100_000, is_dropping: bool = False, on_reorder: OrderNote | None = None
    ) -> None:
        self.name = name
        self.limit = limit
        self.dropped = 0
        self.in_hand_at: datetime | None = None
        self._is_dropping = is_dropping
        self._on_reorder = on_reorder
        self._arrivals: SimpleQueue[Envelope[Any]] = SimpleQueue()
        self._control: deque[Envelope[Any]] = deque()
        self._letters: deque[Envelope[Any]] = deque()
        self._is_gated = False
        self._owner = 0

    def put(self, envelope: Envelope[Any], /) -> None:
        """Take in one envelope, from any thread."""
        self._arrivals.put(envelope)

    def get(self) -> Envelope[Any]:
        """The next envelope for the owner: control first, then letters in order; blocks while there is none."""
        self.in_hand_at = None
        while True:
            envelope = self.take_ready()
            if envelope is not None:
                item = envelope.message
                if isinstance(item, (Letter, Turn)):
                    self.in_hand_at = newest_of(item).message.at
                return envelope
            self._file(self._arrivals.get())

    def take_ready(self) -> Envelope[Any] | None:
        """The envelope that `get` would return at once; None when it would block."""
        self._sort_arrivals()
        if self._control:
            return self._take_control()
        if self._letters and not self._is_gated:
            return self._take_letter()
        return None

    def opened(self, item: Letter | Turn) -> Letter:
        """The letter to handle: as it is, or of a Turn the one that stands for it, once its order is noted."""
        if isinstance(item, Letter):
            return item
        letters = item.letters
        last = letters[-1]
        if self._on_reorder is not None:
            self._on_reorder(self.name, tuple(letter.seq for letter in letters), item.passed)
        if len(letters) == 1:
            return last
        message = last.message.merged([letter.message for letter in letters])
        return Letter(seq=last.seq, cause=last.cause, sender=last.sender, message=message)

    def has_ready(self) -> bool:
        """Whether `get` would return at once."""
        self._sort_arrivals()
        return bool(self._control) or (bool(self._letters) and not self._is_gated)

    def empty(self) -> bool:
        """True to a thread that does not own it: a dying Pykka actor drains its inbox, and the letters must stay."""
        return get_ident() != self._owner or (self._arrivals.empty() and not self._control and not self._letters)

    def gate(self, *, is_gated: bool) -> None:
        """Hold back everything but control letters while the owner rebuilds its state."""
        self._is_gated = is_gated

    def abandon(self) -> None:
        """The incarnation died; its letters stay for the next one."""
        self._owner = 0
        self.in_hand_at = None

    def adopt(self) -> None:
        """The calling thread takes over as the owner."""
        self._owner = get_ident()

    @property
    def depth(self) -> int:
        """Envelopes that wait."""
        return self._arrivals.qsize() + len(self._control) + len(self._letters)

    def _sort_arrivals(self) -> None:
        arrivals = self._arrivals
        while not arrivals.empty():
            self._file(arrivals.get())

    def _file(self, envelope: Envelope[Any]) -> None:
        item = envelope.message
        if type(item) is Letter and not item.message.is_control:
            self._letters.append(envelope)
            if self._is_dropping and len(self._letters) > self.limit:
                self._letters.popleft()
                self.dropped += 1
        else:
            self._control.append(envelope)

    def _take_control(self) -> Envelope[Any]:
        envelope = self._control.popleft()
        if self._letters and type(envelope.message) is Letter:
            passed: int = self._letters[0].message.seq
            if passed < envelope.message.seq:
                return Envelope(Turn((envelope.message,), passed))
        return envelope

    def _take_letter(self) -> Envelope[Any]:
        envelope = self._letters.popleft()
        letters = self._letters
        if not letters:
            return envelope
        kind = type(envelope.message.message)
        if not kind.is_conflated or type(letters[0].message.message) is not kind:
            return envelope
        burst: list[Letter] = [envelope.message]
        while letters and len(burst) < MERGE_MAX and type(letters[0].message.message) is kind:
            burst.append(letters.popleft().message)
        return Envelope(Turn(tuple(burst), 0))
