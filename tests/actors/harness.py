"""A stage for actors: the Stepper in the calling thread, a store in memory, and a record of every letter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from scalper.actors.messages.positions import PositionSnapshot
from scalper.domain.positions import Position, PositionStatus, Wallet
from scalper.message import Letter, Message
from scalper.runtime.actor import Actor, Link
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.lifecycle import ChildRestarted
from scalper.runtime.stepper import Stepper
from scalper.runtime.supervision import Backoff, ChildSpec, GiveUp, RestartWindow
from scalper.runtime.switchboard import Switchboard
from scalper.store.cache import Cache
from scalper.store.database import Store
from scalper.store.write_behind import WriteBehind
from tests.builders import ELEVEN, a_wallet

M = TypeVar("M", bound=Message)

#: Who speaks for everybody that is not on the stage.
OUTSIDE = "test"


def a_store() -> Store:
    return Store.open("sqlite://")


def a_cache() -> Cache:
    """The mirror, embedded; its thread is not started, so what waits is written by `flush` alone."""
    import fakeredis

    return Cache(WriteBehind(lambda: fakeredis.FakeRedis(decode_responses=True), "this process"))


class Record:
    """A journal that keeps every letter in memory, with the names it went to."""

    def __init__(self) -> None:
        self.letters: list[tuple[Letter, tuple[str, ...]]] = []

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        self.letters.append((letter, to))

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        """Which of them were taken together is not asked about here."""


class Stage:
    """Some actors, by name, on the Stepper; whoever is not among them is played by the test."""

    def __init__(self, actors: dict[str, tuple[type[Actor], Callable[[Link], Actor]]], at: datetime = ELEVEN) -> None:
        self._links: dict[str, Link] = {}
        self.record = Record()
        self.switchboard = Switchboard(self.record)
        specs = [self._spec(name, kind, make) for name, (kind, make) in actors.items()]
        self.stepper = Stepper(self.switchboard, specs, at=at)
        self.stepper.start()
        self.stepper.settle(fail_fast=True)

    def tell(self, *messages: Message) -> None:
        """The outside world says these, one after the other; each is handled to the end."""
        for message in messages:
            self.stepper.tell(OUTSIDE, message)
            self.stepper.settle(fail_fast=True)

    def tell_together(self, *messages: Message) -> None:
        """All of these wait in the mailboxes before the first is handled."""
        for message in messages:
            self.stepper.tell(OUTSIDE, message)
        self.stepper.settle(fail_fast=True)

    def pulse(self, *moments: datetime) -> None:
        self.tell(*(Pulse(at=at) for at in moments))

    def crash(self, name: str, message: Message) -> None:
        """`name` fails at this letter, or at the first one it causes to reach it, and is restarted."""
        self._links[name].crash_after = 0
        self.stepper.tell(OUTSIDE, message)
        self.stepper.settle()

    def said(self, kind: type[M], since: int = 0) -> list[M]:
        """What actors have said of one type (not its subtypes), in order; `since` is a `mark`."""
        return [
            letter.message
            for letter, _ in self.record.letters[since:]
            if type(letter.message) is kind and letter.sender not in (OUTSIDE, "root")
        ]

    def told(self, name: str, kind: type[M], since: int = 0) -> list[M]:
        """What actors have sent of one type to one name."""
        return [
            letter.message
            for letter, to in self.record.letters[since:]
            if type(letter.message) is kind and letter.sender != OUTSIDE and name in to
        ]

    @property
    def mark(self) -> int:
        """How many letters there have been."""
        return len(self.record.letters)

    def answer(self, name: str, query: Message) -> Any:
        return self.stepper.answer(name, query)

    def _spec(self, name: str, kind: type[Actor], make: Callable[[Link], Actor]) -> ChildSpec:
        def keeping_link(link: Link) -> Actor:
            self._links[name] = link
            return make(link)

        return ChildSpec(
            name=name,
            kind=kind,
            make=keeping_link,
            window=RestartWindow(restarts_max=3, window_s=30),
            backoff=Backoff(first_s=0.1, max_s=2.0, jitter_ratio=0.0),
            on_give_up=GiveUp.EXIT_PROCESS,
        )


def a_snapshot(
    *positions: Position, at: datetime = ELEVEN, wallets: tuple[Wallet, ...] | None = None
) -> PositionSnapshot:
    """PositionTracker's answer to whoever recovers."""
    return PositionSnapshot(
        at=at,
        open_positions=tuple(one for one in positions if one.is_open),
        closed_today=tuple(one for one in positions if one.status is PositionStatus.EXITED),
        wallets=(a_wallet(),) if wallets is None else wallets,
    )


def restarted(name: str, at: datetime = ELEVEN) -> ChildRestarted:
    """Root's word that an actor the test plays has failed and is back."""
    return ChildRestarted(at=at, name=name, failures=1, text="told to fail")
