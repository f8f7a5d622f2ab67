"""From bars to ticks: a seeded path through open, low and high, and close, with quotes around it.

Every number that is made up is a hash of (seed, security, minute, place), so the ticks of one bar never depend on
which other bars were asked for: a resumed run sees the same market.
Source: REQUIREMENTS 21.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.quotes import MINUTE_US, Tick
from scalper.domain.units import BPS

IntArray = npt.NDArray[np.int64]
UintArray = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]

#: Ticks in a minute of an index and of an option: one a second, and one every three seconds.
INDEX_TICKS_PER_MINUTE = 60
OPTION_TICKS_PER_MINUTE = 20
#: Share of the spacing by which a tick may be late: two ticks of an option are never over 3.9 s apart.
_JITTER_RATIO = 0.3
#: How far the path strays from the straight lines between open, low, high and close, in bar ranges per root of ticks.
_STRAY_RATIO = 1.5
#: How often a rising bar makes its low first, and a falling one its high.
_LIKELY_ORDER_RATIO = 0.75
#: Spread of a calm minute, what a fast one adds, and what chance adds, in basis points of the premium.
_SPREAD_CALM_BPS, _SPREAD_FAST_BPS, _SPREAD_CHANCE_BPS = 30, 30, 40
#: A minute whose range is this share of the premium is as fast as spreads care.
_FAST_RANGE_BPS = 500
#: Lots shown at a side: at most these where a bar tells no volume, and at most those where it does.
_LOTS_MAX_WITHOUT_VOLUME, _LOTS_MAX_WITH_VOLUME = 20, 1000

#: Constants of the splitmix64 generator.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Bars(msgspec.Struct, frozen=True):
    """Bars as columns of one length; prices in paise, sorted by (`minute_us`, `position`), no pair twice.

    Attributes:
        minute_us: START of the bar, UTC microseconds.
        position: Place of the security among the day's instruments.
        volume: Units traded in the bar; 0 of an index.
        volume_before: Units traded in the day before the bar.
    """

    minute_us: IntArray
    position: IntArray
    open_paise: IntArray
    high_paise: IntArray
    low_paise: IntArray
    close_paise: IntArray
    volume: IntArray
    volume_before: IntArray
    open_interest: IntArray

    def rows(self, where: slice) -> Bars:
        """The bars of a range of rows."""
        return Bars(*(getattr(self, name)[where] for name in self.__struct_fields__))


class _Columns(msgspec.Struct, frozen=True):
    """Ticks as columns of one length, in the order of the fields of `Tick`; `position` stands for the key."""

    position: IntArray
    at_us: IntArray
    ltp_paise: IntArray
    bid_paise: IntArray
    ask_paise: IntArray
    bid_quantity: IntArray
    ask_quantity: IntArray
    volume: IntArray
    open_interest: IntArray


class TickMaker:
    """Makes the ticks of bars; a pure function of the seed, the instruments and the bar.

    Args:
        seed: Seed of everything that is made up.
        instruments: Indices first, then options; `Bars.position` counts in them.
    """

    def __init__(self, seed: int, instruments: Sequence[Instrument]) -> None:
        self._keys = np.array([each.key for each in instruments], dtype=object)
        self._indices = sum(each.kind is InstrumentKind.INDEX for each in instruments)
        self._ticks_paise = np.array([each.tick_size_paise for each in instruments], dtype=np.int64)
        self._lots = np.array([each.lot_size for each in instruments], dtype=np.int64)
        self._streams = np.array([_stream(seed, each.key) for each in instruments], dtype=np.uint64)
        self._phases = _draws(self._streams, 1)[:, 0] * (1 - _JITTER_RATIO)

    def ticks(self, minute: Bars) -> tuple[Tick, ...]:
        """The ticks of the bars of one minute, by time and then by place among the instruments."""
        split = int(np.searchsorted(minute.position, self._indices))
        index = self._index_columns(minute.rows(slice(0, split)))
        option = self._option_columns(minute.rows(slice(split, None)))
        merged = [np.concatenate((getattr(index, name), getattr(option, name))) for name in _Columns.__struct_fields__]
        order = np.lexsort((merged[0], merged[1]))
        keys = self._keys[merged[0][order]].tolist()
        return tuple(map(Tick, keys, *(column[order].tolist() for column in merged[1:])))

    def _index_columns(self, bars: Bars) -> _Columns:
        count = INDEX_TICKS_PER_MINUTE
        chance = _draws(self._states(bars), 3 + 2 * count)
        ltp = _paths(bars, self._ticks_paise[bars.position], chance[:, : 3 + count])
        none = np.zeros(ltp.size, dtype=np.int64)
        return _Columns(
            position=np.repeat(bars.position, count),
            at_us=self._times(bars, chance[:, 3 + count :]).ravel(),
            ltp_paise=ltp.ravel(),
            bid_paise=none,
            ask_paise=none,
            bid_quantity=none,
            ask_quantity=none,
            volume=none,
            open_interest=none,
        )

    def _option_columns(self, bars: Bars) -> _Columns:
        count = OPTION_TICKS_PER_MINUTE
        chance = _draws(self._states(bars), 3 + 6 * count)
        jitter, width, place, bid_size, ask_size = (chance[:, 3 + k * count : 3 + (k + 1) * count] for k in range(1, 6))
        tick, lot = self._ticks_paise[bars.position], self._lots[bars.position]
        ltp = _paths(bars, tick, chance[:, : 3 + count])
        bid, ask = _quotes(bars, ltp, tick[:, None], width, place)
        lots_max = _lots_max(bars, lot)
        return _Columns(
            position=np.repeat(bars.position, count),
            at_us=self._times(bars, jitter).ravel(),
            ltp_paise=ltp.ravel(),
            bid_paise=bid.ravel(),
            ask_paise=ask.ravel(),
            bid_quantity=np.where(bid > 0, _sizes(lots_max, lot, bid_size), 0).ravel(),
            ask_quantity=_sizes(lots_max, lot, ask_size).ravel(),
            volume=_volumes(bars, lot).ravel(),
            open_interest=np.repeat(bars.open_interest, count),
        )

    def _states(self, bars: Bars) -> UintArray:
        """The state of the generator of each bar: one per (seed, security, minute)."""
        minutes = (bars.minute_us // MINUTE_US).astype(np.uint64)
        return _mixed(self._streams[bars.position] + minutes * _GOLDEN)

    def _times(self, bars: Bars, jitter: FloatArray) -> IntArray:
        """Evenly spaced with jitter; each security has its own phase, kept all day so that no gap opens at a minute."""
        count = jitter.shape[1]
        places = np.arange(count) + self._phases[bars.position][:, None] + jitter * _JITTER_RATIO
        times: IntArray = bars.minute_us[:, None] + (places * (MINUTE_US / count)).astype(np.int64)
        return times


def _stream(seed: int, key: str) -> int:
    """64 bits of one security under one seed, equal on every machine."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{key}".encode(), digest_size=8).digest(), "little")


def _mixed(state: UintArray) -> UintArray:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def _draws(states: UintArray, count: int) -> FloatArray:
    """`count` numbers in [0, 1) for each state, shape (states, count)."""
    places = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return (_mixed(states[:, None] + places) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _paths(bars: Bars, tick: IntArray, chance: FloatArray) -> IntArray:
    """Last prices of each bar, shape (bars, ticks): from open to close, touching low and high, never outside them.

    A random walk is bent so that it meets the four prices at their places, then put on the tick.
    """
    count = chance.shape[1] - 3
    anchors, prices = _anchors(bars, chance[:, :3], count)
    ranges = (bars.high_paise - bars.low_paise)[:, None] * (_STRAY_RATIO / count**0.5)
    walk = np.cumsum(chance[:, 3:] - 0.5, axis=1) * ranges
    bends = prices - np.take_along_axis(walk, anchors, axis=1)
    places = np.arange(count)
    leg = (places >= anchors[:, 1:2]).astype(np.int64) + (places >= anchors[:, 2:3])
    left, right = np.take_along_axis(anchors, leg, axis=1), np.take_along_axis(anchors, leg + 1, axis=1)
    bend_left, bend_right = np.take_along_axis(bends, leg, axis=1), np.take_along_axis(bends, leg + 1, axis=1)
    path = walk + bend_left + (bend_right - bend_left) * ((places - left) / (right - left))
    on_tick = np.rint(path / tick[:, None]).astype(np.int64) * tick[:, None]
    inside: IntArray = np.clip(on_tick, bars.low_paise[:, None], bars.high_paise[:, None])
    np.put_along_axis(inside, anchors, prices, axis=1)
    return inside


def _anchors(bars: Bars, chance: FloatArray, count: int) -> tuple[IntArray, IntArray]:
    """Places and prices of open, first extreme, second extreme and close, each of shape (bars, 4)."""
    direction = np.sign(bars.close_paise - bars.open_paise)
    is_low_first = chance[:, 0] < 0.5 + direction * (_LIKELY_ORDER_RATIO - 0.5)
    first = 1 + (chance[:, 1] * (count - 3)).astype(np.int64)
    second = first + 1 + (chance[:, 2] * (count - 2 - first)).astype(np.int64)
    places = np.stack((np.zeros_like(first), first, second, np.full_like(first, count - 1)), axis=1)
    extreme_1 = np.where(is_low_first, bars.low_paise, bars.high_paise)
    extreme_2 = np.where(is_low_first, bars.high_paise, bars.low_paise)
    return places, np.stack((bars.open_paise, extreme_1, extreme_2, bars.close_paise), axis=1)


def _quotes(
    bars: Bars, ltp: IntArray, tick: IntArray, width: FloatArray, place: FloatArray
) -> tuple[IntArray, IntArray]:
    """Bid and ask around each last price, on the tick, bid < ask; no bid (0) where the price leaves no room for one."""
    range_bps = (bars.high_paise - bars.low_paise) * BPS // bars.close_paise
    speed = np.minimum(range_bps, _FAST_RANGE_BPS)[:, None] / _FAST_RANGE_BPS
    spread_bps = _SPREAD_CALM_BPS + _SPREAD_FAST_BPS * speed + _SPREAD_CHANCE_BPS * width
    spread = np.maximum(1, np.rint(ltp * spread_bps / (BPS * tick)).astype(np.int64))
    below = (place * (spread + 1)).astype(np.int64)
    raw_bid = ltp - below * tick
    ask = raw_bid + spread * tick
    lowest = np.where(ltp > tick, tick, 0)
    bid = np.maximum(raw_bid, lowest)
    return bid, np.maximum(ask, bid + tick)


def _lots_max(bars: Bars, lot: IntArray) -> IntArray:
    """Most lots shown at a side: what the bar traded in one tick, or a house limit where it tells no volume."""
    traded = bars.volume // (lot * OPTION_TICKS_PER_MINUTE)
    return np.where(bars.volume > 0, np.clip(traded, 1, _LOTS_MAX_WITH_VOLUME), _LOTS_MAX_WITHOUT_VOLUME)


def _sizes(lots_max: IntArray, lot: IntArray, chance: FloatArray) -> IntArray:
    return (1 + (chance * lots_max[:, None]).astype(np.int64)) * lot[:, None]


def _volumes(bars: Bars, lot: IntArray) -> IntArray:
    """Units traded in the day so far: whole lots, evenly through the bar, and at its end its whole volume."""
    done = np.arange(1, OPTION_TICKS_PER_MINUTE + 1)
    traded = bars.volume[:, None] * done // OPTION_TICKS_PER_MINUTE // lot[:, None] * lot[:, None]
    traded[:, -1] = bars.volume
    return bars.volume_before[:, None] + traded
