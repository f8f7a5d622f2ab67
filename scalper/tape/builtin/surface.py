"""What the options are worth and how they are quoted: variance left, smile, Black-76, spread.

Variance runs on the market's own clock: three quarters of a trading day's worth passes in the session, the rest
overnight, none on holidays. So the last session burns what is left by the minute, and the volatility a calendar-time
formula reads from a price rises towards expiry, as it does on the screen. The forward is the index itself: the few
points of carry of a nearest expiry are left out, so that call and put of a strike imply the same volatility.

Source: REQUIREMENTS 10.1, 10.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalper.domain.black76 import price_many
from scalper.tape.builtin.contracts import TICK_SIZE_PAISE
from scalper.tape.builtin.indices import SESSION_MINUTES, SESSION_SHARE, TRADING_DAYS
from scalper.tape.builtin.noise import Floats, Hashes, Ints, hashed, normals

#: Volatility at the money is never quoted outside this range.
_ATM_SIGMA_MIN, _ATM_SIGMA_MAX = 0.09, 0.60
#: A smile over log-moneyness in standard deviations: puts a little dearer, both wings up, flat beyond the cap.
_SKEW, _CURVATURE, _MONEYNESS_MAX = -0.018, 0.042, 3.0
#: Volatility follows the index: memory a minute, answer to a move, extra answer to a fast fall, own wandering.
_SIGMA_MEMORY, _SIGMA_LEVERAGE, _SIGMA_FEAR, _SIGMA_WANDER = 0.992, 0.005, 0.012, 0.004
_FAST_FALL = 1.5
#: Variance never runs out entirely: what one second of the last session is worth, in years.
_YEARS_MIN = SESSION_SHARE / TRADING_DAYS / SESSION_MINUTES / 60
#: Full spread at the money in an ordinary minute, a share of the premium; never under a fifth of a tick each side.
_SPREAD_RATIO = 0.0022
_HALF_SPREAD_PAISE_MIN = 1.0
#: Each strike away from the money, and each ordinary minute's range beyond the first, widens the spread by this share.
_SPREAD_PER_STEP, _SPREAD_PER_SPEED, _SPEED_MAX = 0.06, 0.5, 8.0
_WANDER = 11


class Quotes(NamedTuple):
    """Quotes of contracts, integer paise on the tick, all of one shape; a bid of 0 is no bid."""

    ltp_paise: Ints
    bid_paise: Ints
    ask_paise: Ints


def years_left(offset_us: Ints, session_us: int, days_after: Ints) -> Floats:
    """Years of variance left to an expiry, above 0; the arguments broadcast.

    Args:
        offset_us: Microseconds since the open.
        session_us: Length of today's session; on the last day nothing is left at its end.
        days_after: Trading days after today up to and with the expiry; 0 on its day.
    """
    left = np.clip(1.0 - offset_us / session_us, 0.0, 1.0)
    result: Floats = np.maximum((SESSION_SHARE * left + days_after) / TRADING_DAYS, _YEARS_MIN)
    return result


def atm_sigmas(salt: Hashes, path_paise: Floats, sigma: float, usual_move: float, number: int) -> Floats:
    """Volatility at the money at the start of each minute and at the end of the last, shape (minutes + 1,).

    It drifts home to `sigma`, rises when the index falls and jumps when it falls fast.

    Args:
        salt: Hash of seed and day, shape (1,).
        path_paise: The index, one point a second, shape (minutes x 60 + 1,).
        sigma: Its home, a fraction per year.
        usual_move: Deviation of an ordinary minute's logarithmic move.
        number: The index's security id.
    """
    moves = np.diff(np.log(path_paise[::60])) / usual_move
    own = normals(hashed(hashed(hashed(salt, np.array([_WANDER])), np.array([number])), np.arange(len(moves))))
    shocks = own * _SIGMA_WANDER - moves * _SIGMA_LEVERAGE + np.maximum(-moves - _FAST_FALL, 0.0) * _SIGMA_FEAR
    level, levels = 0.0, [0.0]
    for shock in shocks.tolist():
        level = _SIGMA_MEMORY * level + shock
        levels.append(level)
    result: Floats = np.clip(sigma * np.exp(np.array(levels)), _ATM_SIGMA_MIN, _ATM_SIGMA_MAX)
    return result


def smile(forward: Floats, strike: Floats, years: Floats, atm_sigma: Floats) -> Floats:
    """Volatility of each strike; all arguments broadcast."""
    deviations = np.log(strike / forward) / (atm_sigma * np.sqrt(years))
    moneyness = np.clip(deviations, -_MONEYNESS_MAX, _MONEYNESS_MAX)
    result: Floats = atm_sigma * (1.0 + moneyness * (_SKEW + _CURVATURE * moneyness))
    return result


def quotes(
    *,
    is_call: NDArray[np.bool_],
    forward: Floats,
    strike: Floats,
    strike_step: Floats,
    years: Floats,
    atm_sigma: Floats,
    speed: Floats,
    taste: Floats,
) -> Quotes:
    """Bid, ask and last price around the fair premium; all arguments broadcast, prices in paise.

    Args:
        is_call: True of a call.
        forward, strike, strike_step: Index value, strike, and distance between strikes.
        years: Variance time to expiry.
        atm_sigma: Volatility at the money.
        speed: Range of the index's minute over that of an ordinary one: the spread widens with it.
        taste: Where between bid and ask the last trade was, in [0, 1).
    """
    sigma = smile(forward, strike, years, atm_sigma)
    fair = price_many(is_call=is_call, forward=forward, strike=strike, years=years, sigma=sigma)
    steps_away = np.abs(strike - forward) / strike_step
    haste = np.clip(speed - 1.0, 0.0, _SPEED_MAX)
    widening = (1.0 + _SPREAD_PER_STEP * steps_away) * (1.0 + _SPREAD_PER_SPEED * haste)
    half = np.maximum(fair * _SPREAD_RATIO / 2 * widening, _HALF_SPREAD_PAISE_MIN)
    bid = np.maximum(np.floor((fair - half) / TICK_SIZE_PAISE), 0.0)
    ask = np.maximum(np.ceil((fair + half) / TICK_SIZE_PAISE), bid + 1.0)
    traded = np.rint((fair + half * (2.0 * taste - 1.0)) / TICK_SIZE_PAISE)
    ltp = np.maximum(np.clip(traded, bid, ask), 1.0)
    ltp_paise, bid_paise, ask_paise = ((each * TICK_SIZE_PAISE).astype(np.int64) for each in (ltp, bid, ask))
    return Quotes(ltp_paise, bid_paise, ask_paise)
