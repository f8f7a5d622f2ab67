"""How much is traded and how much is open: most at the money, more in fast minutes, more at round strikes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalper.tape.builtin.noise import Floats, Hashes, Ints, hashed, quarters, uniforms

#: Strikes over which volume falls to 1/e, out of and in the money.
_VOLUME_OUT, _VOLUME_IN = 9.0, 1.8
#: The same of open interest.
_OPEN_OUT, _OPEN_IN = 8.0, 4.5
#: Open interest of strikes divisible by ten and by two steps, against the others.
_ROUND_TEN, _ROUND_TWO = 1.7, 1.2
#: What a contract's volume of the day adds to, or takes from, its open interest.
_KEPT_MIN, _KEPT_MAX = -0.004, 0.012
#: The exchange publishes open interest every three minutes; it never falls under a fifth of the morning's.
_OPEN_EVERY_MINUTES, _OPEN_FLOOR = 3, 0.2
_VOLUME, _OPEN = 21, 22


class Flows(NamedTuple):
    """Lots of each contract through the day.

    Attributes:
        traded: Lots traded before each minute, shape (contracts, minutes + 1).
        open_interest: Lots open in each minute, shape (contracts, minutes).
    """

    traded: Ints
    open_interest: Ints


def flows(
    salt: Hashes,
    *,
    security_ids: Ints,
    is_call: NDArray[np.bool_],
    strike: Floats,
    strike_step: Floats,
    minute_paise: Floats,
    speed: Floats,
    volume_lots: Floats,
    open_interest_lots: Floats,
) -> Flows:
    """Volume and open interest of all contracts.

    Args:
        salt: Hash of seed and day, shape (1,).
        security_ids, is_call, strike, strike_step, volume_lots, open_interest_lots: Of each contract, (contracts, 1).
        minute_paise: Its index at the start of each minute, (contracts, minutes).
        speed: Range of its index's minute over that of an ordinary one, (contracts, minutes).
    """
    minutes = np.arange(minute_paise.shape[1])[None, :]
    steps_out = (strike - minute_paise) / strike_step * np.where(is_call, 1.0, -1.0)
    chance = uniforms(hashed(hashed(hashed(salt, np.array([_VOLUME])), security_ids), minutes))
    lots = volume_lots * _falling(steps_out, _VOLUME_OUT, _VOLUME_IN) * (0.35 + 0.65 * speed) * (0.6 + 0.8 * chance)
    traded = np.concatenate([np.zeros_like(security_ids), np.cumsum(lots.astype(np.int64), axis=1)], axis=1)
    size, kept, _, _ = quarters(hashed(hashed(salt, np.array([_OPEN])), security_ids))
    start = open_interest_lots * _falling(steps_out[:, :1], _OPEN_OUT, _OPEN_IN) * (0.8 + 0.4 * size)
    start *= _roundness(strike, strike_step)
    added = (_KEPT_MIN + kept * (_KEPT_MAX - _KEPT_MIN)) * traded[
        :, minutes[0] // _OPEN_EVERY_MINUTES * _OPEN_EVERY_MINUTES
    ]
    return Flows(traded, np.maximum(start + added, start * _OPEN_FLOOR).astype(np.int64) + 1)


def _falling(steps_out: Floats, out: float, into: float) -> Floats:
    result: Floats = np.exp(-np.abs(steps_out) / np.where(steps_out >= 0, out, into))
    return result


def _roundness(strike: Floats, strike_step: Floats) -> Floats:
    steps = np.rint(strike / strike_step).astype(np.int64)
    result: Floats = np.where(steps % 10 == 0, _ROUND_TEN, np.where(steps % 2 == 0, _ROUND_TWO, 1.0))
    return result
