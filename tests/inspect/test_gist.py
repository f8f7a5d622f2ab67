"""What a letter says in one line."""

from __future__ import annotations

import pytest

from scalper.inspect.gist import gist


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"at": "2026-01-13T09:20:00+05:30", "position_id": 1}, "position id 1"),
        ({"ltp_paise": 6695, "bid_paise": 0, "pnl_paise": -217750}, "LTP 66.95, P&L -2177.50"),
        ({"status": "TRADED", "text": "", "reason": None, "is_final": True}, "TRADED, final yes"),
        ({"order_id": "paper/2026-01-13/stop_loss_30pct-a"}, "order id stop_loss_30pct-a"),
        ({"candle_at": "2026-01-13T09:19:00+05:30"}, "candle at 09:19:00.000"),
        ({"tick_at_us": 1_768_276_200_250_000}, "tick at 09:20:00.250"),
        ({"loss_bps": 612}, "loss 6.12%"),
        ({"quote": ["NSE_FNO:1", 1_768_276_200_250_000, 10_035]}, "NSE_FNO:1 LTP 100.35, made 09:20:00.250"),
        ({"ticks": [None]}, "no tick"),
        ({"keys": ["A", "B"]}, "keys A B"),
        ({"orders": [{"id": "x/y", "correlation_id": "y", "quantity": 65}]}, "orders y, quantity 65"),
        ({"position": {"id": 4, "instrument": {"symbol": "S"}, "status": "ACTIVE"}}, "position 4, S, ACTIVE"),
    ],
)
def test_fields_are_told_with_their_units_and_empty_ones_left_out(body: dict[str, object], told: str) -> None:
    assert gist(body) == told


def test_what_the_reader_knows_is_left_out() -> None:
    assert gist({"position_id": 1, "quantity": 65}, {"position_id"}) == "quantity 65"
