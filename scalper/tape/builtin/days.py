"""Yesterday and today of the three indices: where they stand, how wild the days are, and the gap between them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np

from scalper.domain.times import us_from
from scalper.tape.builtin.contracts import INDICES
from scalper.tape.builtin.indices import TRADING_DAYS, common_day, index_path
from scalper.tape.builtin.noise import Hashes, hashed, normals, salt_from, uniforms
from scalper.tape.builtin.series import IndexSeries

#: Volatility of a day: its middle, how far days differ (logarithm), and its limits.
_SIGMA, _SIGMA_SPREAD, _SIGMA_MIN, _SIGMA_MAX = 0.13, 0.2, 0.11, 0.19
#: How far yesterday's volatility was from today's (logarithm).
_SIGMA_CHANGE = 0.12
#: Overnight deviation as a share of a day's, how often a night is a wild one, and how much wider that one is.
_GAP_RATIO, _GAP_WILD_SHARE, _GAP_WILD_FACTOR = 0.38, 0.09, 2.6
#: How far the common level, and each index beside it, may stand from its usual place (logarithm).
_LEVEL_SPREAD, _LEVEL_OWN_SPREAD = 0.03, 0.005
#: Purposes of random numbers.
_DAY, _TODAY, _YESTERDAY, _SIGMAS, _LEVELS, _GAPS = 51, 52, 53, 54, 55, 56


class Session(NamedTuple):
    """When a session starts, how many minutes it has, and from when the index values shown stand still."""

    opens_at: datetime
    minutes: int
    stands_still_from: datetime


class Days(NamedTuple):
    """The indices of two sessions, in the order of INDICES.

    Attributes:
        salt: Hash of seed and day, shape (1,), for what else is made of that day.
        sigma: Today's volatility, a fraction per year.
    """

    salt: Hashes
    sigma: float
    yesterday: tuple[IndexSeries, ...]
    today: tuple[IndexSeries, ...]


def days_from(seed: int, *, today: Session, yesterday: Session) -> Days:
    """The two days of a seed: today opens where yesterday closed, after a gap."""
    salt = salt_from(seed, _DAY, today.opens_at.toordinal())
    now, change = normals(hashed(_of(salt, _SIGMAS), np.arange(2))).tolist()
    sigma = _clipped_sigma(_SIGMA, _SIGMA_SPREAD * now)
    sigma_before = _clipped_sigma(sigma, _SIGMA_CHANGE * change)
    before = _day_series(_of(salt, _YESTERDAY), yesterday, sigma_before, _levels(_of(salt, _LEVELS)))
    gaps = _gaps(_of(salt, _GAPS), sigma)
    opens = [float(series.path[-1]) * gap for series, gap in zip(before, gaps, strict=True)]
    return Days(salt, sigma, before, _day_series(_of(salt, _TODAY), today, sigma, opens))


def _day_series(salt: Hashes, session: Session, sigma: float, first_levels: list[float]) -> tuple[IndexSeries, ...]:
    """The three indices of one day on one common factor."""
    common = common_day(salt, session.minutes, sigma)
    still_us = max(us_from(session.stands_still_from) - us_from(session.opens_at), 0)
    series = []
    for spec, level in zip(INDICES, first_levels, strict=True):
        number = int(spec.security_id)
        beta, own = spec.market_beta, spec.own_ratio
        path = index_path(salt, common, number=number, market_beta=beta, own_ratio=own, first_level=level)
        series.append(IndexSeries(salt, number, path, session.opens_at, still_us))
    return tuple(series)


def _levels(salt: Hashes) -> list[float]:
    """Where yesterday's indices opened, in paise."""
    common, *own = normals(hashed(salt, np.arange(len(INDICES) + 1))).tolist()
    logs = [_LEVEL_SPREAD * common + _LEVEL_OWN_SPREAD * each for each in own]
    return [spec.level_rupees * 100 * float(np.exp(log)) for spec, log in zip(INDICES, logs, strict=True)]


def _gaps(salt: Hashes, sigma: float) -> list[float]:
    """What last night did to each index, as factors: mostly little, now and then a lot, mostly in common."""
    hashes = hashed(salt, np.arange(len(INDICES) + 2))
    is_wild = float(uniforms(hashes)[0]) < _GAP_WILD_SHARE
    common, *own = normals(hashes[1:]).tolist()
    scale = sigma / TRADING_DAYS**0.5 * _GAP_RATIO * (_GAP_WILD_FACTOR if is_wild else 1.0)
    moves = [spec.market_beta * common + spec.own_ratio * each for spec, each in zip(INDICES, own, strict=True)]
    return [float(np.exp(scale * move)) for move in moves]


def _clipped_sigma(middle: float, log: float) -> float:
    return float(np.clip(middle * np.exp(log), _SIGMA_MIN, _SIGMA_MAX))


def _of(salt: Hashes, purpose: int) -> Hashes:
    return hashed(salt, np.array([purpose]))
