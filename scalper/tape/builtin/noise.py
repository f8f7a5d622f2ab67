"""Chance by counting: the same counters always give the same number, in whatever order they are asked.

A generator object would have to be drawn from in order; a hash of (seed, security, minute, number) needs no order, so
any minute of any security can be made alone and again. Only integer arithmetic and additions of floats are used, so the
numbers do not depend on the machine's mathematics library.

Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalper.domain.quotes import MINUTE_US

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_WORD = (1 << 64) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
#: Standard deviation of the sum of four uniforms on 0..65535.
_QUARTERS_SD = (4 * (65536.0**2 - 1) / 12) ** 0.5


def salt_from(seed: int, *numbers: int) -> Hashes:
    """One hash, shape (1,), of a seed of any size and sign and of what tells its use."""
    salt = _mixed(np.array([seed & _WORD], dtype=np.uint64) + _GOLDEN)
    for number in numbers:
        salt = hashed(salt, np.array([number], dtype=np.int64))
    return salt


def hashed(salt: Hashes, counters: Ints) -> Hashes:
    """A hash per counter; `salt` and `counters` (at least one dimension each) broadcast."""
    return _mixed(salt + (counters.astype(np.uint64) + np.uint64(1)) * _GOLDEN)


def uniforms(hashes: Hashes) -> Floats:
    """One number in [0, 1) of each hash, from its upper 53 bits."""
    result: Floats = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result


def quarters(hashes: Hashes) -> tuple[Floats, Floats, Floats, Floats]:
    """Four numbers in [0, 1) of each hash, independent of each other, with 16 bits each."""
    words = [
        ((hashes >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64) / 65536.0 for shift in (0, 16, 32, 48)
    ]
    return words[0], words[1], words[2], words[3]


def normals(hashes: Hashes) -> Floats:
    """One number of each hash, mean 0, variance 1, bell-shaped, never beyond 3.47."""
    total = np.zeros(hashes.shape)
    for shift in (0, 16, 32, 48):
        total += ((hashes >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64)
    result: Floats = (total - 4 * 65535 / 2) / _QUARTERS_SD
    return result


def spaced_us(counts: Ints, jitter: Floats, jitter_ratio: float) -> Ints:
    """Times of ticks within their minute, evenly spaced with jitter.

    Args:
        counts: Ticks of each row, shape (rows, 1).
        jitter: Numbers in [0, 1), shape (rows, columns); columns at or beyond a row's count are padding.
        jitter_ratio: Largest shift from the even place, as a share of the spacing; below 0.5, so that order holds.

    Returns:
        Microseconds since the start of the minute, ascending in each row; padding repeats the row's last tick.
    """
    columns = np.minimum(np.arange(jitter.shape[1])[None, :], counts - 1)
    shifts = np.take_along_axis(jitter, columns, axis=1) * 2 - 1
    result: Ints = ((columns + 0.5 + shifts * jitter_ratio) / counts * MINUTE_US).astype(np.int64)
    return result


def _mixed(words: Hashes) -> Hashes:
    # The finaliser of splitmix64: every bit of the input flips half of the output.
    words = (words ^ (words >> np.uint64(30))) * _MIX_1
    words = (words ^ (words >> np.uint64(27))) * _MIX_2
    return words ^ (words >> np.uint64(31))
