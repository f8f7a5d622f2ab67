"""When a position is left: one ordered list of rules, the first that hits wins.

Every rule is one pure function of what is known of one position at one moment. It reads the level it watches and says
whether that level is met; touching a level meets it.

Source: REQUIREMENTS 9.1-9.3, 9.6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from scalper.domain.positions import PositionSide, Trail
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.rules import ExitRules
from scalper.domain.trailing import is_peak_gate_active, peak_drawdown_level
from scalper.domain.units import BPS, floor_bps

#: An older price decides nothing; rules of time and of command go on.
PRICE_AGE_MS_MAX = 10_000

#: Pause of the loop while the market is closed and nothing is held.
CLOSED_INTERVAL_MS = 60_000


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may see of one position.

    Attributes:
        entry_paise: Average fill price; 0 = not known, nothing triggers.
        quantity: Units open; 0 = nothing triggers.
        ltp_paise: Last traded price of the option; 0 = no usable price.
        is_price_fresh: The price is young enough to decide on (`is_price_fresh`).
        trail: Its protection, already raised by this price.
        target_paise: Take-profit level; 0 = none.
        side: Profit is (LTP - entry) x quantity for both sides: the premium is always long.
    """

    entry_paise: int
    quantity: int
    ltp_paise: int
    is_price_fresh: bool
    trail: Trail
    target_paise: int
    side: PositionSide

    @property
    def has_price(self) -> bool:
        """A price is known and young enough for a decision."""
        return self.is_price_fresh and self.ltp_paise > 0

    @property
    def pnl_pct(self) -> float:
        """Gain of the entry price in percent points, for texts."""
        return _pct(self.ltp_paise - self.entry_paise, self.entry_paise)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every position at one moment, and what the underlying says of this one.

    Attributes:
        at: The moment, from the letter in hand.
        session_end_at, time_exit_at: Of the day, Asia/Kolkata.
        is_circuit_tripped: The day's loss limit of the account was met.
        is_killed: The kill switch is on.
        is_manual_exit: A person wants this position closed.
        underlying: Which underlying rule claims this position; None = none does.
    """

    at: datetime
    session_end_at: datetime
    time_exit_at: datetime
    is_circuit_tripped: bool = False
    is_killed: bool = False
    is_manual_exit: bool = False
    underlying: ExitReason | None = None


#: A level watched (a price in paise, a time, None where there is neither), and whether it is met now.
Reading = tuple[int | datetime | None, bool]

Read = Callable[[Mark, Situation, ExitRules], Reading]
Tell = Callable[[Mark, Situation, ExitRules], str]

#: The reading of a rule that is switched off or has nothing to watch.
OFF: Reading = (None, False)


class ExitRule(msgspec.Struct, frozen=True):
    """One line of the precedence.

    Attributes:
        name: For people and the audit trail.
        reason: The code of an exit by this rule.
        needs_price: Asked only with a fresh price.
        read: The rule itself.
        text: What people are told of a hit.
        stop_source: Which stop in force this rule watches; None of every other rule.
    """

    name: str
    reason: ExitReason
    needs_price: bool
    read: Read
    text: Tell
    stop_source: StopSource | None = None


class ExitDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One position is to be left, and on which numbers.

    Attributes:
        trigger_paise: The price level that was met; None when time, an order or the underlying decided.
        ltp_paise: The price seen; 0 = none was known.
        text: For people.
    """

    reason: ExitReason
    stop_source: StopSource | None
    trigger_paise: int | None
    ltp_paise: int
    text: str


class RuleVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule of the list watched, measured and said; `level` and `measured` in rupees or as a time.

    Attributes:
        level: Empty when the rule watches no price or time, or is off.
        measured: Empty likewise; `no fresh price` when the rule could not be asked.
    """

    name: str
    level: str
    measured: str
    is_hit: bool


def decide_exit(mark: Mark, situation: Situation, rules: ExitRules) -> ExitDecision | None:
    """The first rule of `EXIT_RULES` that hits; None when the position is kept.

    Source: REQUIREMENTS 9.1 (age of a price), 9.2.
    """
    if mark.entry_paise <= 0 or mark.quantity <= 0:
        return None
    for rule in EXIT_RULES if mark.has_price else PRICELESS_RULES:
        level, is_hit = rule.read(mark, situation, rules)
        if is_hit:
            return ExitDecision(
                reason=rule.reason,
                stop_source=rule.stop_source,
                trigger_paise=level if isinstance(level, int) else None,
                ltp_paise=mark.ltp_paise,
                text=rule.text(mark, situation, rules),
            )
    return None


def explain(mark: Mark, situation: Situation, rules: ExitRules) -> tuple[RuleVerdict, ...]:
    """What every rule of `EXIT_RULES` says of this moment, in order: the first hit is the decision.

    Source: REQUIREMENTS 9.2.
    """
    is_valid = mark.entry_paise > 0 and mark.quantity > 0
    return tuple(_verdict(rule, is_valid, mark, situation, rules) for rule in EXIT_RULES)


def is_price_fresh(ltp_at_us: int, at_us: int) -> bool:
    """Whether a price may decide: at most 10 s old. Both in UTC microseconds.

    Source: REQUIREMENTS 9.1.
    """
    return at_us - ltp_at_us <= PRICE_AGE_MS_MAX * 1000


def loop_interval_ms(open_positions: int, *, is_market_open: bool, active_ms: int, idle_ms: int) -> int:
    """How long the risk loop rests: while anything is held, market or not, the active interval.

    Source: REQUIREMENTS 9.1, 2.
    """
    if open_positions > 0:
        return active_ms
    return idle_ms if is_market_open else CLOSED_INTERVAL_MS


def _kill_switch(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    return None, situation.is_killed


def _manual_exit(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    return None, situation.is_manual_exit


def _circuit(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    return None, situation.is_circuit_tripped


def _time_exit(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """From the time exit on; only a known profit below the configured minimum is spared (9.3)."""
    if situation.at < situation.time_exit_at:
        return situation.time_exit_at, False
    pnl_paise = (mark.ltp_paise - mark.entry_paise) * mark.quantity
    is_spared = mark.has_price and 0 < pnl_paise < rules.min_profit_paise
    return situation.time_exit_at, not is_spared


def _session_end(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """Until the time exit takes over: from then on every exit carries that tag (2)."""
    return situation.session_end_at, situation.session_end_at <= situation.at < situation.time_exit_at


def _hard_stop(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """LTP at or below entry x (1 - stop loss), whatever stop is in force."""
    if rules.stop_loss_bps <= 0:
        return OFF
    level_paise = floor_bps(mark.entry_paise, BPS - rules.stop_loss_bps)
    return level_paise, mark.ltp_paise <= level_paise


def _take_profit(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """LTP at or above the target the position was opened with."""
    if mark.target_paise <= 0:
        return OFF
    return mark.target_paise, mark.ltp_paise >= mark.target_paise


def _underlying(reason: ExitReason, name: str) -> ExitRule:
    def read(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
        return None, situation.underlying is reason

    return ExitRule(name, reason, True, read, _said(name))


def _stop_in_force(source: StopSource, reason: ExitReason, text: Tell) -> ExitRule:
    def read(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
        stop_paise = mark.trail.stop_paise
        if mark.trail.stop_source is not source or stop_paise <= 0:
            return OFF
        return stop_paise, mark.ltp_paise <= stop_paise

    return ExitRule(f"{source} stop in force", reason, True, read, text, source)


def _peak_drawdown(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """The peak fell by the configured points of the entry price, once peak and stop are high enough."""
    if not is_peak_gate_active(mark.entry_paise, mark.trail, rules):
        return OFF
    level_paise = peak_drawdown_level(mark.entry_paise, mark.trail.hwm_ltp_paise, rules)
    return OFF if level_paise is None else (level_paise, mark.ltp_paise <= level_paise)


def _per_trade_risk(mark: Mark, situation: Situation, rules: ExitRules) -> Reading:
    """The loss reached a share of what was invested; off unless asked for, since it defeats the stop loss (9.3)."""
    if not rules.is_per_trade_exit_on:
        return OFF
    level_paise = floor_bps(mark.entry_paise, BPS - rules.per_trade_risk_bps)
    return level_paise, mark.ltp_paise <= level_paise


def _circuit_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"daily circuit ({rules.circuit_limit_bps / 100:.2f}%)"


def _time_exit_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"time-based exit ({situation.time_exit_at:%H:%M})"


def _session_end_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"session end ({situation.session_end_at:%H:%M})"


def _stop_loss_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"SL HIT {mark.pnl_pct:.2f}%"


def _take_profit_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"TP HIT {mark.pnl_pct:.2f}%"


def _trailing_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    hwm_paise = mark.trail.hwm_ltp_paise
    return f"trailing stop ({_pct(hwm_paise - mark.ltp_paise, hwm_paise):.2f}% off {_rupees(hwm_paise)})"


def _tier_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    offset_pct = _pct(mark.trail.stop_paise - mark.entry_paise, mark.entry_paise)
    return f"trailing tier ({_rupees(mark.trail.stop_paise)}, {offset_pct:+.2f}% of entry)"


def _drawdown_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    hwm_paise, entry_paise = mark.trail.hwm_ltp_paise, mark.entry_paise
    drawdown, peak = _pct(hwm_paise - mark.ltp_paise, entry_paise), _pct(hwm_paise - entry_paise, entry_paise)
    return f"peak drawdown {drawdown:.2f}% (peak {peak:.2f}%)"


def _per_trade_text(mark: Mark, situation: Situation, rules: ExitRules) -> str:
    return f"per-trade risk {mark.pnl_pct:.2f}%"


def _said(text: str) -> Tell:
    return lambda mark, situation, rules: text


#: The precedence: name, reason, whether it is asked only with a fresh price, rule, text. The order is that
#: of 9.2; per-trade risk stands last, because whatever else holds at that price names the cause better.
EXIT_RULES: tuple[ExitRule, ...] = (
    ExitRule("kill switch", ExitReason.KILL_SWITCH, False, _kill_switch, _said("kill switch")),
    ExitRule("manual exit", ExitReason.MANUAL, False, _manual_exit, _said("manual exit")),
    ExitRule("daily circuit", ExitReason.CIRCUIT_BREAKER, False, _circuit, _circuit_text),
    ExitRule("time exit", ExitReason.TIME_EXIT, False, _time_exit, _time_exit_text),
    ExitRule("session end", ExitReason.SESSION_END, False, _session_end, _session_end_text),
    ExitRule("hard stop-loss", ExitReason.STOP_LOSS, True, _hard_stop, _stop_loss_text),
    ExitRule("take-profit", ExitReason.TAKE_PROFIT, True, _take_profit, _take_profit_text),
    _underlying(ExitReason.UNDERLYING_STRUCTURE, "underlying structure break"),
    _underlying(ExitReason.UNDERLYING_TREND, "underlying trend weak"),
    _underlying(ExitReason.UNDERLYING_ATR, "underlying ATR collapse"),
    _stop_in_force(StopSource.INITIAL, ExitReason.STOP_LOSS, _stop_loss_text),
    _stop_in_force(StopSource.TIER, ExitReason.TRAILING_TIER, _tier_text),
    _stop_in_force(StopSource.TRAIL, ExitReason.TRAILING_STOP, _trailing_text),
    ExitRule("peak drawdown", ExitReason.PEAK_DRAWDOWN, True, _peak_drawdown, _drawdown_text),
    ExitRule("per-trade risk", ExitReason.STOP_LOSS, True, _per_trade_risk, _per_trade_text),
)

#: What is left of the list without a fresh price.
PRICELESS_RULES = tuple(rule for rule in EXIT_RULES if not rule.needs_price)


def _verdict(rule: ExitRule, is_valid: bool, mark: Mark, situation: Situation, rules: ExitRules) -> RuleVerdict:
    if not is_valid:
        return RuleVerdict(name=rule.name, level="", measured="no entry price or quantity", is_hit=False)
    if rule.needs_price and not mark.has_price:
        return RuleVerdict(name=rule.name, level="", measured="no fresh price", is_hit=False)
    level, is_hit = rule.read(mark, situation, rules)
    match level:
        case int():
            shown, measured = _rupees(level), _rupees(mark.ltp_paise)
        case datetime():
            shown, measured = f"{level:%H:%M:%S}", f"{situation.at:%H:%M:%S}"
        case None:
            shown, measured = "", ""
    return RuleVerdict(name=rule.name, level=shown, measured=measured, is_hit=is_hit)


def _pct(part: int, whole: int) -> float:
    return part / whole * 100


def _rupees(paise: int) -> str:
    return f"{paise / 100:.2f}"
