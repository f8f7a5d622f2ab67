"""Small messages and actors to try the runtime on, and what observes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Condition, Event
from threading import enumerate as live_threads
from typing import Any, ClassVar, Self, cast
from zoneinfo import ZoneInfo

import pykka

from scalper.message import Letter, Message
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.clock import PlayedClock
from scalper.runtime.lifecycle import ChildGaveUp, ChildRestarted
from scalper.runtime.root import GetChild, Root, StopTree
from scalper.runtime.supervision import Backoff, ChildSpec, GiveUp, RestartWindow
from scalper.runtime.switchboard import Switchboard

IST = ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 1, 13, 10, 0, tzinfo=IST)
#: Longest wait for anything that should happen at once.
WAIT_S_MAX = 5.0


class Spoken(Message, frozen=True, kw_only=True):
    """A numbered letter; the numbers say which arrived, and in what order."""

    number: int


class Asked(Message, frozen=True, kw_only=True):
    """Makes a Relay speak."""

    number: int


class Bang(Message, frozen=True, kw_only=True):
    """Crashes whoever handles it."""


class Stall(Message, frozen=True, kw_only=True):
    """Keeps whoever handles it busy until the test releases the world."""


class KeyWanted(Message, frozen=True, kw_only=True):
    """What a holding actor asks the porter for."""


class Unlock(Message, frozen=True, kw_only=True):
    """A control message: ends a hold."""

    is_control: ClassVar[bool] = True

    number: int = 0


class Level(Message, frozen=True, kw_only=True):
    """A conflated message: only the newest counts."""

    is_conflated: ClassVar[bool] = True

    height: int

    @classmethod
    def merged(cls, burst: Sequence[Self]) -> Self:
        return burst[-1]


class Unmergeable(Message, frozen=True, kw_only=True):
    """A conflated message that forgot to say how it is merged."""

    is_conflated: ClassVar[bool] = True


class Unwritable(Message, frozen=True, kw_only=True):
    """A message no log can hold."""

    thing: Any


class Unheard(Message, frozen=True, kw_only=True):
    """A message nobody has a handler for."""


class GetRecoveries(Message, frozen=True, kw_only=True):
    """Asks how often an actor of this name has recovered."""


class Fault(Exception):
    """What specimens die of."""


class Notebook:
    """Lines written by any thread, which a test waits for with a bound."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._lines: list[tuple[Any, ...]] = []

    def write(self, *line: Any) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def lines(self, *start: Any) -> list[tuple[Any, ...]]:
        """The lines that start so, in order."""
        with self._changed:
            return [line for line in self._lines if line[: len(start)] == start]

    def wait_for(self, *start: Any, count: int = 1) -> list[tuple[Any, ...]]:
        """The lines that start so, once there are that many; fails when they do not come."""
        with self._changed:
            is_there = self._changed.wait_for(
                lambda: sum(line[: len(start)] == start for line in self._lines) >= count, WAIT_S_MAX
            )
            assert is_there, f"expected {count} lines {start}, the last ones are {self._lines[-20:]}"
        return self.lines(*start)


class World:
    """What outlives an incarnation: the notebook, and the faults a test has planned.

    Attributes:
        bombs: Numbers whose letter crashes its handler.
        recovery_faults: Actor name -> how many of its next recoveries fail.
        holding: Names of actors that hold their letters back in `recover`.
        stalled_recoveries: Names of actors whose `recover` waits for `release`.
        close_faults: Names of actors whose `close` fails.
        release: Ends every stall.
    """

    def __init__(self) -> None:
        self.notebook = Notebook()
        self.bombs: set[int] = set()
        self.recovery_faults: dict[str, int] = {}
        self.holding: set[str] = set()
        self.stalled_recoveries: set[str] = set()
        self.close_faults: set[str] = set()
        self.release = Event()


class Worker(Actor):
    """Writes down what happens to it."""

    def __init__(self, link: Link, world: World) -> None:
        super().__init__(link)
        self._world = world

    def recover(self, at: datetime) -> None:
        self._world.notebook.write("recover", self.name, at)
        if self.name in self._world.stalled_recoveries:
            self._world.release.wait(WAIT_S_MAX)
        if self._world.recovery_faults.get(self.name, 0):
            self._world.recovery_faults[self.name] -= 1
            raise Fault(f"{self.name} cannot recover")
        if self.name in self._world.holding:
            self.hold_for("porter", KeyWanted(at=at))
        self._world.notebook.write("recovered", self.name)

    @receives(Spoken)
    def on_spoken(self, spoken: Spoken) -> None:
        if spoken.number in self._world.bombs:
            raise Fault(f"bomb {spoken.number}")
        self._world.notebook.write("spoken", self.name, spoken.number)

    @receives(Bang)
    def on_bang(self, bang: Bang) -> None:
        raise Fault("bang")

    @receives(Stall)
    def on_stall(self, stall: Stall) -> None:
        self._world.notebook.write("stalled", self.name)
        self._world.release.wait(WAIT_S_MAX)
        self._world.notebook.write("woke", self.name)

    @receives(Unlock)
    def on_unlock(self, unlock: Unlock) -> None:
        self._world.notebook.write("unlock", self.name, unlock.number)
        self.resume()

    @receives(Level, Unmergeable)
    def on_level(self, level: Level) -> None:
        self._world.notebook.write("level", self.name, level.height)

    @receives(GetRecoveries)
    def on_get_recoveries(self, query: GetRecoveries) -> int:
        return len(self._world.notebook.lines("recovered", self.name))

    def close(self) -> None:
        self._world.notebook.write("close", self.name)
        if self.name in self._world.close_faults:
            raise Fault(f"{self.name} cannot close")


class Relay(Worker):
    """Passes on what it is asked to say."""

    @receives(Asked)
    def on_asked(self, asked: Asked) -> None:
        self._world.notebook.write("asked", self.name, asked.number)
        self.publish(Spoken(at=asked.at, number=asked.number))
        self.send("nobody", Spoken(at=asked.at, number=asked.number))


class Witness(Actor):
    """Hears what supervision says."""

    def __init__(self, link: Link, world: World) -> None:
        super().__init__(link)
        self._world = world

    @receives(ChildRestarted)
    def on_restarted(self, restarted: ChildRestarted) -> None:
        self._world.notebook.write("restarted", restarted.name, restarted.failures, restarted.text)

    @receives(ChildGaveUp)
    def on_gave_up(self, gave_up: ChildGaveUp) -> None:
        self._world.notebook.write("gave up", gave_up.name, gave_up.policy, gave_up.text)


class Porter(Worker):
    """Is asked for keys; the test itself hands them out."""

    @receives(KeyWanted)
    def on_key_wanted(self, wanted: KeyWanted) -> None:
        self._world.notebook.write("key wanted", wanted.at)


class Circle(Actor):
    """Answers every letter with another, for ever."""

    @receives(Spoken)
    def on_spoken(self, spoken: Spoken) -> None:
        self.publish(Spoken(at=spoken.at, number=spoken.number + 1))


class MemoryJournal:
    """A journal to look at: letters in the order written, and notes on other orders."""

    def __init__(self) -> None:
        self.letters: list[tuple[Letter, tuple[str, ...]]] = []
        self.orders: list[tuple[str, tuple[int, ...], int]] = []

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        self.letters.append((letter, to))

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        self.orders.append((actor, seqs, passed))

    @property
    def seqs(self) -> list[int]:
        return [letter.seq for letter, _ in self.letters]


def a_spec(
    name: str,
    world: World,
    kind: type[Worker] | type[Witness] = Worker,
    *,
    restarts_max: int = 100,
    on_give_up: GiveUp = GiveUp.CARRY_ON,
    hang_s: float = WAIT_S_MAX,
    mailbox_limit: int = 100_000,
    first_s: float = 0.001,
) -> ChildSpec:
    return ChildSpec(
        name=name,
        kind=kind,
        make=lambda link: kind(link, world),
        window=RestartWindow(restarts_max=restarts_max, window_s=60.0),
        backoff=Backoff(first_s=first_s, max_s=max(first_s, 0.004), jitter_ratio=0.2),
        on_give_up=on_give_up,
        hang_s=hang_s,
        mailbox_limit=mailbox_limit,
    )


def spoken(number: int) -> Spoken:
    """The letter of that number, a millisecond of market time each."""
    return Spoken(at=AT + timedelta(milliseconds=number), number=number)


def numbers(lines: list[tuple[Any, ...]]) -> list[int]:
    """The last field of each line."""
    return [line[-1] for line in lines]


class Tree:
    """A running Root and what it runs on."""

    def __init__(self, root: pykka.ActorRef[Root], switchboard: Switchboard, journal: MemoryJournal) -> None:
        self.root = root
        self.switchboard = switchboard
        self.journal = journal

    def tell(self, message: Message) -> int:
        return self.switchboard.publish("test", 0, message)

    def send(self, to: str, message: Message) -> int:
        return self.switchboard.send("test", 0, to, message)

    def child(self, name: str) -> pykka.ActorRef[Actor]:
        found: Any = self.root.ask(GetChild(name), timeout=WAIT_S_MAX)
        return cast("pykka.ActorRef[Actor]", found)

    def answer_of(self, name: str, query: Message) -> Any:
        return self.child(name).ask(query, timeout=WAIT_S_MAX)

    def stop(self, deadline_s: float = WAIT_S_MAX) -> list[str]:
        late: Any = self.root.ask(StopTree(deadline_s), timeout=2 * WAIT_S_MAX)
        return cast("list[str]", late)


@contextmanager
def a_tree(world: World, *specs: ChildSpec, seed: int = 0) -> Iterator[Tree]:
    """A Root with these children, stopped at the end; no thread and no actor may be left over."""
    threads_before = set(live_threads())
    actors_before = {ref.actor_urn for ref in pykka.ActorRegistry.get_all()}
    notebook = world.notebook
    journal = MemoryJournal()
    switchboard = Switchboard(journal)
    root = Root.start(
        switchboard,
        specs,
        PlayedClock(AT),
        seed=seed,
        on_start=lambda name, at: notebook.write("start", name, at),
        on_crash=lambda name, seq, text: notebook.write("crash", name, seq, text),
        on_thread_end=lambda: notebook.write("thread end"),
        failed=lambda reason: notebook.write("failed", reason),
    )
    tree = Tree(root, switchboard, journal)
    try:
        yield tree
    finally:
        world.release.set()
        if root.is_alive():
            tree.stop()
            root.stop(timeout=WAIT_S_MAX)
    eventually(lambda: set(live_threads()) <= threads_before, "no thread is left over")
    eventually(
        lambda: {ref.actor_urn for ref in pykka.ActorRegistry.get_all()} <= actors_before, "no actor is left over"
    )


def thread_names() -> list[str]:
    """The threads that live."""
    return [thread.name for thread in live_threads()]


def eventually(is_so: Callable[[], bool], claim: str) -> None:
    """Wait, with a bound, for what no notebook records."""
    never = Event()
    for _ in range(int(WAIT_S_MAX / 0.002)):
        if is_so():
            return
        never.wait(0.002)
    raise AssertionError(f"not within {WAIT_S_MAX} s: {claim}; threads: {thread_names()}")
