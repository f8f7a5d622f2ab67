"""A protected limit is on the tick, beyond the opposite price, and never below one tick."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.order_prices import protected_limit
from scalper.domain.orders import OrderSide


@pytest.mark.parametrize(
    ("side", "best_paise", "cushion", "expected"),
    [
        (OrderSide.BUY, 100_00, 2, 100_10),
        (OrderSide.SELL, 100_00, 2, 99_90),
        (OrderSide.BUY, 100_02, 0, 100_05),
        (OrderSide.SELL, 100_02, 0, 100_00),
        (OrderSide.SELL, 5, 2, 5),
        (OrderSide.SELL, 3, 0, 5),
        (OrderSide.BUY, 0, 2, 0),
        (OrderSide.SELL, 0, 2, 0),
        (OrderSide.SELL, -5, 2, 0),
    ],
)
def test_the_cushion_lies_beyond_the_best_price(side: OrderSide, best_paise: int, cushion: int, expected: int) -> None:
    assert protected_limit(side, best_paise=best_paise, cushion_ticks=cushion, tick_size_paise=5) == expected


@given(
    side=st.sampled_from(list(OrderSide)),
    best_paise=st.integers(1, 10**7),
    cushion=st.integers(0, 50),
    tick=st.sampled_from([1, 5, 10]),
)
def test_it_is_always_a_price_the_exchange_takes_and_reaches_the_quote(
    side: OrderSide, best_paise: int, cushion: int, tick: int
) -> None:
    limit = protected_limit(side, best_paise=best_paise, cushion_ticks=cushion, tick_size_paise=tick)

    assert limit > 0
    assert limit % tick == 0
    assert limit >= best_paise if side is OrderSide.BUY else limit <= max(best_paise, tick)
    assert abs(limit - best_paise) < (cushion + 1) * tick
