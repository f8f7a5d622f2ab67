"""What travels between actors: a Message says something, a Letter carries it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A claim or a command, made at one moment; its fields are values and never change.

    Attributes:
        at: Aware time, Asia/Kolkata, of the fact that caused it. Handlers know no other clock.
    """

    at: datetime

    #: A control message passes everything that waits in a mailbox (recovery, stop).
    is_control: ClassVar[bool] = False
    #: A taped message goes to the tape of ticks and not, line by line, to the message log.
    is_taped: ClassVar[bool] = False
    #: Several that wait in one mailbox are handed over as one, made by `merged`.
    is_conflated: ClassVar[bool] = False

    @classmethod
    def merged(cls, burst: Sequence[Self]) -> Self:
        """One message that stands for a burst of them, oldest first; only of conflated types."""
        raise NotImplementedError(f"{cls.__name__} is not a conflated message")


class Letter(msgspec.Struct, frozen=True, gc=False):
    """The envelope: one message on its way, with its place in the total order.

    Attributes:
        seq: Place in the order of all letters of the run, from 1.
        cause: `seq` of the letter whose handling sent this one; 0 when the outside world did.
        sender: Name of the actor, or of the port, that sent it.
        message: What it says.
    """

    seq: int
    cause: int
    sender: str
    message: Any
