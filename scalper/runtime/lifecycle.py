"""What supervision tells the actors, as letters like any other."""

from __future__ import annotations

from typing import ClassVar

from scalper.message import Message


class ChildRestarted(Message, frozen=True, kw_only=True):
    """Root says: this actor failed and a new incarnation has taken over."""

    name: str
    failures: int
    text: str

    is_control: ClassVar[bool] = True


class ChildGaveUp(Message, frozen=True, kw_only=True):
    """Root says: this actor failed beyond its window and stays down; `policy` says what follows."""

    name: str
    policy: str
    text: str

    is_control: ClassVar[bool] = True
