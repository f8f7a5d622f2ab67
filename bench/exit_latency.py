"""From a tick to an exit on threads: the whole tree, 20 open positions, 2,000 ticks a second, everything on disk.

A position whose stop was crossed is sold, and bought again at the base price, so that always about 20 are open.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from threading import Event
from time import monotonic_ns
from typing import Any

from pykka import ActorRef, ThreadingActor

from bench.figures import Figure, ms_between, percentile, spread
from bench.ground import BASE_PAISE, Ground, a_ground, entry_of, tick_of
from scalper.actors.messages.exits import ExitCandidate
from scalper.actors.messages.feed import FeedFrame
from scalper.actors.messages.orders import OrderAccepted
from scalper.actors.messages.positions import PositionClosed, PositionOpened
from scalper.app import child_specs
from scalper.domain.times import us_from
from scalper.runtime.clock import PlayedClock
from scalper.runtime.heartbeat import PULSE_EVERY, Heartbeat
from scalper.runtime.root import GetChild, Root, StopTree
from scalper.trees import SWITCH_INTERVAL_S

HELD = 20
#: Securities quoted beside those that are held; each frame has one tick of a held one.
OTHERS = 60
TICKS_PER_FRAME = 4
#: With four ticks a frame, 2,000 ticks a second.
FRAME_EVERY_NS = 2_000_000
EXITS = 120
#: A stop is crossed four times a second: what is bought and sold on the way is little beside the ticks.
FRAMES_PER_EXIT = 125
#: Far below a stop of 30 %.
CROSSED_PAISE = 60_00
#: All positions have to be open, and all exits over, by then.
WAIT_S_MAX = 120.0
#: The journal is flushed as often as in a run.
FLUSH_EVERY_S = 0.25
PEER_HOPS = 3
PEER_GOES = 2_000

CANDIDATE_P50_MS_MAX = 0.3
CANDIDATE_P99_MS_MAX = 2.0


def measure(days: Sequence[Path]) -> list[Figure]:
    """Tick to candidate and to the broker's acceptance, what the load came to, and the peer."""
    with a_ground(PositionOpened, ExitCandidate, OrderAccepted, PositionClosed) as ground, _threads(ground):
        trade = Trade(ground)
        trade.play(0)
        gc.collect()
        gc.freeze()
        trade.play(EXITS)
        peer_ms = _hops_ms()
    p50_ms = percentile(trade.candidate_ms, 50)
    return [
        *spread("tick to ExitCandidate", trade.candidate_ms, CANDIDATE_P50_MS_MAX, CANDIDATE_P99_MS_MAX),
        *spread("tick to OrderAccepted, three commits on disk", trade.accepted_ms, None, None),
        Figure(name="exits", value=len(trade.candidate_ms), unit="exits"),
        Figure(name="load", value=trade.ticks_per_s, unit="ticks/s"),
        *spread(f"peer: {PEER_HOPS} hops between bare actors", peer_ms, None, None),
        Figure(name="tick to ExitCandidate / peer, p50", value=p50_ms / percentile(peer_ms, 50)),
    ]


class Slot:
    """One held security: the position in it, and the price it is quoted at."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.position_id = 0
        self.price_paise = BASE_PAISE
        self.crossed_ns = 0


class Trade:
    """Plays the feed and crosses stops; measures when the letters that follow have passed the switchboard."""

    def __init__(self, ground: Ground) -> None:
        self.candidate_ms: list[float] = []
        self.accepted_ms: list[float] = []
        self.ticks_per_s = 0.0
        self._ground = ground
        self._publish = ground.switchboard.publish
        self._passed_ns = ground.notes.passed_ns
        self._clock = PlayedClock(ground.start)
        self._began_ns = monotonic_ns()
        self._slots = [Slot(place) for place in range(HELD)]
        self._held, self._others = cycle(range(HELD)), cycle(range(HELD, HELD + OTHERS))
        self._positions = 0
        self._pause = Event()

    def play(self, exits: int) -> None:
        """Play until so many more exits are over; of none, until all positions are open."""
        heartbeat = Heartbeat(
            self._clock, lambda pulse: self._publish("heartbeat", 0, pulse), wall_every_s=PULSE_EVERY.total_seconds()
        )
        heartbeat.start()
        begin_ns, frames, wanted = monotonic_ns(), 0, len(self.accepted_ms) + exits
        while len(self.accepted_ms) < wanted or not (exits or all(self._is_open(slot) for slot in self._slots)):
            frames += 1
            self._await(begin_ns + frames * FRAME_EVERY_NS)
            crossed = self._next_to_cross() if exits and frames % FRAMES_PER_EXIT == 0 else None
            self._frame(crossed)
            self._look_after_slots()
            assert monotonic_ns() - begin_ns < WAIT_S_MAX * 1e9, f"{len(self.accepted_ms)} of {wanted} exits are over"
        heartbeat.stop()
        self.ticks_per_s = frames * TICKS_PER_FRAME / ((monotonic_ns() - begin_ns) / 1e9)

    def _frame(self, crossed: Slot | None) -> None:
        """One frame at the market time that the wall has reached; its first tick is of a held security."""
        at = self._ground.start + timedelta(microseconds=(monotonic_ns() - self._began_ns) // 1000)
        self._clock.set(at)
        place = next(self._held)
        if crossed is not None:
            crossed.price_paise = CROSSED_PAISE
            place = crossed.place
        places = [place, *islice(self._others, TICKS_PER_FRAME - 1)]
        at_us, options = us_from(at), self._ground.options
        frame = FeedFrame(at=at, ticks=tuple(tick_of(options[place], self._price(place), at_us) for place in places))
        if crossed is not None:
            crossed.crossed_ns = monotonic_ns()
        self._publish("feed", 0, frame)

    def _price(self, place: int) -> int:
        return self._slots[place].price_paise if place < HELD else BASE_PAISE

    def _next_to_cross(self) -> Slot | None:
        """Of the open positions the one that has waited longest."""
        open_slots = [slot for slot in self._slots if self._is_open(slot)]
        return min(open_slots, key=lambda slot: slot.position_id, default=None)

    def _look_after_slots(self) -> None:
        """Take the times of exits that are over, and buy again what was sold."""
        for slot in self._slots:
            if slot.crossed_ns and (PositionClosed, slot.position_id) in self._passed_ns:
                self._take_times(slot)
            if slot.position_id == 0:
                self._buy(slot)

    def _take_times(self, slot: Slot) -> None:
        candidate_ns = self._passed_ns[ExitCandidate, slot.position_id]
        accepted_ns = self._passed_ns[OrderAccepted, slot.position_id]
        self.candidate_ms.append(ms_between(slot.crossed_ns, candidate_ns))
        self.accepted_ms.append(ms_between(slot.crossed_ns, accepted_ns))
        slot.crossed_ns = slot.position_id = 0
        slot.price_paise = BASE_PAISE

    def _buy(self, slot: Slot) -> None:
        """PositionTracker numbers what it buys in the order of these letters."""
        self._positions += 1
        slot.position_id = self._positions
        option = self._ground.options[slot.place]
        self._publish("entry_guard", 0, entry_of(self._positions, option, self._clock.now()))

    def _is_open(self, slot: Slot) -> bool:
        return not slot.crossed_ns and (PositionOpened, slot.position_id) in self._passed_ns

    def _await(self, due_ns: int) -> None:
        lead_ns = due_ns - monotonic_ns()
        if lead_ns > 0:
            self._pause.wait(lead_ns / 1e9)


@contextmanager
def _threads(ground: Ground) -> Iterator[None]:
    """The tree on threads, as a run starts and stops it."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    root = Root.start(
        ground.switchboard,
        child_specs(ground.desk, ground.ports),
        PlayedClock(ground.start),
        on_start=ground.journal.started,
        on_crash=ground.journal.crashed,
        on_thread_end=ground.ports.store.close_thread,
    )
    root.ask(GetChild("dashboard"), timeout=10)
    ground.journal.start_flushing(FLUSH_EVERY_S, is_tape_too=True)
    try:
        yield
    finally:
        root.ask(StopTree(4.0), timeout=6)
        root.stop(block=False)


class _Hop(ThreadingActor):
    """Passes a time on; the last one keeps when it came."""

    use_daemon_thread = True

    def __init__(self, onward: ActorRef[Any] | None, arrived: list[float]) -> None:
        super().__init__()
        self._onward = onward
        self._arrived = arrived

    def on_receive(self, message: int) -> None:
        if self._onward is not None:
            self._onward.tell(message)
        else:
            self._arrived.append(ms_between(message, monotonic_ns()))


def _hops_ms() -> list[float]:
    """The peer: milliseconds through a chain of bare actors, while the tree stands still."""
    arrived: list[float] = []
    refs: list[ActorRef[Any]] = []
    for _ in range(PEER_HOPS):
        refs.append(_Hop.start(refs[-1] if refs else None, arrived))
    pause = Event()
    for _ in range(PEER_GOES):
        refs[-1].tell(monotonic_ns())
        pause.wait(FRAME_EVERY_NS / 1e9)
    for ref in refs:
        ref.stop(block=False)
    return arrived
