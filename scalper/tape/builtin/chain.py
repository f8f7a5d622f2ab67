"""The options of all three indices as ticks: any contracts in any minutes, made on demand and always the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scalper.domain.instruments import Instrument, OptionType
from scalper.domain.quotes import MINUTE_US
from scalper.tape.builtin.contracts import IndexSpec
from scalper.tape.builtin.indices import SECONDS
from scalper.tape.builtin.noise import Floats, Hashes, Ints, hashed, quarters, spaced_us
from scalper.tape.builtin.series import value_at
from scalper.tape.builtin.surface import quotes, years_left
from scalper.tape.builtin.volumes import flows

#: Ticks of an option in a minute.
TICKS_MIN, TICKS_MAX = 20, 22
#: Two neighbours, of one minute or of two, are at most 3.9 s apart with this shift.
_JITTER_RATIO = 0.15
#: Lots shown at the best prices: 1 to this, small ones more often.
_LOTS_SHOWN_MAX = 40
_TICKS = 41


class Ticks(NamedTuple):
    """Ticks of some rows: counts (rows,), all else (rows, 22), where columns at or beyond a row's count are padding."""

    counts: Ints
    offsets_us: Ints
    ltp_paise: Ints
    bid_paise: Ints
    ask_paise: Ints
    bid_quantity: Ints
    ask_quantity: Ints
    volume: Ints
    open_interest: Ints


class Underlyings(NamedTuple):
    """What the options hang on, one row for each index.

    Attributes:
        paths: Index in paise, one point a second, (indices, minutes x 60 + 1).
        atm_sigmas: Volatility at the money at the start of each minute and at the end, (indices, minutes + 1).
        speeds: Range of each minute over that of an ordinary one, (indices, minutes).
        days_after: Trading days after today up to the expiry, (indices,).
        session_us: Length of the session until an expiry of today.
    """

    paths: Floats
    atm_sigmas: Floats
    speeds: Floats
    days_after: Ints
    session_us: int


class Chain:
    """Prices, sizes and volumes of every contract."""

    def __init__(
        self, salt: Hashes, contracts: Sequence[Instrument], specs: Sequence[IndexSpec], under: Underlyings
    ) -> None:
        names = [spec.name for spec in specs]
        homes = [names.index(contract.underlying) for contract in contracts]
        self._under = under
        self._home = np.array(homes)
        self._salts = hashed(hashed(salt, np.array([_TICKS])), _ids(contracts))
        self._is_call = np.array([contract.option_type is OptionType.CE for contract in contracts])
        self._strike = np.array([float(contract.strike_paise or 0) for contract in contracts])
        self._step = np.array([float(specs[home].strike_step_paise) for home in homes])
        self._lot_size = np.array([contract.lot_size for contract in contracts])
        self._flows = flows(
            salt,
            security_ids=_ids(contracts)[:, None],
            is_call=self._is_call[:, None],
            strike=self._strike[:, None],
            strike_step=self._step[:, None],
            minute_paise=under.paths[:, :-1:SECONDS][self._home],
            speed=under.speeds[self._home],
            volume_lots=np.array([[specs[home].volume_lots] for home in homes]),
            open_interest_lots=np.array([[specs[home].open_interest_lots] for home in homes]),
        )

    def ticks(self, rows: Ints, minutes: Ints) -> Ticks:
        """Ticks of pairs of contract and minute.

        Args:
            rows: Place of each contract, shape (pairs,).
            minutes: Number of each minute from the open, shape (pairs,).
        """
        counts, times, taste, bid_lots, ask_lots = self._chances(rows, minutes)
        offsets_us = minutes[:, None] * MINUTE_US + times
        home = self._home[rows][:, None]
        quoted = quotes(
            is_call=self._is_call[rows][:, None],
            forward=value_at(self._under.paths, home, offsets_us),
            strike=self._strike[rows][:, None],
            strike_step=self._step[rows][:, None],
            years=years_left(offsets_us, self._under.session_us, self._under.days_after[home]),
            atm_sigma=self._atm_sigma(home, minutes[:, None], times),
            speed=self._under.speeds[home, minutes[:, None]],
            taste=taste,
        )
        lot_size = self._lot_size[rows][:, None]
        open_interest = self._flows.open_interest[rows, minutes][:, None] * lot_size
        return Ticks(
            counts[:, 0],
            offsets_us,
            *quoted,
            bid_quantity=bid_lots * lot_size * (quoted.bid_paise > 0),
            ask_quantity=ask_lots * lot_size,
            volume=self._traded(rows, minutes, counts) * lot_size,
            open_interest=np.broadcast_to(open_interest, offsets_us.shape),
        )

    def _chances(self, rows: Ints, minutes: Ints) -> tuple[Ints, Ints, Floats, Ints, Ints]:
        """Counts (pairs, 1), times in the minute, place of the last trade, lots at bid and ask (pairs, 22)."""
        base = hashed(self._salts[rows], minutes)[:, None]
        jitter, taste, bid, ask = quarters(hashed(base, np.arange(TICKS_MAX)[None, :]))
        counts = TICKS_MIN + (quarters(base)[0] * (TICKS_MAX - TICKS_MIN + 1)).astype(np.int64)
        bid_lots, ask_lots = (1 + (each * each * _LOTS_SHOWN_MAX).astype(np.int64) for each in (bid, ask))
        return counts, spaced_us(counts, jitter, _JITTER_RATIO), taste, bid_lots, ask_lots

    def _atm_sigma(self, home: Ints, minutes: Ints, times: Ints) -> Floats:
        before = self._under.atm_sigmas[home, minutes]
        after = self._under.atm_sigmas[home, minutes + 1]
        result: Floats = before + (after - before) * (times / MINUTE_US)
        return result

    def _traded(self, rows: Ints, minutes: Ints, counts: Ints) -> Ints:
        """Lots traded up to each tick, (pairs, 22): the minute's lots are spread evenly over its ticks."""
        before = self._flows.traded[rows, minutes][:, None]
        after = self._flows.traded[rows, minutes + 1][:, None]
        numbers = np.minimum(np.arange(1, TICKS_MAX + 1)[None, :], counts)
        result: Ints = before + (after - before) * numbers // counts
        return result


def _ids(contracts: Sequence[Instrument]) -> Ints:
    return np.array([int(contract.security_id) for contract in contracts])
