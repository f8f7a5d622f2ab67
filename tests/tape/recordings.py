"""Small recorded days, written where a test wants them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow.parquet import write_table

from scalper.domain.times import IST

HEADER = (
    "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SYMBOL,SYMBOL_NAME,LOT_SIZE,"
    "SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,SM_FREEZE_QTY,"
)
INDEX_ROW = "NSE,I,13,INDEX,NIFTY,NIFTY,1.0,0001-01-01,,XX,0.0500,N,0,"
CALL_ROW = "NSE,D,40001,OPTIDX,NIFTY,anything,65.0,2026-01-13,25400.00000,CE,5.0000,W,1800,"
PUT_ROW = "NSE,D,40002,OPTIDX,NIFTY,anything,65.0,2026-01-13,25400.00000,PE,5.0000,W,1800,"
INDEX, CALL, PUT = "IDX_I:13", "NSE_FNO:40001", "NSE_FNO:40002"

Row = dict[str, Any]


def a_bar(key: str, clock: str, open_: float, high: float, low: float, close: float, /, **fields: Any) -> Row:
    """One row of bars.parquet on 2026-01-13."""
    segment, security_id = key.split(":")
    ts = datetime.combine(datetime(2026, 1, 13), time.fromisoformat(clock), tzinfo=IST)
    row = {"ts": ts, "segment": segment, "security_id": security_id, "volume": 0, "oi": 0}
    return row | {"open": open_, "high": high, "low": low, "close": close} | fields


def some_bars(minutes: int = 40) -> list[Row]:
    """Whole minutes from 09:15 of the index and one call, the call trading 1300 units in each."""
    rows = []
    for minute in range(minutes):
        clock = (datetime(2026, 1, 13, 9, 15) + timedelta(minutes=minute)).strftime("%H:%M")
        rows.append(a_bar(INDEX, clock, 25700.0, 25710.0, 25690.0, 25705.0))
        rows.append(a_bar(CALL, clock, 300.0, 303.0, 299.0, 301.0, volume=1300, oi=5000))
    return rows


def write_day(
    parent: Path,
    rows: Iterable[Row],
    master: Iterable[str] = (INDEX_ROW, CALL_ROW),
    name: str = "NIFTY-2026-01-13",
) -> Path:
    """Write a recorded day and return its folder."""
    folder = parent / name
    folder.mkdir(parents=True)
    schema = pyarrow.schema(
        [
            ("ts", pyarrow.timestamp("us", tz="Asia/Kolkata")),
            ("segment", pyarrow.string()),
            ("security_id", pyarrow.string()),
            *((price, pyarrow.float64()) for price in ("open", "high", "low", "close")),
            ("volume", pyarrow.int64()),
            ("oi", pyarrow.int64()),
        ]
    )
    write_table(pyarrow.Table.from_pylist(list(rows), schema=schema), folder / "bars.parquet")
    (folder / "master.csv").write_text("\n".join((HEADER, *master)) + "\n", encoding="utf-8")
    return folder
