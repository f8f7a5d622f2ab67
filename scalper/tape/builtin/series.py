"""An index through one session: its path by the second, the ticks shown of it, and the candles those ticks make."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from scalper.domain.quotes import MINUTE_US, Candle
from scalper.domain.times import us_from
from scalper.tape.builtin.contracts import TICK_SIZE_PAISE
from scalper.tape.builtin.indices import SECONDS
from scalper.tape.builtin.noise import Floats, Hashes, Ints, hashed, spaced_us, uniforms

#: Ticks of an index in a minute.
TICKS_MIN, TICKS_MAX = 60, 66
#: Two neighbours are at most 1.8 s apart with this shift.
_JITTER_RATIO = 0.4
_COUNTS, _TIMES = 31, 32


class IndexSeries:
    """One index, one session.

    Attributes:
        path: The index in paise, not rounded, one point a second: (minutes x 60 + 1,).
        counts: Ticks of each minute, (minutes,).
        offsets_us: Their times since the open, (minutes, 66), padded by repeating the last.
        ltp_paise: Their values on the tick, same shape and padding.
        candles: What the ticks make of each minute.
    """

    def __init__(self, salt: Hashes, number: int, path: Floats, opens_at: datetime, still_us: int) -> None:
        """Show the path as ticks; from `still_us` after the open the shown value stands still."""
        minutes = (len(path) - 1) // SECONDS
        self.path = path
        self.counts = _tick_counts(salt, number, minutes)
        starts = np.arange(minutes)[:, None] * MINUTE_US
        self.offsets_us = starts + _times(salt, number, self.counts)
        values = value_at(path[None, :], np.zeros(1, dtype=np.int64), np.minimum(self.offsets_us, still_us))
        self.ltp_paise = (np.rint(values / TICK_SIZE_PAISE) * TICK_SIZE_PAISE).astype(np.int64)
        self.candles = _candles(us_from(opens_at) + starts[:, 0], self.ltp_paise)

    def ranges(self) -> Floats:
        """High less low of the path in each minute as a share of its first value, (minutes,)."""
        by_minute = self.path[:-1].reshape(-1, SECONDS)
        result: Floats = np.ptp(by_minute, axis=1) / by_minute[:, 0]
        return result


def value_at(paths: Floats, rows: Ints, offsets_us: Ints) -> Floats:
    """Values of paths between their points of whole seconds.

    Args:
        paths: One path a row, one point a second.
        rows: Which path; broadcasts against `offsets_us`.
        offsets_us: Microseconds since the first point, inside the path.
    """
    seconds = offsets_us // 1_000_000
    share = (offsets_us - seconds * 1_000_000) / 1e6
    before = paths[rows, seconds]
    result: Floats = before + (paths[rows, np.minimum(seconds + 1, paths.shape[1] - 1)] - before) * share
    return result


def _tick_counts(salt: Hashes, number: int, minutes: int) -> Ints:
    chance = uniforms(hashed(hashed(hashed(salt, np.array([_COUNTS])), np.array([number])), np.arange(minutes)))
    result: Ints = TICKS_MIN + (chance * (TICKS_MAX - TICKS_MIN + 1)).astype(np.int64)
    return result


def _times(salt: Hashes, number: int, counts: Ints) -> Ints:
    minutes = hashed(hashed(hashed(salt, np.array([_TIMES])), np.array([number])), np.arange(len(counts)))
    jitter = uniforms(hashed(minutes[:, None], np.arange(TICKS_MAX)[None, :]))
    return spaced_us(counts[:, None], jitter, _JITTER_RATIO)


def _candles(start_us: Ints, ltp_paise: Ints) -> tuple[Candle, ...]:
    columns = (start_us, ltp_paise[:, 0], ltp_paise.max(axis=1), ltp_paise.min(axis=1), ltp_paise[:, -1])
    return tuple(map(Candle, *(column.tolist() for column in columns)))
