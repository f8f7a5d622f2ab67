"""How a stop rises: breakeven lock, dynamic trail, tiers; and when a fallen peak ends a position.

A stop is the floor, in paise, of its exact level: an integer price is at or below the floor exactly when it is at or
below the level. Everything is measured with the peak, so that a restart changes nothing.

Source: REQUIREMENTS 9.4-9.7, 13.4.
"""

from __future__ import annotations

from scalper.domain.positions import Trail
from scalper.domain.reasons import StopSource
from scalper.domain.rules import ExitRules, TrailingMode
from scalper.domain.units import BPS, ceil_bps, ceil_to_tick, floor_bps, floor_to_tick


def first_trail(entry_paise: int, rules: ExitRules, tick_size_paise: int) -> Trail:
    """How a position is protected from its first fill on: the stop loss, down to the tick; 0 when there is none.

    Args:
        entry_paise: Average fill price, > 0.
        rules: The stop loss is read.
        tick_size_paise: Smallest price step of the option.

    Source: REQUIREMENTS 9.3, 13.4.
    """
    return Trail(
        stop_paise=_first_stop(entry_paise, rules, tick_size_paise),
        stop_source=StopSource.INITIAL,
        hwm_ltp_paise=entry_paise,
        is_breakeven_locked=False,
    )


def target_of(entry_paise: int, rules: ExitRules, tick_size_paise: int) -> int:
    """The take-profit level in paise, up to the tick; 0 when there is none.

    Source: REQUIREMENTS 9.3, 13.4.
    """
    if rules.take_profit_bps <= 0:
        return 0
    return ceil_to_tick(ceil_bps(entry_paise, BPS + rules.take_profit_bps), tick_size_paise)


def refitted(trail: Trail, *, entry_paise: int, quantity: int, rules: ExitRules, tick_size_paise: int) -> Trail:
    """The trail after a further fill moved the average price: the breakeven lock is judged anew, no stop falls.

    A cheaper fill makes the old peak look like a profit that the new units never had, so it arms nothing and raises no
    stop by itself: that takes a new high.

    Source: REQUIREMENTS 8.1 (averaging).
    """
    is_reached = is_breakeven_reached(entry_paise, quantity, trail.hwm_ltp_paise, rules)
    is_locked = trail.is_breakeven_locked and is_reached
    floor_paise = entry_paise if is_locked else _first_stop(entry_paise, rules, tick_size_paise)
    return Trail(
        stop_paise=max(trail.stop_paise, floor_paise),
        stop_source=trail.stop_source,
        hwm_ltp_paise=max(trail.hwm_ltp_paise, entry_paise),
        is_breakeven_locked=is_locked,
    )


def raised(trail: Trail, *, entry_paise: int, quantity: int, ltp_paise: int, rules: ExitRules) -> Trail:
    """The trail after one price; the same object when the price made no new high.

    A stop is a function of the high water mark, so only a new high can raise it.

    Args:
        trail: How the position is protected now.
        entry_paise: Average fill price; 0 = not known, nothing changes.
        quantity: Units open; 0 = nothing changes.
        ltp_paise: Last traded price of the option.
        rules: What raises a stop.

    Source: REQUIREMENTS 9.2 (after the list), 9.4, 9.5, 9.7.
    """
    if ltp_paise <= trail.hwm_ltp_paise or entry_paise <= 0 or quantity <= 0:
        return trail
    return _fitted(trail, entry_paise, quantity, ltp_paise, rules)


def tier_offset_bps(entry_paise: int, hwm_ltp_paise: int, rules: ExitRules) -> int | None:
    """The stop's offset from the entry by the highest tier the peak has reached; None below the first.

    Source: REQUIREMENTS 9.5.
    """
    gained = (hwm_ltp_paise - entry_paise) * BPS
    for gain_bps, offset_bps in reversed(rules.tiers):
        if gained >= gain_bps * entry_paise:
            return offset_bps
    return None


def tier_stop_paise(entry_paise: int, hwm_ltp_paise: int, rules: ExitRules) -> int | None:
    """The stop of the highest tier the peak has reached, floored to the paisa; None below the first.

    Source: REQUIREMENTS 9.5.
    """
    offset_bps = tier_offset_bps(entry_paise, hwm_ltp_paise, rules)
    return None if offset_bps is None else floor_bps(entry_paise, BPS + offset_bps)


def dynamic_stop_paise(entry_paise: int, hwm_ltp_paise: int, exit_drop_bps: int) -> int:
    """The armed trail: a drop below the high water mark, floored to the paisa, never below the entry.

    Source: REQUIREMENTS 9.4.
    """
    return max(entry_paise, floor_bps(hwm_ltp_paise, BPS - exit_drop_bps))


def is_breakeven_reached(entry_paise: int, quantity: int, hwm_ltp_paise: int, rules: ExitRules) -> bool:
    """Whether the peak has earned the breakeven lock: the gain, and the rupees where some are asked for.

    Source: REQUIREMENTS 9.4.
    """
    gain_paise = hwm_ltp_paise - entry_paise
    if gain_paise * quantity < rules.min_profit_lock_paise:
        return False
    return gain_paise * BPS >= rules.breakeven_after_gain_bps * entry_paise


def peak_drawdown_level(entry_paise: int, hwm_ltp_paise: int, rules: ExitRules) -> int | None:
    """The price, floored to the paisa, at which the fall from the peak is too deep; None while there is no peak.

    Source: REQUIREMENTS 9.6.
    """
    if hwm_ltp_paise <= entry_paise:
        return None
    return (hwm_ltp_paise * BPS - rules.peak_drawdown_bps * entry_paise) // BPS


def is_peak_gate_active(entry_paise: int, trail: Trail, rules: ExitRules) -> bool:
    """Whether the drawdown rule counts: the peak AND the stop in force are high enough, or no gate is wanted.

    The stop is a floored price, so it is held against the floored level of the offset.

    Source: REQUIREMENTS 9.6.
    """
    if not rules.is_peak_gate_on:
        return True
    gained = (trail.hwm_ltp_paise - entry_paise) * BPS
    if gained < rules.peak_activation_profit_bps * entry_paise:
        return False
    return trail.stop_paise >= floor_bps(entry_paise, BPS + rules.peak_activation_offset_bps)


def _first_stop(entry_paise: int, rules: ExitRules, tick_size_paise: int) -> int:
    if rules.stop_loss_bps <= 0:
        return 0
    return floor_to_tick(floor_bps(entry_paise, BPS - rules.stop_loss_bps), tick_size_paise)


def _fitted(trail: Trail, entry_paise: int, quantity: int, hwm_ltp_paise: int, rules: ExitRules) -> Trail:
    stop_paise, source, is_locked = trail.stop_paise, trail.stop_source, trail.is_breakeven_locked
    if rules.trailing_mode is not TrailingMode.DYNAMIC:
        tier_paise = tier_stop_paise(entry_paise, hwm_ltp_paise, rules)
        if tier_paise is not None and tier_paise > stop_paise:
            stop_paise, source = tier_paise, StopSource.TIER
    if rules.trailing_mode is not TrailingMode.TIERED:
        is_locked = is_locked or is_breakeven_reached(entry_paise, quantity, hwm_ltp_paise, rules)
        trail_paise = dynamic_stop_paise(entry_paise, hwm_ltp_paise, rules.exit_drop_bps)
        if is_locked and trail_paise > stop_paise:
            stop_paise, source = trail_paise, StopSource.TRAIL
    return Trail(stop_paise=stop_paise, stop_source=source, hwm_ltp_paise=hwm_ltp_paise, is_breakeven_locked=is_locked)
