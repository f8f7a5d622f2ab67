"""Every key of the configuration: its type in house units, its limits and its default.

The structs hold what the program computes with: paise, basis points, milliseconds, `datetime.time`. The kind in a
field's annotation names the key in YAML where it differs and converts, once, at load (`sl_pct: 0.30` becomes
`stop_loss_bps = 3000`). A field without a kind takes it from its type: bool, a closed list of words, a section.
Only what the program uses is here: a key without effect is refused as unknown.

Source: REQUIREMENTS 16, 1.1; lessons C-27, C-28, C-30.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from scalper.config.kinds import Fraction, Points, Rupees, Seconds, Whole
from scalper.config.schema_index import DEFAULT_INDICES, IndexConfig, SignalRules, SignalsConfig, signal_rules
from scalper.config.schema_risk import RiskConfig
from scalper.config.words import Address, Choice, Flag, Rows, Text

Mode = Literal["watch", "paper"]
OrderStyle = Literal["protected_limit", "market"]
RiskUnit = Literal["lots"]

_DAY_S = 86_400


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user at one broker; only one paper account is there yet.

    Attributes:
        capital_paise: Balance at its start; None = `paper.balance`.
    """

    id: Annotated[str, Text(form="[a-z][a-z0-9_-]{0,19}", words="1 to 20 of a-z, 0-9, - and _, a letter first")]
    mode: Annotated[Literal["paper"], Choice(refused=(("live", "live trading is not built yet"),))] = "paper"
    is_enabled: Annotated[bool, Flag(key="enabled")] = True
    capital_paise: Annotated[int | None, Rupees(low=0, high=1_000_000_000, key="capital")] = None


class PaperConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper broker. Source: REQUIREMENTS 13.3."""

    balance_paise: Annotated[int, Rupees(low=0, high=1_000_000_000, key="balance")] = 100_000_00
    latency_ms: Annotated[int, Whole(low=0, high=60_000)] = 150
    slippage_ticks: Annotated[int, Whole(low=0, high=1_000)] = 0
    max_size_lots: Annotated[int, Whole(low=1, high=10_000)] = 20
    quote_max_age_s: Annotated[int, Whole(low=1, high=3_600)] = 10


class OrdersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are written and settled. Source: REQUIREMENTS 13.1, 13.2."""

    style: OrderStyle = "protected_limit"
    cushion_ticks: Annotated[int, Whole(low=0, high=1_000)] = 10
    settle_s: Annotated[int, Whole(low=1, high=300)] = 5
    correlation_chars_max: Annotated[int, Whole(low=12, high=25, key="correlation_max_len")] = 25


class TradeLimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trades of all indices in a day; None = no limit. Source: REQUIREMENTS 15.1."""

    trades_per_day_max: Annotated[int | None, Whole(low=1, high=10_000, key="global_max_trades_per_day")] = 8


class EntryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Price checks of the entry guard. Source: REQUIREMENTS 12.2, 12.3."""

    index_ltp_age_s_max: Annotated[int, Whole(low=1, high=300, key="index_ltp_max_age_sec")] = 5
    option_ltp_age_s_max: Annotated[int, Whole(low=1, high=300, key="option_ltp_max_age_sec")] = 5
    ltp_wait_ms: Annotated[int, Whole(low=0, high=10_000)] = 300
    price_move_bps_max: Annotated[int, Points(low=0, high=100, key="max_price_move_pct")] = 500


class SizingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many lots. Source: REQUIREMENTS 11.2."""

    risk_unit: Annotated[
        RiskUnit,
        Choice(refused=(("legacy_shares", "it multiplies a count of shares by the lot size, far above the risk set"),)),
    ] = "lots"
    risk_floor_one_lot: bool = True
    allow_min_lot_over_cap: bool = False
    lots_max: Annotated[int, Whole(low=1, high=10_000, key="max_lots")] = 100


class CapitalConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of the capital bands, None = the band holds. Source: REQUIREMENTS 11.1."""

    allocation_bps: Annotated[int | None, Fraction(low=0, high=1, key="alloc_pct")] = None
    risk_per_trade_bps: Annotated[int | None, Fraction(low=0, high=1, key="risk_per_trade_pct")] = None
    daily_loss_bps_max: Annotated[int | None, Fraction(low=0, high=1, key="daily_max_loss_pct")] = None


class FeatureFlagsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that can be switched as a whole."""

    is_peak_drawdown_gated: Annotated[bool, Flag(key="enable_peak_drawdown_activation")] = True


class PnlConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Flushing of live P&L. Source: REQUIREMENTS 8."""

    flush_interval_ms: Annotated[int, Seconds(low=0.01, high=60, key="flush_interval_sec")] = 250
    batch_max: Annotated[int, Whole(low=1, high=10_000, key="max_batch")] = 200
    db_sync_s: Annotated[int, Whole(low=1, high=3_600, key="db_sync_sec")] = 30
    redis_ttl_s: Annotated[int, Whole(low=60, high=7 * _DAY_S, key="redis_ttl_sec")] = 21_600


class SmsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signal management: pause before a failed exit may be tried again. Source: REQUIREMENTS 14.5."""

    exit_rearm_cooldown_s: Annotated[int, Whole(low=0, high=600, key="exit_rearm_cooldown_sec")] = 5


class MessageLogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where letters are logged and how long they stay; folder None = `log` in the home. Source: REQUIREMENTS 21."""

    folder: Annotated[str | None, Text(form=".+", words="a folder", key="dir")] = None
    fsync_ms: Annotated[int, Whole(low=0, high=10_000)] = 200
    rotate_mb: Annotated[int, Whole(low=1, high=4_096)] = 64
    retention_days: Annotated[int, Whole(low=1, high=36_500)] = 1_825


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration of a run; never changes while it runs.

    Attributes:
        mode: `watch` runs signals and gates to the verdict and places nothing.
        open_positions_max: Of all indices together; 0 = off.
        database_url: None = a SQLite file in the home.
        redis_url: None = a cache inside the process.
    """

    mode: Annotated[Mode, Choice(refused=(("live", "live trading is not built yet"),))] = "paper"
    accounts: Annotated[tuple[AccountConfig, ...], Rows(name="id")] = (AccountConfig(id="paper"),)
    paper: PaperConfig = PaperConfig()
    orders: OrdersConfig = OrdersConfig()
    indices: Annotated[tuple[IndexConfig, ...], Rows(name="key")] = DEFAULT_INDICES
    trade_limits: TradeLimitsConfig = TradeLimitsConfig()
    open_positions_max: Annotated[int, Whole(low=0, high=1_000, key="max_open_positions")] = 0
    signals: SignalsConfig = SignalsConfig()
    entry: EntryConfig = EntryConfig()
    sizing: SizingConfig = SizingConfig()
    capital: CapitalConfig = CapitalConfig()
    risk: RiskConfig = RiskConfig()
    feature_flags: FeatureFlagsConfig = FeatureFlagsConfig()
    pnl: PnlConfig = PnlConfig()
    sms: SmsConfig = SmsConfig()
    message_log: MessageLogConfig = MessageLogConfig()
    database_url: Annotated[str | None, Address(schemes=("postgresql", "postgres", "sqlite"))] = None
    redis_url: Annotated[str | None, Address(schemes=("redis", "rediss", "unix"))] = None

    def index(self, index_key: str) -> IndexConfig:
        """The rules of one index.

        Raises:
            KeyError: The index is not configured.
        """
        return {str(index.key): index for index in self.indices}[index_key]

    def signal_rules(self, index_key: str) -> SignalRules:
        """What decides the direction of one index: its overrides over the rules of all.

        Raises:
            KeyError: The index is not configured.
        """
        return signal_rules(self.index(index_key), self.signals)
