"""Feeds a recorded day to fresh actors in the order they handled it, and compares every letter they send."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from scalper.app import Ports, child_specs
from scalper.config import from_json
from scalper.desk import Desk, desk_of
from scalper.message import Letter, Message
from scalper.player import PlayedFeed
from scalper.reference import shipped_charges
from scalper.replay.recording import OUTSIDE, Handling, Part, Recorded, body_of, letter_of, parts_of
from scalper.replay.silence import NoData, silent_cache
from scalper.runtime.actor import Actor, Link
from scalper.runtime.mailbox import Mailbox
from scalper.runtime.supervision import ChildSpec
from scalper.store.database import Store
from scalper.store.snapshot import load_dump


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first letter that is not as recorded; an empty side means no letter there.

    Attributes:
        seq: The letter in whose handling it was sent; 0 = in recovery.
    """

    part: int
    actor: str
    seq: int
    handled: str
    expected: str
    found: str


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found.

    Attributes:
        letters: Letters in the recording.
        compared: Letters of actors that were reproduced and compared.
        unhandled: Letters at the broken-off end of a part that nobody had handled.
    """

    folder: str
    runs: tuple[str, ...]
    letters: int
    compared: int
    unhandled: int
    actors: tuple[str, ...]
    difference: Difference | None


class _Sent(msgspec.Struct):
    """One letter an actor sent while being replayed."""

    to: tuple[str, ...]
    kind: str
    body: bytes


class _Recorder:
    """Stands in for the switchboard: keeps what is sent."""

    def __init__(self, routes: Mapping[type, tuple[str, ...]]) -> None:
        self._routes = routes
        self._json = msgspec.json.Encoder().encode
        self._pack = msgspec.msgpack.Encoder().encode
        self.sent: list[_Sent] = []

    def publish(self, sender: str, cause: int, message: Message) -> int:
        return self._keep(self._routes.get(type(message), ()), message)

    def send(self, sender: str, cause: int, to: str, message: Message) -> int:
        return self._keep((to,), message)

    def take(self) -> list[_Sent]:
        sent, self.sent = self.sent, []
        return sent

    def _keep(self, to: tuple[str, ...], message: Message) -> int:
        self.sent.append(_Sent(to, type(message).__name__, body_of(message, self._json, self._pack)))
        return 0


class _Differs(Exception):
    """Ends a replay with its first difference."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.actor)
        self.difference = difference


class _Replayed:
    """One actor under replay: its incarnations, its waiting letters, its recorded letters still to come."""

    def __init__(self, part: Part, spec: ChildSpec, recorder: _Recorder) -> None:
        self.name = spec.name
        self.compared = 0
        self.is_over = False
        self.unhandled = 0
        self._part = part
        self._spec = spec
        self._recorder = recorder
        self._handling: Handling = part.handling[spec.name]
        self._starts = deque(self._handling.starts)
        self._queue: deque[Recorded] = deque()
        self._done: set[int] = set()
        self._expected: dict[int, deque[Recorded]] = {}
        self._last_cause = 0
        self._actor: Actor | None = None

    def expect(self, recorded: Recorded) -> None:
        """This actor has sent this letter."""
        self._expected.setdefault(recorded.cause, deque()).append(recorded)
        self._last_cause = max(self._last_cause, recorded.cause)

    def start(self) -> None:
        """Build the next incarnation and let it recover; a recovery that failed is followed by the next start."""
        while self._starts:
            at = self._starts.popleft()
            if self._recover(at):
                return
        self.is_over = True

    def take(self, recorded: Recorded) -> None:
        """A letter has come in: handle it now, or when it is its turn."""
        if self.is_over:
            self.unhandled += 1
        elif recorded.seq in self._handling.ahead:
            self._handle([recorded])
            self._drain()
        else:
            self._queue.append(recorded)
            self._drain()

    def finish(self) -> None:
        """Everything is fed: nothing recorded may be left over, and nothing may wait in a settled part."""
        self.unhandled += len(self._queue)
        for cause, left in self._expected.items():
            if left:
                raise _Differs(self._difference(cause, "", _told(left[0]), ""))

    def _recover(self, at: datetime) -> bool:
        link = Link(
            self.name,
            Mailbox(self.name),
            self._recorder,
            started_at=at,
            on_crash=lambda link, letter, error: None,
        )
        self._actor = self._spec.make(link)
        crash = self._handling.crashes.get(0)
        try:
            self._actor.begin()
        except Exception:
            if crash is None:
                raise
            self._recorder.take()
            return False
        self._compare(0, "recovery", self._recorder.take())
        return True

    def _drain(self) -> None:
        while self._queue and not self.is_over:
            head = self._queue[0]
            if any(seq not in self._done for seq in self._handling.before.get(head.seq, ())):
                return
            burst = self._handling.bursts.get(head.seq, (head.seq,))
            if len(self._queue) < len(burst):
                return
            self._handle([self._queue.popleft() for _ in burst])

    def _handle(self, burst: Sequence[Recorded]) -> None:
        last = burst[-1]
        self._done.update(one.seq for one in burst)
        if not self._part.is_settled and last.seq > self._last_cause and self._is_tail(last):
            self.is_over = True
            self.unhandled += len(burst)
            return
        crash = next((self._handling.crashes[one.seq] for one in burst if one.seq in self._handling.crashes), None)
        if crash is not None and crash.is_injected:
            self.start()
            return
        self._call(burst, last, is_crash=crash is not None)

    def _call(self, burst: Sequence[Recorded], last: Recorded, *, is_crash: bool) -> None:
        assert self._actor is not None
        letter = _merged([letter_of(one) for one in burst])
        try:
            self._actor.handle(letter)
        except Exception:
            if not is_crash:
                raise
            self._compare(last.seq, last.kind, self._recorder.take())
            self.start()
            return
        self._compare(last.seq, last.kind, self._recorder.take())

    def _is_tail(self, last: Recorded) -> bool:
        """Nothing this actor ever sent was caused by this letter or a later one: it may not have been handled."""
        return last.seq not in self._expected

    def _compare(self, seq: int, handled: str, sent: list[_Sent]) -> None:
        expected = self._expected.get(seq, deque())
        for one in sent:
            recorded = expected.popleft() if expected else None
            if recorded is None and not self._part.is_settled and seq >= self._last_cause:
                # The process ended in the middle of this letter: what it sent after that is not on record.
                self.is_over = True
                return
            if recorded is None or (recorded.to, recorded.kind, recorded.body) != (one.to, one.kind, one.body):
                raise _Differs(self._difference(seq, handled, _told(recorded), _told_sent(one)))
            self.compared += 1
        if expected and seq:
            raise _Differs(self._difference(seq, handled, _told(expected[0]), ""))

    def _difference(self, seq: int, handled: str, expected: str, found: str) -> Difference:
        return Difference(
            part=self._part.header.part, actor=self.name, seq=seq, handled=handled, expected=expected, found=found
        )


def replay(folder: Path) -> ReplayReport:
    """Replay every part of a recorded day.

    Raises:
        LogError: The recording is missing, broken, or of another program.
    """
    parts = parts_of(folder)
    letters = compared = unhandled = 0
    actors: tuple[str, ...] = ()
    difference: Difference | None = None
    for part in parts:
        players = _players_of(part)
        actors = tuple(players)
        try:
            letters += _feed(part, players)
        except _Differs as differs:
            difference = differs.difference
        compared += sum(player.compared for player in players.values())
        unhandled += sum(player.unhandled for player in players.values())
        if difference is not None:
            break
    return ReplayReport(
        folder=str(folder),
        runs=tuple(part.header.run for part in parts),
        letters=letters,
        compared=compared,
        unhandled=unhandled,
        actors=actors,
        difference=difference,
    )


def _players_of(part: Part) -> dict[str, _Replayed]:
    header = part.header
    config = from_json(bytes(header.config))
    desk = desk_of(config, header.session, header.day, part.tape_header.instruments)
    specs = child_specs(desk, _ports(part, desk))
    routes: dict[type, tuple[str, ...]] = {}
    for spec in specs:
        for kind in spec.kind.receives_types():
            routes[kind] = (*routes.get(kind, ()), spec.name)
    recorder = _Recorder(routes)
    return {spec.name: _Replayed(part, spec, recorder) for spec in specs if spec.name not in OUTSIDE}


def _ports(part: Part, desk: Desk) -> Ports:
    store = Store.open("sqlite://")
    load_dump(store, part.rows)
    return Ports(store=store, cache=silent_cache(), feed=PlayedFeed(), source=NoData(), charges=shipped_charges())


def _feed(part: Part, players: Mapping[str, _Replayed]) -> int:
    """First what each actor is expected to send, then the letters themselves, in their order."""
    count = 0
    for recorded in part.letters():
        count += 1
        if recorded.sender in players:
            players[recorded.sender].expect(recorded)
    for player in players.values():
        player.start()
    for recorded in part.letters():
        for name in recorded.to:
            if name in players:
                players[name].take(recorded)
    for player in players.values():
        player.finish()
    return count


def _merged(letters: Sequence[Letter]) -> Letter:
    """A burst as the mailbox hands it over."""
    last = letters[-1]
    if len(letters) == 1:
        return last
    message = type(last.message).merged([letter.message for letter in letters])
    return Letter(last.seq, last.cause, last.sender, message)


def _told(recorded: Recorded | None) -> str:
    return "" if recorded is None else f"{recorded.kind} to {', '.join(recorded.to)}: {_text(recorded.body)}"


def _told_sent(sent: _Sent) -> str:
    return f"{sent.kind} to {', '.join(sent.to)}: {_text(sent.body)}"


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return str(msgspec.msgpack.decode(body))
