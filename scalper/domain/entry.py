"""May this signal be bought by this account now? One ordered list of gates, each with its figure and its limit.

Cheap gates come first and need no price; the priced ones follow once index and option have a fresh one.
Source: REQUIREMENTS 12.2-12.4, 15.1, 15.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from scalper.domain.calendar import SessionTimes, entry_allowed
from scalper.domain.capital import Allocation
from scalper.domain.direction import Direction
from scalper.domain.instruments import Instrument
from scalper.domain.positions import Position, PositionSide, PositionStatus
from scalper.domain.quotes import Tick, tick_age_ms
from scalper.domain.signals import GateResult
from scalper.domain.units import BPS, rupees_from_paise

#: A first position must have been in profit this long before a second joins it (REQUIREMENTS 12.4).
PYRAMID_AFTER = timedelta(minutes=5)


#: Refusal codes of causes that have one of their own, the gravest first; of any other cause: `reducing`.
_BLOCK_REASONS = {"circuit": "circuit_breaker", "feed": "feed_stale"}


class EntryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one index, overrides resolved; None or 0 where there is none.

    Attributes:
        index_loss_paise_max, global_loss_paise_max: Absolute; the tighter of absolute and share applies.
        index_loss_bps_max, global_loss_bps_max: Of the day's starting balance.
        is_cooldown_by_side: The pause holds for every strike of the side, not for the symbol alone.
    """

    same_side_max: int = 1
    open_positions_max: int = 0
    cooldown_s: int = 180
    is_cooldown_by_side: bool = False
    index_trades_max: int | None = None
    global_trades_max: int | None = None
    index_loss_paise_max: int | None = None
    global_loss_paise_max: int | None = None
    index_loss_bps_max: int | None = None
    global_loss_bps_max: int | None = None
    index_ltp_age_s_max: int = 5
    option_ltp_age_s_max: int = 5
    price_move_bps_max: int = 500


class DayTally(msgspec.Struct, frozen=True, kw_only=True):
    """What the day has brought: trades opened and rupees lost, of the index and of all; None = not readable."""

    starting_balance_paise: int | None
    index_trades: int = 0
    global_trades: int = 0
    index_loss_paise: int = 0
    global_loss_paise: int = 0


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard has been told of one account.

    Attributes:
        cash_paise, starting_balance_paise: None until they are known.
        blocks: Causes for which entries are off; nobody buys before the risk side has spoken once.
        trades, losses: Of the day, by index key.
    """

    cash_paise: int | None = None
    blocks: tuple[str, ...] = ("starting",)
    starting_balance_paise: int | None = None
    trades: dict[str, int] = {}
    losses: dict[str, int] = {}

    def tally(self, index_key: str) -> DayTally:
        """What the day has brought, as the limits of this index see it."""
        return DayTally(
            starting_balance_paise=self.starting_balance_paise,
            index_trades=self.trades.get(index_key, 0),
            global_trades=sum(self.trades.values()),
            index_loss_paise=self.losses.get(index_key, 0),
            global_loss_paise=sum(self.losses.values()),
        )


class EntryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the cheap gates measure.

    Attributes:
        contract: What would be bought; None when no strike was picked, with `pick_reason`.
        blocks: Causes for which entries are off (trading state), empty when ACTIVE.
        open_positions: Pending and active positions of the account, every index, by id.
        last_exit_at: Last exit of this symbol (or side); None = none today.
    """

    at: datetime
    session: SessionTimes | None
    index_key: str
    is_index_known: bool
    direction: Direction
    contract: Instrument | None
    pick_reason: str
    blocks: tuple[str, ...]
    tally: DayTally
    open_positions: tuple[Position, ...]
    last_exit_at: datetime | None


class PriceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the priced gates measure; ages None where there is no price at all."""

    index_age_ms: int | None
    option_ltp_paise: int
    option_age_ms: int | None
    option_ask_paise: int
    pick_ltp_paise: int
    allocation: Allocation | None


def are_fresh(index_tick: Tick | None, option_tick: Tick | None, limits: EntryLimits, now_us: int) -> bool:
    """Whether both prices are young enough to decide on without asking further."""
    index_age, option_age = tick_age_ms(index_tick, now_us), tick_age_ms(option_tick, now_us)
    if index_age is None or option_age is None:
        return False
    return index_age <= limits.index_ltp_age_s_max * 1000 and option_age <= limits.option_ltp_age_s_max * 1000


def price_facts(
    index_tick: Tick | None,
    option_tick: Tick | None,
    *,
    pick_ltp_paise: int,
    allocation: Allocation | None,
    now_us: int,
) -> PriceFacts:
    """What the priced gates see of two ticks, of which either may be missing."""
    return PriceFacts(
        index_age_ms=tick_age_ms(index_tick, now_us),
        option_ltp_paise=option_tick.ltp_paise if option_tick is not None else 0,
        option_age_ms=tick_age_ms(option_tick, now_us),
        option_ask_paise=option_tick.ask_paise if option_tick is not None else 0,
        pick_ltp_paise=pick_ltp_paise,
        allocation=allocation,
    )


Gate = Callable[[EntryFacts, EntryLimits], GateResult]


def cheap_gates(facts: EntryFacts, limits: EntryLimits) -> tuple[GateResult, ...]:
    """The results of the cheap gates in order, up to and with the first that refuses."""
    return _until_refusal(gate(facts, limits) for gate in CHEAP_GATES)


def stale_gate(age_ms: int) -> GateResult:
    """The verdict on a delivery that nobody decided on while its candle was young (REQUIREMENTS 14.7)."""
    return _result("delivery", f"{age_ms} ms old", "decided at once", is_passed=False, reason="stale")


def priced_gates(facts: PriceFacts, limits: EntryLimits) -> tuple[GateResult, ...]:
    """The results of the priced gates in order, up to and with the first that refuses."""
    return _until_refusal(gate(facts, limits) for gate in PRICED_GATES)


def _until_refusal(results: Iterable[GateResult]) -> tuple[GateResult, ...]:
    passed: list[GateResult] = []
    for result in results:
        passed.append(result)
        if not result.is_passed:
            break
    return tuple(passed)


def _result(gate: str, measured: object, limit: object, *, is_passed: bool, reason: str) -> GateResult:
    return GateResult(gate, str(measured), str(limit), is_passed, "" if is_passed else reason)


def _instrument(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    measured = facts.index_key if facts.is_index_known else f"{facts.index_key}: not in the master"
    return _result(
        "index_known", measured, "in the master", is_passed=facts.is_index_known, reason="instrument_not_found"
    )


def _window(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    """Rows 2 and 3: trading day, entry window, no new entries after."""
    verdict = entry_allowed(facts.at, facts.session)
    session = facts.session
    limit = (
        f"{session.entries_from:%H:%M:%S} to before {session.no_new_entries_at:%H:%M:%S}"
        if session is not None
        else "a trading day"
    )
    reason = str(verdict.reason) if verdict.reason is not None else ""
    return _result("entry_window", f"{facts.at:%H:%M:%S}", limit, is_passed=verdict.is_allowed, reason=reason)


def _trading_state(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    reason = next((_BLOCK_REASONS[block] for block in facts.blocks if block in _BLOCK_REASONS), "reducing")
    measured = ", ".join(facts.blocks) or "ACTIVE"
    return _result("trading_state", measured, "ACTIVE", is_passed=not facts.blocks, reason=reason)


def _balance_known(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    balance = facts.tally.starting_balance_paise
    measured = "unknown" if balance is None else f"{rupees_from_paise(balance):.2f} rupees"
    return _result("starting_balance", measured, "known", is_passed=balance is not None, reason="limits_unreadable")


def _index_loss(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    limit = _loss_limit(limits.index_loss_paise_max, limits.index_loss_bps_max, facts.tally)
    return _loss_gate("index_loss", facts.tally.index_loss_paise, limit, "daily_loss_limit_exceeded")


def _global_loss(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    limit = _loss_limit(limits.global_loss_paise_max, limits.global_loss_bps_max, facts.tally)
    return _loss_gate("global_loss", facts.tally.global_loss_paise, limit, "global_daily_loss_limit_exceeded")


def _loss_limit(absolute_paise: int | None, share_bps: int | None, tally: DayTally) -> int | None:
    """The tighter of the two limits; a share needs the starting balance."""
    given = [] if absolute_paise is None else [absolute_paise]
    if share_bps is not None and tally.starting_balance_paise is not None:
        given.append(tally.starting_balance_paise * share_bps // BPS)
    return min(given, default=None)


def _loss_gate(gate: str, loss_paise: int, limit_paise: int | None, reason: str) -> GateResult:
    limit = "off" if limit_paise is None else f"below {rupees_from_paise(limit_paise):.2f} rupees"
    is_passed = limit_paise is None or loss_paise < limit_paise
    return _result(gate, f"{rupees_from_paise(loss_paise):.2f} rupees lost", limit, is_passed=is_passed, reason=reason)


def _index_trades(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    return _trades_gate(
        "index_trades", facts.tally.index_trades, limits.index_trades_max, "trade_frequency_limit_exceeded"
    )


def _global_trades(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    return _trades_gate(
        "global_trades", facts.tally.global_trades, limits.global_trades_max, "global_trade_frequency_limit_exceeded"
    )


def _trades_gate(gate: str, trades: int, trades_max: int | None, reason: str) -> GateResult:
    limit = "off" if trades_max is None else f"fewer than {trades_max}"
    is_passed = trades_max is None or trades < trades_max
    return _result(gate, f"{trades} trades", limit, is_passed=is_passed, reason=reason)


def _direction(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    is_passed = facts.direction in (Direction.BULLISH, Direction.BEARISH)
    return _result("direction", facts.direction, "bullish or bearish", is_passed=is_passed, reason="invalid_direction")


def _strike(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    measured = facts.contract.symbol if facts.contract is not None else facts.pick_reason
    return _result("strike", measured, "a listed contract", is_passed=facts.contract is not None, reason="no_strike")


def _exposure(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    """Pending and active positions of this side of this index, any strike; a second one only beside a winner."""
    same_side = _same_side(facts)
    measured = f"{len(same_side)} on this side"
    if len(same_side) >= limits.same_side_max:
        return _result(
            "exposure", measured, f"fewer than {limits.same_side_max}", is_passed=False, reason="exposure_limit"
        )
    total = len(facts.open_positions)
    if limits.open_positions_max and total >= limits.open_positions_max:
        limit = f"fewer than {limits.open_positions_max} in all"
        return _result("exposure", f"{total} in all", limit, is_passed=False, reason="exposure_limit")
    if same_side:
        return _pyramid(same_side[0], facts.at)
    return _result("exposure", measured, f"fewer than {limits.same_side_max}", is_passed=True, reason="")


def _pyramid(first: Position, at: datetime) -> GateResult:
    since = first.profitable_since
    limit = "first position in profit for 5 min"
    if first.status is not PositionStatus.ACTIVE or since is None:
        return _result(
            "exposure", "first not in profit", limit, is_passed=False, reason="pyramiding_first_not_profitable"
        )
    return _result(
        "exposure",
        f"first in profit since {since:%H:%M:%S}",
        limit,
        is_passed=at - since >= PYRAMID_AFTER,
        reason="pyramiding_too_early",
    )


def _same_side(facts: EntryFacts) -> tuple[Position, ...]:
    side = PositionSide.LONG_CE if facts.direction is Direction.BULLISH else PositionSide.LONG_PE
    return tuple(one for one in facts.open_positions if one.index_key == facts.index_key and one.side is side)


def _cooldown(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    """Exactly the pause is long enough."""
    limit = f"at least {limits.cooldown_s} s since the last exit"
    if limits.cooldown_s <= 0 or facts.last_exit_at is None:
        return _result("cooldown", "no exit today", limit, is_passed=True, reason="")
    passed_s = (facts.at - facts.last_exit_at).total_seconds()
    is_passed = passed_s >= limits.cooldown_s
    return _result("cooldown", f"{passed_s:.1f} s since the last exit", limit, is_passed=is_passed, reason="cooldown")


def _segment(facts: EntryFacts, limits: EntryLimits) -> GateResult:
    segment = facts.contract.segment if facts.contract is not None else ""
    return _result(
        "segment", segment, "a tradable segment", is_passed=is_tradable(segment), reason="segment_not_tradable"
    )


def is_tradable(segment: str) -> bool:
    """Options, commodities and currencies are; an index is not. Source: REQUIREMENTS 4.1, 12.2."""
    return any(part in segment.upper() for part in ("FNO", "COMM", "CUR"))


def _index_ltp(facts: PriceFacts, limits: EntryLimits) -> GateResult:
    return _age_gate("index_ltp", facts.index_age_ms, limits.index_ltp_age_s_max, "stale_index_ltp")


def _option_ltp(facts: PriceFacts, limits: EntryLimits) -> GateResult:
    age_ms = facts.option_age_ms if facts.option_ltp_paise > 0 else None
    return _age_gate("option_ltp", age_ms, limits.option_ltp_age_s_max, "invalid_ltp")


def _age_gate(gate: str, age_ms: int | None, age_s_max: int, reason: str) -> GateResult:
    measured = "no price" if age_ms is None else f"{age_ms} ms old"
    is_passed = age_ms is not None and age_ms <= age_s_max * 1000
    return _result(gate, measured, f"at most {age_s_max} s old", is_passed=is_passed, reason=reason)


def _ask(facts: PriceFacts, limits: EntryLimits) -> GateResult:
    ask = facts.option_ask_paise
    measured = f"ask {rupees_from_paise(ask):.2f}" if ask > 0 else "no ask"
    return _result("option_quote", measured, "an ask to buy at", is_passed=ask > 0, reason="invalid_ltp")


def _price_move(facts: PriceFacts, limits: EntryLimits) -> GateResult:
    limit = f"at most {limits.price_move_bps_max / 100:.2f} % from the pick"
    if facts.pick_ltp_paise <= 0:
        return _result("price_move", "picked without a price", limit, is_passed=True, reason="")
    move = abs(facts.option_ltp_paise - facts.pick_ltp_paise)
    is_passed = move * BPS <= limits.price_move_bps_max * facts.pick_ltp_paise
    measured = f"{move / facts.pick_ltp_paise * 100:.2f} % from {rupees_from_paise(facts.pick_ltp_paise):.2f}"
    return _result("price_move", measured, limit, is_passed=is_passed, reason="price_moved")


def _quantity(facts: PriceFacts, limits: EntryLimits) -> GateResult:
    allocation = facts.allocation
    if allocation is None:
        return _result("quantity", "cash unknown", "at least one lot", is_passed=False, reason="invalid_quantity")
    measured = (
        f"{allocation.quantity} units, {allocation.lots} lots ({allocation.lots_by_allocation} by allocation, "
        f"{allocation.lots_by_risk} by risk; decided by {allocation.binding})"
    )
    return _result(
        "quantity", measured, "at least one lot", is_passed=allocation.quantity > 0, reason="invalid_quantity"
    )


#: Rows 1 to 9 of REQUIREMENTS 12.2.
CHEAP_GATES: tuple[Gate, ...] = (
    _instrument,
    _window,
    _trading_state,
    _balance_known,
    _index_loss,
    _global_loss,
    _index_trades,
    _global_trades,
    _direction,
    _strike,
    _exposure,
    _cooldown,
    _segment,
)

#: Rows 10 to 14.
PRICED_GATES: tuple[Callable[[PriceFacts, EntryLimits], GateResult], ...] = (
    _index_ltp,
    _option_ltp,
    _ask,
    _price_move,
    _quantity,
)
