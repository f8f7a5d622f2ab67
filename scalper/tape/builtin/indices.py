"""How the three indices move: regimes of trend and chop, a day that is loud at both ends, and one common factor.

A day is made of seconds. The common factor draws a regime (a drift, or a pull back to a level), a volatility for each
minute and a step for each second; each index takes its share of the common step and adds one of its own. All shapes and
rates below were set so that one-minute ranges, fat tails, the share of trending minutes and the range of the day lie
where those of recorded NIFTY days lie.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from scalper.tape.builtin.noise import Floats, Hashes, hashed, normals, uniforms

#: Seconds in a minute: the path has one point a second.
SECONDS = 60
#: Minutes of an ordinary session, the yardstick of a minute's volatility.
SESSION_MINUTES = 375
TRADING_DAYS = 252
#: Share of a day's variance that falls into the session; the rest comes overnight, as a gap.
SESSION_SHARE = 0.75
#: What the steps themselves make of the session's deviation; trends add the rest.
_STEP_RATIO = 0.86
#: Pull back to the level of a chop, share of the distance a minute.
_CHOP_PULL = 0.08
#: Memory and size of the volatility's own wandering from minute to minute (logarithm).
_VOLATILITY_MEMORY = 0.93
_VOLATILITY_SHOCK = 0.15
#: Purposes of the common random numbers; a security's own are under its id.
_REGIMES, _VOLATILITY, _STEPS, _OWN = 1, 2, 3, 4


class Regime(IntEnum):
    """What the market is doing for a while."""

    CHOP = 0
    TREND_UP = 1
    TREND_DOWN = 2
    FAST_UP = 3
    FAST_DOWN = 4


class RegimeRule(NamedTuple):
    """How long a regime lasts (minutes), what it does, and what follows it.

    `drift` is in deviations of the minute's step without `volatility`, which is the regime's factor on it; `following`
    are weights by Regime.
    """

    minutes_min: int
    minutes_max: int
    drift: tuple[float, float]
    volatility: float
    following: tuple[float, float, float, float, float]


RULES = {
    Regime.CHOP: RegimeRule(15, 80, (0.0, 0.0), 0.88, (0.0, 0.44, 0.44, 0.06, 0.06)),
    Regime.TREND_UP: RegimeRule(15, 90, (0.07, 0.27), 1.0, (0.62, 0.0, 0.26, 0.06, 0.06)),
    Regime.TREND_DOWN: RegimeRule(15, 90, (-0.07, -0.27), 1.08, (0.62, 0.26, 0.0, 0.06, 0.06)),
    Regime.FAST_UP: RegimeRule(3, 8, (0.5, 1.0), 1.9, (0.50, 0.25, 0.25, 0.0, 0.0)),
    Regime.FAST_DOWN: RegimeRule(3, 8, (-0.5, -1.0), 2.1, (0.50, 0.25, 0.25, 0.0, 0.0)),
}
_FIRST_WEIGHTS = (0.30, 0.33, 0.33, 0.02, 0.02)


class CommonDay(NamedTuple):
    """The factor all indices share, for one day.

    Attributes:
        steps: Logarithmic steps, shape (minutes, 60), one a second.
        volatility: Deviation of each minute's own step (logarithmic), shape (minutes,).
        regimes: What the market was doing, one for each minute.
    """

    steps: Floats
    volatility: Floats
    regimes: tuple[Regime, ...]


def ordinary_move(sigma: float) -> float:
    """Deviation of the logarithmic move of an average minute at a volatility of `sigma` a year."""
    return sigma * math.sqrt(SESSION_SHARE / TRADING_DAYS / SESSION_MINUTES)


def common_day(salt: Hashes, minutes: int, sigma: float) -> CommonDay:
    """The common factor of one day.

    Args:
        salt: Hash of seed and day, shape (1,).
        minutes: Length of the session.
        sigma: Volatility of the day, a fraction per year.
    """
    ordinary = ordinary_move(sigma)
    spans = list(_regime_spans(hashed(salt, np.array([_REGIMES])), minutes))
    regimes = tuple(regime for regime, _, length in spans for _ in range(length))[:minutes]
    drifts = np.concatenate([np.full(length, drift) for _, drift, length in spans])[:minutes]
    factors = np.array([RULES[regime].volatility for regime in regimes])
    wander = _wander(hashed(salt, np.array([_VOLATILITY])), minutes)
    volatility = ordinary * _STEP_RATIO * factors * day_shape(minutes) * wander
    noise = _second_noise(hashed(salt, np.array([_STEPS])), minutes)
    steps = noise * (volatility / SECONDS**0.5)[:, None]
    steps += (_with_pull(drifts * volatility / factors, regimes, steps.sum(axis=1)) / SECONDS)[:, None]
    return CommonDay(steps, volatility, regimes)


def index_path(
    salt: Hashes, common: CommonDay, *, number: int, market_beta: float, own_ratio: float, first_level: float
) -> Floats:
    """One index through the day, in paise (not rounded): one point a second, shape (minutes x 60 + 1,).

    Args:
        salt: Hash of seed and day, shape (1,).
        common: The day's common factor.
        number: The security id: its own steps hang on it.
        market_beta: Share of the common step.
        own_ratio: Deviation of the own step, as a share of the common one's.
        first_level: The first point.
    """
    minutes = len(common.volatility)
    noise = _second_noise(hashed(hashed(salt, np.array([_OWN])), np.array([number])), minutes)
    own = noise * (common.volatility * own_ratio / SECONDS**0.5)[:, None]
    steps = (common.steps * market_beta + own).ravel()
    path: Floats = first_level * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    return path


def day_shape(minutes: int) -> Floats:
    """Volatility through the session, mean square 1: a burst at the open, a quiet noon, a livelier afternoon."""
    now = np.arange(minutes) + 0.5
    left = minutes - now
    noon = np.exp(-(((now - 0.47 * minutes) / (0.2 * minutes)) ** 2))
    shape = 0.95 + 1.1 * np.exp(-now / 5) + 0.75 * np.exp(-now / 28) - 0.14 * noon + 0.35 * np.exp(-left / 35)
    result: Floats = shape / np.sqrt(np.mean(shape**2))
    return result


def _regime_spans(salt: Hashes, minutes: int) -> Iterator[tuple[Regime, float, int]]:
    """Regime, drift and length one after the other, until `minutes` are covered."""
    weights, covered, number = _FIRST_WEIGHTS, 0, 0
    while covered < minutes:
        choice, length, strength = uniforms(hashed(salt, np.arange(3 * number, 3 * number + 3))).tolist()
        regime = Regime(int(np.searchsorted(np.cumsum(weights), choice * sum(weights), side="right")))
        rule = RULES[regime]
        span = int(rule.minutes_min + length * (rule.minutes_max - rule.minutes_min + 1))
        yield regime, rule.drift[0] + strength * (rule.drift[1] - rule.drift[0]), span
        weights, covered, number = rule.following, covered + span, number + 1


def _wander(salt: Hashes, minutes: int) -> Floats:
    """The volatility's own wandering, a factor for each minute around 1."""
    shocks = normals(hashed(salt, np.arange(minutes))) * _VOLATILITY_SHOCK
    level, levels = float(shocks[0]) * 2, []
    for shock in shocks.tolist():
        level = _VOLATILITY_MEMORY * level + shock
        levels.append(level)
    mean_square = _VOLATILITY_SHOCK**2 / (1 - _VOLATILITY_MEMORY**2)
    result: Floats = np.exp(np.array(levels) - mean_square)
    return result


def _second_noise(salt: Hashes, minutes: int) -> Floats:
    counters = hashed(hashed(salt, np.arange(minutes))[:, None], np.arange(SECONDS)[None, :])
    return normals(counters)


def _with_pull(drifts: Floats, regimes: tuple[Regime, ...], moves: Floats) -> Floats:
    """The drift of each minute; in a chop it pulls back to the level at which the chop began."""
    level = anchor = 0.0
    before = None
    pulled = []
    for drift, regime, move in zip(drifts.tolist(), regimes, moves.tolist(), strict=True):
        if regime != before:
            anchor, before = level, regime
        pull = _CHOP_PULL * (anchor - level) if regime is Regime.CHOP else drift
        pulled.append(pull)
        level += pull + move
    return np.array(pulled)
