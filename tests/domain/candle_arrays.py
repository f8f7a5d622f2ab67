"""Candles for indicator tests: recorded sets, random walks, and walks that hypothesis makes up."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st

from scalper.domain.indicators.smoothing import Series
from tests.shared_files import SHARED, candle_set

CANDLE_SETS = (
    "nifty_1m_d1_first100",
    "nifty_1m_d1_last120",
    "nifty_5m_75",
    "sensex_1m_d2_first90",
    "sensex_5m_first80",
    "synthetic_uptrend_80",
    "synthetic_downtrend_80",
    "synthetic_chop_80",
    "synthetic_flat_60",
    "synthetic_reversal_120",
)


class Candles(NamedTuple):
    """Highs, lows and closes in rupees, oldest first."""

    high: Series
    low: Series
    close: Series


def recorded(name: str) -> Candles:
    """A named candle set beside the checkout."""
    prices = np.array([row[1:5] for row in candle_set(name)], dtype=np.float64)
    return Candles(prices[:, 1].copy(), prices[:, 2].copy(), prices[:, 3].copy())


def recorded_fully() -> dict[str, Series]:
    """Five whole days of NIFTY minutes with the indicators that somebody else computed of them, by column."""
    from pyarrow.parquet import ParquetFile

    path = SHARED / "data" / "indicators" / "golden_adx_atr_nifty_1m_2026-08-11_17.parquet"
    table = ParquetFile(path).read(columns=["high", "low", "close", "atr14", "plus_di14", "minus_di14", "adx14"])
    return {name: table[name].to_numpy() for name in table.column_names}


def walked(seed: int, count: int = 400) -> Candles:
    """A random walk around 25 000 rupees whose volatility comes and goes."""
    random = np.random.default_rng(seed)
    sigma = 8.0 * (1.5 + np.sin(np.arange(count) / 40.0))
    close = np.round(25_000.0 + np.cumsum(random.normal(0.0, sigma)), 2)
    opened = np.concatenate(([25_000.0], close[:-1]))
    high = np.round(np.maximum(opened, close) + np.abs(random.normal(0.0, 4.0, count)), 2)
    low = np.round(np.minimum(opened, close) - np.abs(random.normal(0.0, 4.0, count)), 2)
    return Candles(high, low, close)


def sources() -> list[Any]:
    """Where an oracle is asked: every recorded set, and walks that need no recording."""
    sets = [pytest.param(lambda name=name: recorded(name), id=name, marks=pytest.mark.shared) for name in CANDLE_SETS]
    return sets + [pytest.param(lambda seed=seed: walked(seed), id=f"walk-{seed}") for seed in range(5)]


_moves = st.tuples(st.integers(-3_000, 3_000), st.integers(0, 2_000), st.integers(0, 2_000))


@st.composite
def made_up(draw: st.DrawFn, count_min: int = 0, count_max: int = 60) -> Candles:
    """Any walk of paise, gaps and flat stretches included."""
    # The length is drawn first: left alone, hypothesis makes lists of five, which end before any indicator begins.
    count = draw(st.integers(count_min, count_max))
    close, rows = 1_000_000, []
    for move, above, below in draw(st.lists(_moves, min_size=count, max_size=count)):
        opened, close = close, close + move
        rows.append(((max(opened, close) + above) / 100, (min(opened, close) - below) / 100, close / 100))
    prices = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return Candles(prices[:, 0].copy(), prices[:, 1].copy(), prices[:, 2].copy())
