"""A short recorded day on which one call is bought and sold, so that the whole program runs in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from scalper.domain.times import ist
from tests.tape.recordings import INDEX, INDEX_ROW, Row, a_bar, write_day

#: Bars of the day; the trading ladder is shortened to its end.
MINUTES = 45
#: The call that is bought.
SYMBOL = "NIFTY-Jan2026-25700-CE"
_STRIKES = {25700 + 50 * step: f"NSE_FNO:{40010 + step}" for step in range(3)}
_CALL_ROW = "NSE,D,{id},OPTIDX,NIFTY,anything,65.0,2026-01-20,{strike}.00000,CE,5.0000,W,1800,"


def write_traded_day(parent: Path, day: date = date(2026, 1, 13)) -> Path:
    """The folder of the day; the day before lies beside it, so that both timeframes can speak from the first minute."""
    before = day - timedelta(days=1)
    write_day(parent, _on(before, _index_bars(375, 25300.0)), (INDEX_ROW,), name=f"NIFTY-{before}")
    calls = (_CALL_ROW.format(id=key.partition(":")[2], strike=strike) for strike, key in _STRIKES.items())
    bars = [*_index_bars(MINUTES, 25700.0), *_call_bars(MINUTES)]
    return write_day(parent, _on(day, bars), (INDEX_ROW, *calls), name=f"NIFTY-{day}")


def _on(day: date, rows: Iterator[Row] | list[Row]) -> list[Row]:
    return [row | {"ts": ist(day, row["ts"].time())} for row in rows]


def _index_bars(minutes: int, start: float) -> Iterator[Row]:
    """A rupee up every minute: bullish on both timeframes, and strongly so."""
    for minute in range(minutes):
        price = start + minute
        yield a_bar(INDEX, _clock(minute), price, price + 1.5, price - 0.5, price + 1.0)


def _call_bars(minutes: int) -> Iterator[Row]:
    for minute in range(minutes):
        for key in _STRIKES.values():
            yield a_bar(key, _clock(minute), 100.0, 100.5, 99.5, 100.0, volume=13_000, oi=5000)


def _clock(minute: int) -> str:
    opens = datetime.combine(date(2026, 1, 13), time(9, 15))
    return (opens + timedelta(minutes=minute)).strftime("%H:%M")
