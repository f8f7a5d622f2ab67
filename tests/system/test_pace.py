"""A market that is played fast waits for those who trade in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event

from pykka._envelope import Envelope

from scalper.markets import builtin_market
from scalper.message import Letter
from scalper.player import PacedPlayer, PlayedFeed, Player
from scalper.reference import shipped_calendar
from scalper.runtime.clock import PlayedClock
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.mailbox import Mailbox
from scalper.runtime.switchboard import Switchboard
from tests.builders import ELEVEN
from tests.runtime.specimens import MemoryJournal, eventually


def a_pulse(at: datetime = ELEVEN) -> Envelope[Letter]:
    return Envelope(Letter(1, 0, "heartbeat", Pulse(at=at)))


def test_a_letter_is_in_hand_from_the_moment_it_is_taken_until_the_next_is_asked_for() -> None:
    mailbox = Mailbox("tracker")
    switchboard = Switchboard(MemoryJournal())
    switchboard.register(mailbox, ())
    mailbox.put(a_pulse())
    before = switchboard.in_hand_since(besides="dashboard")

    mailbox.get()

    assert before is None
    assert switchboard.in_hand_since(besides="dashboard") == ELEVEN
    assert switchboard.in_hand_since(besides="tracker") is None


def test_the_letter_an_actor_died_of_is_in_nobodys_hand() -> None:
    mailbox = Mailbox("tracker")
    mailbox.put(a_pulse())
    mailbox.get()

    mailbox.abandon()

    assert mailbox.in_hand_at is None


def test_time_stands_still_while_somebody_is_behind() -> None:
    market = builtin_market(1, shipped_calendar())
    start, end = market.closes_at, market.closes_at + timedelta(seconds=5)
    player = Player(market, PlayedFeed(), start, end)
    clock, caught_up, looked = PlayedClock(start), Event(), Event()

    def is_behind() -> bool:
        looked.set()
        return not caught_up.is_set()

    paced = PacedPlayer(player, clock, 1e6, lambda frame: None, is_behind)
    paced.start()
    assert looked.wait(5.0)
    stood_at = clock.now()
    caught_up.set()

    eventually(lambda: not paced.is_alive(), "the market has come to its end")
    assert stood_at == start
    assert clock.now() == end
