"""The rules each actor goes by, made from the configuration, the calendar and the day's instruments."""

from __future__ import annotations

from datetime import date, datetime, time

import msgspec
from loguru import logger

from scalper.actors.pnl_updater import PnlRules
from scalper.broker.paper import PaperRules
from scalper.config import Config
from scalper.config.schema_index import IndexConfig
from scalper.domain.booking import BookingRules
from scalper.domain.calendar import Calendar, SessionTimes, shortened
from scalper.domain.capital import CapitalOverrides, SizingRules
from scalper.domain.direction import interval_minutes_from
from scalper.domain.entry import EntryLimits
from scalper.domain.guard_rules import GuardRules, RiskRules
from scalper.domain.indicators.atr import AtrMode
from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.picks import PickRules
from scalper.domain.rules import ExitRules, TrailingMode
from scalper.domain.signal_rules import SignalRules
from scalper.domain.strikes import ExpiryPolicy
from scalper.domain.times import ist
from scalper.errors import InputError


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is fixed for one day: what is traded, when, by whom.

    Attributes:
        indices: Configured, enabled indices that are in the day's master, by index key.
        index_keys: Instrument key of each of them, by index key.
    """

    config: Config
    day: date
    session: SessionTimes
    instruments: tuple[Instrument, ...]
    indices: dict[str, IndexConfig]
    index_keys: dict[str, str]

    @property
    def contracts(self) -> tuple[Instrument, ...]:
        return tuple(one for one in self.instruments if one.kind is InstrumentKind.OPTION)

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(account.id for account in self.config.accounts if account.is_enabled)

    @property
    def balances(self) -> dict[str, int]:
        """Paise each paper account once began with."""
        default = self.config.paper.balance_paise
        return {
            account.id: default if account.capital_paise is None else account.capital_paise
            for account in self.config.accounts
            if account.is_enabled
        }


def desk_of(config: Config, session: SessionTimes, day: date, instruments: tuple[Instrument, ...]) -> Desk:
    """The desk of a day.

    Raises:
        InputError: None of the configured indices is among the instruments.
    """
    by_key = {one.key: one for one in instruments}
    indices: dict[str, IndexConfig] = {
        index.key: index
        for index in config.indices
        if index.is_enabled and f"{index.segment}:{index.security_id}" in by_key
    }
    if not indices:
        wanted = ", ".join(f"{index.key} ({index.segment}:{index.security_id})" for index in config.indices)
        raise InputError(f"{day}: none of the configured indices is in the master: expected one of {wanted}")
    keys = {key: f"{index.segment}:{index.security_id}" for key, index in indices.items()}
    return Desk(config=config, day=day, session=session, instruments=instruments, indices=indices, index_keys=keys)


def session_of(config: Config, calendar: Calendar, day: date, last_bar_end: datetime) -> SessionTimes:
    """The ladder of the day: the calendar's row, the configuration where it says otherwise, shorter for a short day.

    Raises:
        InputError: The day is no trading day.
    """
    if not calendar.knows_year(day.year):
        logger.error("the calendar knows nothing of {}: weekdays count as trading days", day.year)
    session = calendar.session(day)
    if session is None:
        raise InputError(f"{day} is no trading day: expected a day with a session (conf/calendar.yaml)")
    no_new = min(session.no_new_entries_at, ist(day, config.signals.no_new_entries_after))
    session = msgspec.structs.replace(
        session,
        no_new_entries_at=no_new,
        session_end_at=_told(config.risk.session_end, session.session_end_at, day),
        time_exit_at=_told(config.risk.time_exit, session.time_exit_at, day),
    )
    return shortened(session, last_bar_end)


def _told(clock: time | None, usual: datetime, day: date) -> datetime:
    """A configured time may only make the ladder earlier: the calendar's row of the day wins."""
    return usual if clock is None else min(usual, ist(day, clock))


def exit_rules(config: Config) -> ExitRules:
    """REQUIREMENTS 9 from its keys."""
    risk = config.risk
    return ExitRules(
        stop_loss_bps=risk.stop_loss_bps,
        take_profit_bps=risk.take_profit_bps,
        is_per_trade_exit_on=risk.is_per_trade_exit_enabled,
        per_trade_risk_bps=risk.per_trade_risk_bps,
        breakeven_after_gain_bps=risk.breakeven_after_gain_bps,
        exit_drop_bps=risk.exit_drop_bps,
        trailing_mode=TrailingMode(risk.trailing.mode),
        tiers=tuple((tier.trigger_bps, tier.stop_offset_bps) for tier in risk.trailing_tiers),
        peak_drawdown_bps=risk.peak_drawdown_exit_bps,
        peak_activation_profit_bps=risk.peak_drawdown_activation_profit_bps,
        peak_activation_offset_bps=risk.peak_drawdown_activation_stop_offset_bps,
        is_peak_gate_on=config.feature_flags.is_peak_drawdown_gated,
        min_profit_lock_paise=risk.min_profit_lock_paise,
        min_profit_paise=risk.min_profit_paise,
        circuit_limit_bps=risk.daily_loss_limit_bps,
    )


def booking_rules(config: Config) -> BookingRules:
    return BookingRules(
        exits=exit_rules(config),
        is_market_style=config.orders.style == "market",
        cushion_ticks=config.orders.cushion_ticks,
        correlation_chars_max=config.orders.correlation_chars_max,
    )


def risk_rules(desk: Desk) -> RiskRules:
    return RiskRules(
        day=desk.day,
        session=desk.session,
        exits=exit_rules(desk.config),
        rearm_s=desk.config.sms.exit_rearm_cooldown_s,
        active_ms=desk.config.risk.loop_interval_active_ms,
        idle_ms=desk.config.risk.loop_interval_idle_ms,
    )


def guard_rules(desk: Desk) -> GuardRules:
    config = desk.config
    return GuardRules(
        day=desk.day,
        session=desk.session,
        limits={key: _entry_limits(config, index) for key, index in desk.indices.items()},
        index_allocation_bps={key: index.allocation_bps for key, index in desk.indices.items()},
        index_keys=desk.index_keys,
        capital=CapitalOverrides(
            allocation_bps=config.capital.allocation_bps,
            risk_bps=config.capital.risk_per_trade_bps,
            daily_max_loss_bps=config.capital.daily_loss_bps_max,
        ),
        sizing=SizingRules(
            takes_one_lot_over_risk=config.sizing.risk_floor_one_lot,
            takes_one_lot_over_allocation=config.sizing.allow_min_lot_over_cap,
            lots_max=config.sizing.lots_max,
        ),
        stop_loss_bps=config.risk.stop_loss_bps,
        ltp_wait_ms=config.entry.ltp_wait_ms,
        is_watching=config.mode == "watch",
    )


def _entry_limits(config: Config, index: IndexConfig) -> EntryLimits:
    limits = config.risk.daily_limits
    is_limited = limits.is_enabled
    return EntryLimits(
        same_side_max=index.same_side_max,
        open_positions_max=config.open_positions_max,
        cooldown_s=index.cooldown_s,
        is_cooldown_by_side=index.cooldown_scope == "index_side",
        index_trades_max=index.trade_limits.trades_per_day_max,
        global_trades_max=config.trade_limits.trades_per_day_max,
        index_loss_paise_max=config.risk.daily_loss_paise_max if is_limited else None,
        global_loss_paise_max=config.risk.global_daily_loss_paise_max if is_limited else None,
        index_loss_bps_max=limits.per_index.limit_bps(index.key) if is_limited else None,
        global_loss_bps_max=limits.global_limit_bps if is_limited else None,
        index_ltp_age_s_max=config.entry.index_ltp_age_s_max,
        option_ltp_age_s_max=config.entry.option_ltp_age_s_max,
        price_move_bps_max=config.entry.price_move_bps_max,
    )


def pick_rules(desk: Desk) -> dict[str, PickRules]:
    return {
        key: PickRules(
            policy=ExpiryPolicy(index.expiry_policy_on(desk.day)),
            is_expiry_day_allowed=index.is_expiry_day_allowed,
            interval_fallback_paise=index.strike_interval_fallback_paise,
        )
        for key, index in desk.indices.items()
    }


def signal_rules(desk: Desk) -> dict[str, SignalRules]:
    signals = desk.config.signals
    primary = interval_minutes_from(signals.primary_timeframe) or 1
    confirmation = interval_minutes_from(signals.confirmation_timeframe) or 0
    rules = {}
    for key in desk.indices:
        told = desk.config.signal_rules(desk.indices[key].key)
        rules[key] = SignalRules(
            primary_minutes=primary,
            confirmation_minutes=confirmation,
            supertrend_period=told.supertrend_period,
            supertrend_multiplier=told.supertrend_multiplier,
            atr_mode=AtrMode(told.atr_mode),
            adx_minimum_primary=told.adx_minimum_primary,
            adx_minimum_confirmation=told.adx_minimum_confirmation,
        )
    return rules


def candle_intervals(desk: Desk) -> tuple[int, ...]:
    """Minutes of every timeframe that some index needs, ascending."""
    rules = signal_rules(desk).values()
    needed = {one.primary_minutes for one in rules} | {one.confirmation_minutes for one in rules}
    return tuple(sorted(needed - {0}))


def paper_rules(config: Config) -> PaperRules:
    return PaperRules(
        latency_ms=config.paper.latency_ms,
        slippage_ticks=config.paper.slippage_ticks,
        size_lots_max=config.paper.max_size_lots,
        quote_age_s_max=config.paper.quote_max_age_s,
    )


def pnl_rules(config: Config) -> PnlRules:
    return PnlRules(
        flush_ms=config.pnl.flush_interval_ms, batch_max=config.pnl.batch_max, db_sync_s=config.pnl.db_sync_s
    )
