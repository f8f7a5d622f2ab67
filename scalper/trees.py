"""Plays a market into the tree on one of the two runtimes: the Stepper, or threads under Root."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Protocol

import msgspec
import pykka
from loguru import logger

from scalper.actors.dashboard import Picture
from scalper.actors.messages.risk import GetDashboard
from scalper.app import Ports, child_specs
from scalper.desk import Desk
from scalper.errors import SupervisionError
from scalper.journal import DayJournal
from scalper.player import PacedPlayer, Player
from scalper.runtime.clock import PlayedClock, monotonic_s
from scalper.runtime.heartbeat import PULSE_EVERY, Heartbeat
from scalper.runtime.root import GetChild, Root, StopTree
from scalper.runtime.stepper import Stepper
from scalper.runtime.switchboard import Switchboard

#: An orderly stop has to be over by then.
STOP_S_MAX = 4.0
#: Longest wait for every actor to have recovered.
START_S_MAX = 10.0
#: Longest wait for the letters in the mailboxes to be handled at the end of a day on threads.
SETTLE_S_MAX = 60.0
#: So often in a row nothing may have moved before the tree counts as settled.
QUIET_LOOKS = 5
#: A thread that computes gives way after this long; at the usual 5 ms a hop between actors waits 12 ms at p99.
SWITCH_INTERVAL_S = 0.0002
#: Letters an actor may have waiting before the market waits for it: a fast day must not outrun its orders.
LETTERS_WAITING_MAX = 8
#: Market time that may pass while a letter is being handled: one commit to the disk is minutes at a great speed.
LAG_MAX = timedelta(seconds=2)
#: Whom the market does not wait for.
PEOPLE = "dashboard"
#: How often the main thread looks after a day on threads.
WATCH_S = 0.1


class Viewer(Protocol):
    """Who is shown how things stand."""

    def look(self, picture: Picture) -> None:
        """This is how things stand."""

    def wants_a_look(self) -> bool:
        """Whether a picture is wanted now."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a tree is run with.

    Attributes:
        crash_after: Letters after which an actor is made to fail, by name: a switch for tests.
        stopping: Set from outside when the run is to stop in order.
    """

    desk: Desk
    ports: Ports
    switchboard: Switchboard
    journal: DayJournal
    player: Player
    viewer: Viewer
    stopping: Event
    start: datetime
    seed: int
    crash_after: Mapping[str, int]


def play_stepped(stage: Stage) -> bool:
    """Play as fast as may be in the calling thread; True when every letter was handled."""
    _freeze()
    stepper = Stepper(
        stage.switchboard,
        child_specs(stage.desk, stage.ports),
        at=stage.start,
        seed=stage.seed,
        on_start=stage.journal.started,
        on_crash=stage.journal.crashed,
        crash_after=stage.crash_after,
    )
    stepper.start()
    stepper.settle()

    def show() -> None:
        stage.viewer.look(stepper.answer("dashboard", GetDashboard(at=stage.player.at)))

    for frame, pulse in stage.player.moments():
        if frame is not None:
            stepper.tell("feed", frame)
            stepper.settle()
        stepper.tell("heartbeat", pulse)
        stepper.settle()
        if stage.stopping.is_set():
            break
        if stage.viewer.wants_a_look():
            show()
    show()
    stepper.stop()
    _tell_dead_letters(stage.switchboard)
    return True


class ThreadedPlay:
    """One day on threads: Root with its children, a heartbeat, a player that keeps time."""

    def __init__(self, stage: Stage, speed: float) -> None:
        self._stage = stage
        self._failure = ""
        switchboard = stage.switchboard
        clock = PlayedClock(stage.start)
        self._root = Root.start(
            switchboard,
            child_specs(stage.desk, stage.ports),
            clock,
            seed=stage.seed,
            on_start=stage.journal.started,
            on_crash=stage.journal.crashed,
            on_thread_end=stage.ports.store.close_thread,
            failed=self._fail,
            crash_after=stage.crash_after,
        )
        self._heartbeat = Heartbeat(
            clock,
            lambda pulse: switchboard.publish("heartbeat", 0, pulse),
            wall_every_s=PULSE_EVERY.total_seconds() / speed,
            failed=self._fail,
        )
        self._paced = PacedPlayer(
            stage.player,
            clock,
            speed,
            lambda frame: switchboard.publish("feed", 0, frame),
            self._is_behind,
        )

    def run(self) -> bool:
        """Play to the end, or until asked to stop; True when every letter was handled.

        Raises:
            SupervisionError: Supervision gave up.
        """
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._await_start()
        _freeze()
        is_settled = False
        self._heartbeat.start()
        self._paced.start()
        try:
            self._watch()
            self._heartbeat.stop()
            if self._is_going_on:
                self._heartbeat.beat()
                is_settled = self._settle()
            self._show()
        finally:
            self._stop()
        _tell_dead_letters(self._stage.switchboard)
        if self._paced.error is not None:
            raise self._paced.error
        if self._failure:
            raise SupervisionError(self._failure)
        return is_settled

    def _await_start(self) -> None:
        """Root answers once every child has recovered: the first tick finds somebody who wants it."""
        try:
            self._root.ask(GetChild("dashboard"), timeout=START_S_MAX)
        except (pykka.Timeout, pykka.ActorDeadError) as error:
            raise SupervisionError(f"the actors did not start within {START_S_MAX} s: {error}") from error

    def _is_behind(self) -> bool:
        """Whether somebody has too much to do for time to go on; people may look later."""
        switchboard, now = self._stage.switchboard, self._stage.player.at
        since = switchboard.in_hand_since(besides=PEOPLE)
        if since is not None and now - since > LAG_MAX:
            return True
        return any(depth > LETTERS_WAITING_MAX for name, depth in switchboard.depths().items() if name != PEOPLE)

    @property
    def _is_going_on(self) -> bool:
        return not self._stage.stopping.is_set() and not self._failure

    def _watch(self) -> None:
        """Wait for the end of the day, a wish to stop, or a failure; show how things stand meanwhile."""
        while self._paced.is_alive() and self._is_going_on:
            self._paced.join(timeout=WATCH_S)
            if self._stage.viewer.wants_a_look():
                self._show()

    def _show(self) -> None:
        try:
            dashboard: Any = self._root.ask(GetChild("dashboard"), timeout=1.0)
            picture: Any = dashboard.ask(GetDashboard(at=self._stage.player.at), timeout=1.0)
        except (pykka.Timeout, pykka.ActorDeadError):
            # People's side: a picture that does not come is not shown, and nothing else happens.
            logger.debug("no picture from the dashboard")
        else:
            self._stage.viewer.look(picture)

    def _settle(self) -> bool:
        """Wait until no letter waits and none is sent any more."""
        switchboard = self._stage.switchboard
        end_s = monotonic_s() + SETTLE_S_MAX
        quiet, last = 0, -1
        while quiet < QUIET_LOOKS and monotonic_s() < end_s and self._is_going_on:
            is_quiet = switchboard.seq == last and not any(switchboard.depths().values())
            quiet = quiet + 1 if is_quiet else 0
            last = switchboard.seq
            self._stage.stopping.wait(0.02)
        return quiet >= QUIET_LOOKS

    def _stop(self) -> None:
        self._heartbeat.stop()
        self._paced.stop()
        self._paced.join(timeout=1.0)
        try:
            late: Any = self._root.ask(StopTree(STOP_S_MAX), timeout=STOP_S_MAX + 2)
        except (pykka.Timeout, pykka.ActorDeadError) as error:
            # Root itself is gone or stuck: the process ends all the same, and says why.
            self._fail(f"Root did not stop its children: {error}")
            return
        self._root.stop(block=False)
        if late:
            logger.error("did not stop within {} s: {}", STOP_S_MAX, ", ".join(late))

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason


def _freeze() -> None:
    """What was made until now lives as long as the run: no collection needs to look at it again."""
    gc.collect()
    gc.freeze()


def _tell_dead_letters(switchboard: Switchboard) -> None:
    if switchboard.dead_letters_count:
        logger.warning("{} dead letters", switchboard.dead_letters_count)
        for letter, why in list(switchboard.dead_letters)[:20]:
            logger.warning("dead letter {} {}: {}", letter.seq, type(letter.message).__name__, why)
