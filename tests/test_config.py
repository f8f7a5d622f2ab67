"""The configuration: what loads, what is refused and with which words, and what comes out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from math import ceil, floor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalper.config import ENVIRONMENT, Config, config_hash, from_json, load_config, to_json, to_yaml
from scalper.config.fields import ALIASES, STAND_INS, Field, distinct_fields
from scalper.config.kinds import Numeric
from scalper.config.schema_risk import TrailingTier
from scalper.config.words import Rows
from scalper.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[1] / "conf" / "scalper.yaml"

#: Keys of short rows, whose meaning stands at their list.
EXPLAINED_TOGETHER = {"NIFTY", "BANKNIFTY", "SENSEX", "trigger_pct", "sl_offset_pct", "policy"}


def load(folder: Path, text: str, *sets: str, **environ: str) -> Config:
    file = folder / "conf.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, sets, environ)


def report_of(folder: Path, text: str, *sets: str, **environ: str) -> list[str]:
    """The lines of the report, the file's folder left out."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, *sets, **environ)
    return str(caught.value).replace(f"{folder}/", "").split("\n")


def leaves(section: type[msgspec.Struct] = Config, above: str = "") -> Iterator[tuple[str, Field]]:
    """Every key with a plain value, as a `--set` path; of a list, in its first row."""
    for field in distinct_fields(section):
        path = f"{above}{field.key}"
        if field.section is None:
            yield path, field
        else:
            yield from leaves(field.section, f"{path}.0." if isinstance(field.kind, Rows) else f"{path}.")


NUMBERS = [
    (path, field.kind) for path, field in leaves() if isinstance(field.kind, Numeric) and "trailing_tiers" not in path
]


def test_the_file_that_ships_equals_the_built_in_defaults() -> None:
    assert load_config(SHIPPED, [], {}) == load_config(None, [], {}) == Config()


@pytest.mark.parametrize("key", sorted({path.rpartition(".")[2] for path, _ in leaves()} - EXPLAINED_TOGETHER))
def test_the_file_that_ships_shows_every_key_with_its_meaning(key: str) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    first = next(line for line in lines if re.match(rf"[ -]*(# )?{key}: ", line))

    assert re.search(r"\S +# \S", first)


def test_an_empty_file_and_empty_sections_give_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Config()
    assert load(tmp_path, "risk:\n  # sl_pct: 0.2\nindices: {NIFTY: }\n") == Config()


def test_values_are_converted_to_house_units_once(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "risk: {sl_pct: 0.25, peak_drawdown_exit_pct: 7.5, max_daily_loss_rupees: 1500.50, time_exit_hhmm: 15:10}\n"
        "pnl: {flush_interval_sec: 0.1}\n"
        "paper: {balance: 50_000}\n",
    )

    assert config.risk.stop_loss_bps == 2_500
    assert config.risk.peak_drawdown_exit_bps == 750
    assert config.risk.daily_loss_paise_max == 1_500_50
    assert config.risk.time_exit == time(15, 10)
    assert config.pnl.flush_interval_ms == 100
    assert config.paper.balance_paise == 50_000_00


def test_later_layers_win() -> None:
    environ = {"ALLOC_PCT": "0.2", "REDIS_URL": "redis://one:6379/0", "HOME": "/nowhere"}
    config = load_config(SHIPPED, ["capital.alloc_pct=0.3", "paper.latency_ms=1", "paper.latency_ms=2"], environ)

    assert config.capital.allocation_bps == 3_000
    assert config.redis_url == "redis://one:6379/0"
    assert config.paper.latency_ms == 2


@pytest.mark.parametrize(("variable", "dotted"), ENVIRONMENT.items())
def test_an_empty_environment_variable_counts_as_absent(variable: str, dotted: str) -> None:
    assert load_config(None, [], {variable: ""}) == Config()


@pytest.mark.parametrize(
    ("written", "path", "value"),
    [
        ("paper_trading.balance", "paper.balance", "5"),
        ("signals.supertrend.multiplier", "signals.supertrend.base_multiplier", "2.5"),
        ("risk.trail_step_pct", "risk.breakeven_after_gain", "0.2"),
        ("trailing.mode", "risk.trailing.mode", "tiered"),
        ("trailing.peak_drawdown_threshold", "risk.peak_drawdown_exit_pct", "4"),
        ("risk.trailing.peak_drawdown_threshold", "risk.peak_drawdown_exit_pct", "4"),
        (
            "trailing.tiered_sl_offsets",
            "risk.trailing_tiers",
            "[{profit_pct: 5, sl_offset_pct: -1}]",
        ),
    ],
)
def test_an_alias_means_its_key(written: str, path: str, value: str) -> None:
    by_alias = load_config(None, [f"{written}={value}"], {})

    assert by_alias == load_config(None, [f"{path}={value}"], {}) != Config()


def test_every_alias_leads_to_a_key() -> None:
    known = {re.sub(r"\.0(?=\.|$)", "", path) for path, _ in leaves()}

    for target in (*ALIASES.values(), *STAND_INS.values()):
        assert any(path == target or path.startswith(f"{target}.") for path in known)


def test_the_trail_step_speaks_only_where_the_breakeven_gain_is_absent(tmp_path: Path) -> None:
    for text in (
        "{trail_step_pct: 0.2, breakeven_after_gain: 0.1}",
        "{breakeven_after_gain: 0.1, trail_step_pct: 0.2}",
    ):
        assert load(tmp_path, f"risk: {text}").risk.breakeven_after_gain_bps == 1_000


def test_a_listed_index_takes_what_it_leaves_out_from_the_built_in_one(tmp_path: Path) -> None:
    config = load(tmp_path, "indices:\n  - {key: SENSEX, cooldown_sec: 60}\n")

    assert [index.key for index in config.indices] == ["SENSEX"]
    assert config.index("SENSEX").security_id == "51"
    assert config.index("SENSEX").cooldown_s == 60
    with pytest.raises(KeyError):
        config.index("NIFTY")


@pytest.mark.parametrize("row", ["NIFTY", "0"])
def test_one_row_can_be_changed_by_name_or_number(row: str) -> None:
    config = load_config(None, [f"indices.{row}.cooldown_sec=60", "risk.trailing_tiers.7.sl_offset_pct=70"], {})

    assert [index.cooldown_s for index in config.indices] == [60, 180, 180]
    assert config.risk.trailing_tiers[-1] == TrailingTier(trigger_bps=12_000, stop_offset_bps=7_000)


def test_banknifty_is_monthly_since_its_weekly_contracts_ended() -> None:
    banknifty = Config().index("BANKNIFTY")

    assert banknifty.expiry_policy_on(date(2024, 11, 13)) == "weekly"
    assert banknifty.expiry_policy_on(date(2024, 11, 14)) == "monthly"


def test_the_first_expiry_row_holds_for_earlier_days_too() -> None:
    rows = "indices.NIFTY.expiry_policy=[{from: 2025-01-01, policy: monthly}]"

    assert load_config(None, [rows], {}).index("NIFTY").expiry_policy_on(date(2024, 1, 1)) == "monthly"


@pytest.mark.parametrize(
    ("sets", "primary", "confirmation"),
    [
        ([], 18, 20),
        (["signals.adx.confirmation_min_strength="], 18, 18),
        (["indices.NIFTY.adx.min_strength=25"], 25, 20),
        (["indices.NIFTY.adx.min_strength=25", "indices.NIFTY.adx_thresholds.primary_min_strength=0"], 0, 20),
        (["indices.NIFTY.adx_thresholds.confirmation_min_strength=30"], 18, 30),
    ],
)
def test_the_closest_adx_minimum_holds(sets: list[str], primary: float, confirmation: float) -> None:
    rules = load_config(None, sets, {}).signal_rules("NIFTY")

    assert (rules.adx_minimum_primary, rules.adx_minimum_confirmation) == (primary, confirmation)


@pytest.mark.parametrize(("value", "same_side_max"), [("0", 1), ("", 1), ("3", 3)])
def test_no_position_of_one_side_counts_as_one(value: str, same_side_max: int) -> None:
    config = load_config(None, [f"indices.NIFTY.max_same_side={value}"], {})

    assert config.index("NIFTY").same_side_max == same_side_max


def test_every_fault_of_every_layer_is_in_one_report_with_its_line(tmp_path: Path) -> None:
    text = "risk:\n  sl_pc: 0.3\n  tp_pct: abc\nmode: live\nrisk: {}\npaper:\n  latency_ms: 1.5\n"

    report = report_of(tmp_path, text, "paper.latency_ms=-1", "colour=red", ALLOC_PCT="30")

    assert [line.partition(" (")[0] for line in report] == [
        "conf.yaml:2: risk.sl_pc: unknown key; did you mean risk.sl_pct?",
        'conf.yaml:3: risk.tp_pct: found "abc"',
        'conf.yaml:4: mode: found "live"',
        "conf.yaml:5: risk: duplicate key, first given in line 1",
        "conf.yaml:7: paper.latency_ms: found 1.5, expected a whole number from 0 to 60000",
        "environment ALLOC_PCT: capital.alloc_pct: found 30, expected a number from 0 to 1",
        "--set: paper.latency_ms: found -1, expected a whole number from 0 to 60000",
        "--set: colour: unknown key",
    ]


def test_a_faulty_list_brings_no_faults_of_rules_it_would_break(tmp_path: Path) -> None:
    text = "indices: [{key: NIFTY, max_same_side: x, expiry_policy: [{policy: weekly}, {policy: monthly}]}]"

    assert len(report_of(tmp_path, text, "indices.SENSEX.cooldown_sec=1")) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("risk:\n  sl_pct: 0.1\n  sl_pct: 0.2", "conf.yaml:3: risk.sl_pct: duplicate key, first given in line 2"),
        (
            "paper: {balance: 1}\npaper_trading: {balance: 2}",
            "conf.yaml:2: paper_trading.balance: duplicate key, another name of paper.balance given in line 1",
        ),
        ("indices:\n- key: NIFTY\n  key: SENSEX", "conf.yaml:3: indices[0].key: duplicate key, first given in line 2"),
        ("indices:\n- key: NIFTY\n- key: NIFTY", "conf.yaml:3: indices[1]: duplicate row, NIFTY is given in line 2"),
        ("sl_pct: 0.1", "conf.yaml:1: sl_pct: unknown key; did you mean risk.sl_pct?"),
        ("risk.sl_pct: 0.1", "conf.yaml:1: risk.sl_pct: unknown key; keys nest: write sl_pct under risk"),
        ("watchlist: []", "conf.yaml:1: watchlist: unknown key"),
        ("risk: 5", "conf.yaml:1: risk: found 5, expected a mapping"),
        ("- risk", "conf.yaml:1: found a list, expected a mapping"),
        ("? [a]\n: 1", "conf.yaml:1: found a list as a key, expected a word"),
        ("risk: {sl_pct: [1]}", "conf.yaml:1: risk.sl_pct: found a list, expected a number from 0 to 1"),
        ("risk: {sl_pct: }", "conf.yaml:1: risk.sl_pct: found nothing, expected a number from 0 to 1"),
        ('risk: {sl_pct: "0.1"}', 'conf.yaml:1: risk.sl_pct: found "0.1"'),
        ("risk: {sl_pct: 30}", "conf.yaml:1: risk.sl_pct: found 30, expected a number from 0 to 1"),
        ("risk: {sl_pct: .nan}", 'conf.yaml:1: risk.sl_pct: found ".nan"'),
        ("paper: {latency_ms: 010}", 'conf.yaml:1: paper.latency_ms: found "010"'),
        ("risk: {time_exit_hhmm: 25:00}", 'conf.yaml:1: risk.time_exit_hhmm: found "25:00"'),
        ("indices: [{sid: 13}]", "conf.yaml:1: indices[0].key: missing, expected one of NIFTY, BANKNIFTY, SENSEX"),
        ("indices: []", "conf.yaml:1: indices: found a list of 0 rows, expected a list of 1 to 64 mappings"),
        ("indices: {FINNIFTY: {sid: 27}}", "conf.yaml:1: indices.FINNIFTY: no such row, expected one of NIFTY"),
        ("indices: {NIFTY: {key: SENSEX}}", 'conf.yaml:1: indices.NIFTY.key: found "SENSEX", expected NIFTY'),
        (
            "risk:\n  trailing_tiers:\n  - {trigger_pct: 5}",
            "conf.yaml:3: risk.trailing_tiers[0].sl_offset_pct: missing, expected a number from -100 to 10000",
        ),
        (
            "signals: {supertrend: {adaptive: true}}",
            'conf.yaml:1: signals.supertrend.adaptive: found "true"',
        ),
        ("sizing: {risk_unit: legacy_shares}", 'conf.yaml:1: sizing.risk_unit: found "legacy_shares"'),
        ("risk: {sl_pct: 0.1\nmode: paper", "conf.yaml:2: not YAML: "),
        ("mode: paper\nrisk: \x00", "conf.yaml:2: not YAML: character #x0000 is not allowed"),
        ("mode: paper\n---\nmode: watch", "conf.yaml:2: not YAML: but found another document"),
        ("[" * 3_000, "conf.yaml: not a configuration: nested too deeply"),
    ],
)
def test_a_fault_says_where_what_was_found_and_what_is_allowed(tmp_path: Path, text: str, line: str) -> None:
    report = report_of(tmp_path, text)

    assert len(report) == 1
    assert report[0].startswith(line)


@pytest.mark.parametrize(
    ("sets", "line"),
    [
        (["accounts=[{id: a}, {id: b}]"], "--set: accounts[1].id: found 2 accounts, expected exactly 1"),
        (["signals.primary_timeframe=5m"], "--set: signals.primary_timeframe: found 5m with a primary timeframe of 5m"),
        (
            ["risk.session_end_hhmm=14:59"],
            "--set: risk.session_end_hhmm: found 14:59, expected a time after signals.no",
        ),
        (
            ["risk.session_end_hhmm=15:10", "risk.time_exit_hhmm=15:10"],
            "--set: risk.time_exit_hhmm: found 15:10, expected a time after risk.session_end_hhmm (15:10)",
        ),
        (
            ["risk.trailing_tiers.1.trigger_pct=5"],
            "--set: risk.trailing_tiers.1.trigger_pct: found trigger 5 with offset -5 after 5 with -15",
        ),
        (
            ["risk.trailing_tiers.0.trigger_pct=10"],
            "--set: risk.trailing_tiers.0.trigger_pct: found trigger 10 with offset -5 after 10 with -15",
        ),
        (
            ["risk.trailing_tiers.7.sl_offset_pct=120"],
            "--set: risk.trailing_tiers.7.sl_offset_pct: found offset 120 at trigger 120, expected an offset below",
        ),
        (
            ["indices.NIFTY.expiry_policy=[{from: 2025-01-01, policy: weekly}, {policy: monthly}]"],
            "--set: indices.NIFTY.expiry_policy[1].policy: found 0001-01-01 after 2025-01-01",
        ),
        (["risk"], "--set: risk: expected key.path=value"),
        (["risk.sl_pct={"], "--set: risk.sl_pct: not YAML: "),
    ],
)
def test_values_that_contradict_each_other_are_refused(sets: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, sets, {})

    assert str(caught.value).startswith(line)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml: cannot be read: "):
        load_config(tmp_path / "missing.yaml", [], {})

    (tmp_path / "latin.yaml").write_bytes(b"mode: paper\n# \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: found byte 0xe9, expected UTF-8 text"):
        load_config(tmp_path / "latin.yaml", [], {})

    (tmp_path / "long.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match=r"found 1000001 bytes, expected at most 1000000"):
        load_config(tmp_path / "long.yaml", [], {})


@pytest.mark.parametrize(("path", "kind"), NUMBERS, ids=[path for path, _ in NUMBERS])
def test_every_number_has_limits_that_hold(path: str, kind: Numeric) -> None:
    for value in (kind.low, kind.high):
        load_config(None, [f"{path}={value:f}"], {})
    for value in (kind.low - 1, kind.high + 1):
        with pytest.raises(ConfigError, match=f"--set: {re.escape(path)}: found .*expected {re.escape(kind.expected)}"):
            load_config(None, [f"{path}={value:f}"], {})


@pytest.mark.parametrize("finer", ["risk.sl_pct=0.12345", "paper.balance=1.001", "pnl.flush_interval_sec=0.0101"])
def test_what_is_finer_than_the_house_unit_is_refused_not_rounded(finer: str) -> None:
    with pytest.raises(ConfigError, match="in steps of"):
        load_config(None, [finer], {})


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_shown_loads_as_the_same_configuration(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(NUMBERS), max_size=8))
    sets = []
    for path, kind in chosen:
        units = data.draw(st.integers(ceil(kind.low * kind.scale), floor(kind.high * kind.scale)))
        sets.append(f"{path}={units / kind.scale:f}")
    config = load_config(None, sets, {})
    file = tmp_path_factory.mktemp("shown") / "shown.yaml"
    file.write_text(to_yaml(config), encoding="utf-8")

    assert load_config(file, [], {}) == config
    assert from_json(to_json(config)) == config
    assert msgspec.json.decode(msgspec.json.encode(config), type=Config) == config


def test_passwords_are_neither_shown_nor_reported_nor_recorded() -> None:
    address = "postgresql://trader:hunter2@db:5432/scalper?password=hunter2"
    config = load_config(None, [], {"DATABASE_URL": address})

    assert config.database_url == address
    assert b"hunter2" not in to_yaml(config).encode() + to_json(config)
    for sets, environ in (
        ([f"redis_url={address}"], {}),
        ([f"database_url {address}"], {}),
        ([], {"REDIS_URL": address}),
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(None, sets, environ)
        assert "hunter2" not in str(caught.value)


def test_the_hash_knows_rules_but_no_places() -> None:
    places = ["message_log.dir=/var/log", "database_url=sqlite:///a.db", "redis_url=redis://h"]
    base = config_hash(Config())

    assert config_hash(load_config(None, places, {})) == base
    assert config_hash(load_config(None, ["risk.sl_pct=0.31"], {})) != base
    assert re.fullmatch("[0-9a-f]{64}", base)


def test_a_configuration_never_changes() -> None:
    config = Config()

    with pytest.raises(AttributeError):
        config.risk.stop_loss_bps = 1  # type: ignore[misc]
    assert isinstance(config.indices, tuple)
    assert isinstance(hash(config), int)
