"""Rules between keys: values that are right alone and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scalper.config.fields import Path
from scalper.config.schema import Config
from scalper.domain.units import BPS

#: A broken rule: the paths it is about, the one to blame first, and what to say. The defaults break none, so at least
#: one of the paths was given.
Broken = tuple[tuple[Path, ...], str]


def broken_rules(config: Config) -> Iterator[Broken]:
    """Every rule between keys that a configuration breaks."""
    yield from _accounts(config)
    yield from _timeframes(config)
    yield from _times(config)
    yield from _tiers(config)
    yield from _expiry_policies(config)


def _accounts(config: Config) -> Iterator[Broken]:
    if len(config.accounts) != 1:
        yield (
            (("accounts", config.accounts[1].id),),
            f"found {len(config.accounts)} accounts, expected exactly 1 paper account",
        )


def _timeframes(config: Config) -> Iterator[Broken]:
    signals = config.signals
    confirmation = _minutes(signals.confirmation_timeframe)
    if confirmation and confirmation <= _minutes(signals.primary_timeframe):
        paths = (("signals", "confirmation_timeframe"), ("signals", "primary_timeframe"))
        found = f"found {signals.confirmation_timeframe} with a primary timeframe of {signals.primary_timeframe}"
        yield paths, f"{found}, expected a longer one"


def _minutes(label: str) -> int:
    """Minutes of `5m` or `1h`; 0 of an empty label."""
    return int(label[:-1]) * (60 if label[-1] == "h" else 1) if label else 0


def _times(config: Config) -> Iterator[Broken]:
    ladder = [
        (("signals", "no_new_entries_after"), config.signals.no_new_entries_after),
        (("risk", "session_end_hhmm"), config.risk.session_end),
        (("risk", "time_exit_hhmm"), config.risk.time_exit),
    ]
    given = [(path, clock) for path, clock in ladder if clock is not None]
    for (earlier_path, earlier), (later_path, later) in pairwise(given):
        if later <= earlier:
            text = f"found {later:%H:%M}, expected a time after {'.'.join(earlier_path)} ({earlier:%H:%M})"
            yield (later_path, earlier_path), text


def _tiers(config: Config) -> Iterator[Broken]:
    tiers = config.risk.trailing_tiers
    paths: list[Path] = [("risk", "trailing_tiers", str(number)) for number in range(len(tiers))]
    for number, (lower, upper) in enumerate(pairwise(tiers), start=1):
        if upper.trigger_bps <= lower.trigger_bps or upper.stop_offset_bps < lower.stop_offset_bps:
            row = f"trigger {_points(upper.trigger_bps)} with offset {_points(upper.stop_offset_bps)}"
            before = f"{_points(lower.trigger_bps)} with {_points(lower.stop_offset_bps)}"
            yield (
                (paths[number], paths[number - 1]),
                f"found {row} after {before}, expected rising triggers and offsets that do not fall",
            )
    for path, tier in zip(paths, tiers, strict=True):
        if tier.stop_offset_bps >= tier.trigger_bps:
            row = f"offset {_points(tier.stop_offset_bps)} at trigger {_points(tier.trigger_bps)}"
            yield (path,), f"found {row}, expected an offset below its trigger"


def _points(bps: int) -> str:
    """Basis points as percent points, for people."""
    return f"{bps * 100 / BPS:g}"


def _expiry_policies(config: Config) -> Iterator[Broken]:
    for index in config.indices:
        for number, (earlier, later) in enumerate(pairwise(index.expiry_policy), start=1):
            if later.from_day <= earlier.from_day:
                text = f"found {later.from_day} after {earlier.from_day}, expected rows by rising date"
                path = ("indices", index.key, "expiry_policy")
                yield ((*path, str(number)), (*path, str(number - 1))), text
