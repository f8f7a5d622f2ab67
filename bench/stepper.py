"""The way of a tick through the whole tree on the Stepper, and of an exit, held against the bare rules."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic_ns, process_time

from bench.figures import Figure, ms_between, percentile
from bench.ground import BASE_PAISE, Ground, a_ground, entry_of, tick_of
from scalper.actors.messages.feed import FeedFrame
from scalper.actors.messages.orders import OrderAccepted
from scalper.actors.messages.positions import PositionOpened
from scalper.app import child_specs
from scalper.desk import exit_rules
from scalper.domain.exits import Mark, Situation, decide_exit
from scalper.domain.pnl import pnl_paise
from scalper.domain.positions import PositionSide
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from scalper.domain.trailing import first_trail, raised, target_of
from scalper.runtime.heartbeat import PULSE_EVERY, Pulse
from scalper.runtime.stepper import Stepper

#: Frames of one tick each; a peak is set before them, so that none of them moves a stop and no commit is among them.
FRAMES = 20_000
FRAME_EVERY = timedelta(milliseconds=50)
#: Pulses, each after a tick of every held security, as in a market that lives.
PULSES = 400
_PEAK_PAISE = 103_00
_STEP_PAISE = 5
#: Far below a stop of 30 %.
CROSSED_PAISE = 60_00


def measure(days: Sequence[Path]) -> list[Figure]:
    """The tick path with 1 and with 20 open positions, the pulse, the exit, and the peer."""
    figures = [figure for count in (1, 20) for figure in _tree(count)]
    return figures + _ratios(figures, _bare_rules_us())


def _tree(count: int) -> list[Figure]:
    with a_ground(PositionOpened, OrderAccepted) as ground, _stepped(ground, count) as stepper:
        frames = list(_frames(ground, count, stepper.at))
        letters = ground.switchboard.seq
        tick_us = _tick_us(stepper, frames)
        letters = ground.switchboard.seq - letters
        pulse_us = _pulse_us(ground, stepper, count)
        exits_ms = list(_exits_ms(ground, stepper, count))
    held = f"{count} open"
    return [
        Figure(name=f"{held}: a tick, all letters handled", value=tick_us, unit="us"),
        Figure(name=f"{held}: ticks a second of processor", value=1e6 / tick_us, unit="1/s"),
        Figure(name=f"{held}: a letter", value=tick_us * FRAMES / letters, unit="us"),
        Figure(name=f"{held}: a pulse", value=pulse_us, unit="us"),
        Figure(name=f"{held}: an exit, tick to order taken, p50 wall", value=percentile(exits_ms, 50), unit="ms"),
    ]


@contextmanager
def _stepped(ground: Ground, count: int) -> Iterator[Stepper]:
    """The tree with so many open positions, each with its peak behind it."""
    stepper = Stepper(
        ground.switchboard,
        child_specs(ground.desk, ground.ports),
        at=ground.start,
        on_start=ground.journal.started,
        on_crash=ground.journal.crashed,
    )
    stepper.start()
    stepper.settle(fail_fast=True)
    held = ground.options[:count]
    at = ground.start
    for number, option in enumerate(held, start=1):
        stepper.tell("entry_guard", entry_of(number, option, at))
    for price_paise in (BASE_PAISE, BASE_PAISE, _PEAK_PAISE):
        at += PULSE_EVERY
        stepper.tell("feed", FeedFrame(at=at, ticks=tuple(tick_of(one, price_paise, us_from(at)) for one in held)))
        stepper.tell("heartbeat", Pulse(at=at))
        stepper.settle(fail_fast=True)
    opened = sum((PositionOpened, number + 1) in ground.notes.passed_ns for number in range(count))
    assert opened == count, f"{opened} of {count} positions are open"
    gc.collect()
    gc.freeze()
    yield stepper
    stepper.stop()


def _tick_us(stepper: Stepper, frames: Sequence[FeedFrame]) -> float:
    """Processor microseconds a frame, all letters that follow from it handled."""
    began_s = process_time()
    for frame in frames:
        stepper.tell("feed", frame)
        stepper.settle(fail_fast=True)
    return (process_time() - began_s) * 1e6 / len(frames)


def _pulse_us(ground: Ground, stepper: Stepper, count: int) -> float:
    """Processor microseconds a pulse: the sweep of what is held, its circuit, its mirror in Redis."""
    spent_s = 0.0
    for _ in range(PULSES):
        at = stepper.at + PULSE_EVERY
        ticks = tuple(tick_of(option, BASE_PAISE, us_from(at)) for option in ground.options[:count])
        stepper.tell("feed", FeedFrame(at=at, ticks=ticks))
        stepper.settle(fail_fast=True)
        began_s = process_time()
        stepper.tell("heartbeat", Pulse(at=at))
        stepper.settle(fail_fast=True)
        spent_s += process_time() - began_s
    return spent_s * 1e6 / PULSES


def _exits_ms(ground: Ground, stepper: Stepper, count: int) -> Iterator[float]:
    """Milliseconds on the wall from the frame that crosses a stop to the letter that says the order is taken."""
    for number, option in enumerate(ground.options[:count], start=1):
        at = stepper.at + PULSE_EVERY
        frame = FeedFrame(at=at, ticks=(tick_of(option, CROSSED_PAISE, us_from(at)),))
        ground.notes.passed_ns.clear()
        began_ns = monotonic_ns()
        stepper.tell("feed", frame)
        stepper.settle(fail_fast=True)
        yield ms_between(began_ns, ground.notes.passed_ns[OrderAccepted, number])
        # The paper exchange fills it a while later: that is not to be part of the next one.
        stepper.tell("heartbeat", Pulse(at=at + PULSE_EVERY))
        stepper.settle(fail_fast=True)


def _frames(ground: Ground, count: int, start: datetime) -> Iterator[FeedFrame]:
    at = start
    for place, price_paise in _walk(count):
        at += FRAME_EVERY
        yield FeedFrame(at=at, ticks=(tick_of(ground.options[place], price_paise, us_from(at)),))


def _walk(count: int) -> Iterator[tuple[int, int]]:
    """Security and price of each tick: below the peak and far above every stop."""
    chance = random.Random(count)
    prices = [BASE_PAISE] * count
    for _ in range(FRAMES):
        place = chance.randrange(count)
        wanted = prices[place] + chance.choice((-_STEP_PAISE, _STEP_PAISE))
        prices[place] = min(max(wanted, BASE_PAISE), _PEAK_PAISE)
        yield place, prices[place]


def _bare_rules_us() -> float:
    """The peer: the same ticks of one position through the rules alone, as plain calls."""
    with a_ground() as ground:
        rules, session, option = exit_rules(ground.desk.config), ground.desk.session, ground.options[0]
        ticks = [(frame.at, frame.ticks[0]) for frame in _frames(ground, 1, ground.start)]
    trail = first_trail(BASE_PAISE, rules, option.tick_size_paise)
    target = target_of(BASE_PAISE, rules, option.tick_size_paise)

    def decide(at: datetime, tick: Tick) -> None:
        nonlocal trail
        pnl_paise(entry_price_paise=BASE_PAISE, ltp_paise=tick.ltp_paise, quantity=option.lot_size)
        trail = raised(trail, entry_paise=BASE_PAISE, quantity=option.lot_size, ltp_paise=tick.ltp_paise, rules=rules)
        mark = Mark(
            entry_paise=BASE_PAISE,
            quantity=option.lot_size,
            ltp_paise=tick.ltp_paise,
            is_price_fresh=True,
            trail=trail,
            target_paise=target,
            side=PositionSide.LONG_CE,
        )
        decide_exit(
            mark, Situation(at=at, session_end_at=session.session_end_at, time_exit_at=session.time_exit_at), rules
        )

    began_s = process_time()
    for at, tick in ticks:
        decide(at, tick)
    return (process_time() - began_s) * 1e6 / len(ticks)


def _ratios(figures: Sequence[Figure], bare_us: float) -> list[Figure]:
    ticks = [figure for figure in figures if figure.name.endswith("a tick, all letters handled")]
    return [
        Figure(name="peer: the rules alone, a tick", value=bare_us, unit="us"),
        *(Figure(name=f"{figure.name} / peer", value=figure.value / bare_us) for figure in ticks),
    ]
