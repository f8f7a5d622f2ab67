"""Pulses from a clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from freezegun import freeze_time

from scalper.runtime.clock import PlayedClock, WallClock
from scalper.runtime.heartbeat import PULSE_EVERY, Heartbeat, Pulse
from tests.runtime.specimens import AT, IST, Notebook, eventually, thread_names


class SteppingClock:
    """Moves on a second whenever it is read."""

    def __init__(self) -> None:
        self._now = AT

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class SetClock:
    """Shows what the test sets, backwards too."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        return self.at


def after_ms(count: int) -> datetime:
    return AT + timedelta(milliseconds=count)


@pytest.mark.parametrize(
    ("read_at_ms", "pulses_at_ms"),
    [
        ([0], [0]),
        ([0, 249, 250], [0, 250]),
        ([0, 100, 300, 500, 550], [0, 300, 550]),
        ([0, 0, 0], [0]),
        ([0, 5_000, 5_100], [0, 5_000]),
    ],
)
def test_a_pulse_comes_with_every_quarter_second_of_market_time_and_says_when_it_is(
    read_at_ms: list[int], pulses_at_ms: list[int]
) -> None:
    clock = PlayedClock(AT)
    pulses: list[Pulse] = []
    heartbeat = Heartbeat(clock, pulses.append, wall_every_s=1.0)

    for count in read_at_ms:
        clock.set(after_ms(count))
        heartbeat.beat()

    assert [pulse.at for pulse in pulses] == [after_ms(count) for count in pulses_at_ms]


def test_a_clock_set_back_does_not_silence_the_pulse() -> None:
    clock = SetClock()
    pulses: list[Pulse] = []
    heartbeat = Heartbeat(clock, pulses.append, wall_every_s=1.0)
    heartbeat.beat()

    clock.at = AT - timedelta(hours=1)
    heartbeat.beat()
    clock.at += PULSE_EVERY
    heartbeat.beat()

    assert len(pulses) == 3


def test_under_a_frozen_clock_a_pulse_comes_only_when_it_is_moved() -> None:
    pulses: list[Pulse] = []
    heartbeat = Heartbeat(WallClock(IST), pulses.append, wall_every_s=1.0)

    with freeze_time("2026-01-13 09:44:59") as frozen:
        heartbeat.beat()
        heartbeat.beat()
        frozen.tick(1)
        heartbeat.beat()

    assert [pulse.at.strftime("%H:%M:%S %z") for pulse in pulses] == ["15:14:59 +0530", "15:15:00 +0530"]


def test_a_thread_beats_until_it_is_stopped() -> None:
    notebook = Notebook()
    heartbeat = Heartbeat(SteppingClock(), lambda pulse: notebook.write("pulse", pulse.at), wall_every_s=0.0)

    heartbeat.start()
    pulses = notebook.wait_for("pulse", count=3)
    heartbeat.stop()

    assert pulses[0] == ("pulse", AT + timedelta(seconds=1))
    count = len(notebook.lines("pulse"))
    heartbeat_threads = [thread for thread in thread_names() if thread == "heartbeat"]
    assert (heartbeat_threads, len(notebook.lines("pulse"))) == ([], count)


def test_a_heartbeat_that_never_started_can_be_stopped() -> None:
    Heartbeat(SteppingClock(), lambda pulse: None, wall_every_s=1.0).stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heartbeat_that_can_no_longer_send_says_so_for_nothing_else_would() -> None:
    notebook = Notebook()

    def broken(pulse: Pulse) -> None:
        raise OSError("no room")

    heartbeat = Heartbeat(
        SteppingClock(), broken, wall_every_s=0.0, failed=lambda reason: notebook.write("failed", reason)
    )
    heartbeat.start()

    assert notebook.wait_for("failed") == [("failed", "the heartbeat has stopped: no rule of time holds any more")]
    eventually(lambda: "heartbeat" not in thread_names(), "the heartbeat still runs")
    heartbeat.stop()


def test_a_stopped_heartbeat_has_not_failed() -> None:
    notebook = Notebook()
    heartbeat = Heartbeat(
        SteppingClock(),
        lambda pulse: notebook.write("pulse"),
        wall_every_s=0.0,
        failed=lambda reason: notebook.write("failed", reason),
    )

    heartbeat.start()
    notebook.wait_for("pulse")
    heartbeat.stop()

    assert notebook.lines("failed") == []


def test_a_played_clock_never_goes_back() -> None:
    clock = PlayedClock(AT)

    clock.set(AT + timedelta(seconds=5))
    clock.set(AT + timedelta(seconds=2))

    assert clock.now() == AT + timedelta(seconds=5)
