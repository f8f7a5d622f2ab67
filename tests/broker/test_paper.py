"""The paper broker fills what the shown book would have filled, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.broker.paper import PaperBroker, PaperRules
from scalper.broker.ports import OrderSeen
from scalper.domain.orders import BrokerStatus, BrokerTrade, Order, OrderSide, OrderType, SendState
from scalper.domain.times import us_from
from tests.builders import (
    ELEVEN,
    LOT,
    OPTION_KEY,
    SESSION,
    a_tick,
    an_exit_order,
    an_instrument,
    an_order,
    clock,
    later,
)

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET, "limit_price_paise": 0}


def a_broker(rules: PaperRules | None = None, **told: Any) -> PaperBroker:
    return PaperBroker({OPTION_KEY: an_instrument()}, SESSION, rules or PaperRules(), **told)


def trades_in(seen: list[OrderSeen]) -> list[tuple[int, int, float]]:
    """(quantity, price, seconds after eleven) of every trade told of."""
    return [(one.quantity, one.price_paise, seconds_of(one)) for order in seen for one in order.trades]


def seconds_of(trade: BrokerTrade) -> float:
    return (trade.at_us - us_from(ELEVEN)) / 1_000_000


def told(broker: PaperBroker, *steps: tuple[datetime, tuple[Any, ...]]) -> list[OrderSeen]:
    """Everything it says while these (time, ticks) pass."""
    return [seen for at, ticks in steps for seen in broker.seen(at, ticks)]


def test_an_order_is_filled_at_the_ask_after_its_latency_and_never_at_the_last_price() -> None:
    broker = a_broker()
    broker.seen(ELEVEN, (a_tick(90_00, bid_paise=99_00, ask_paise=100_10),))

    broker.place(an_order(), ELEVEN)
    early = broker.seen(later(0.149), ())
    due = broker.seen(later(0.15), ())

    assert (list(early), trades_in(list(due))) == ([], [(LOT, 100_10, 0.15)])


def test_a_sale_is_filled_at_the_bid() -> None:
    broker = a_broker()
    broker.place(an_exit_order(), ELEVEN)

    seen = told(broker, (later(1), (a_tick(75_00, later(1), bid_paise=70_00),)))

    assert trades_in(seen) == [(LOT, 70_00, 1.0)]


def test_the_book_that_moved_during_the_latency_is_the_one_that_counts() -> None:
    broker = a_broker()
    broker.seen(ELEVEN, (a_tick(ask_paise=100_00),))

    broker.place(an_order(), ELEVEN)
    seen = told(broker, (later(0.25), (a_tick(at=later(0.1), ask_paise=100_15),)))

    assert trades_in(seen) == [(LOT, 100_15, 0.15)]


def test_a_limit_the_book_has_not_reached_rests_until_it_does() -> None:
    broker = a_broker()
    broker.place(an_order(limit_price_paise=100_00), ELEVEN)

    seen = told(
        broker,
        (later(1), (a_tick(at=later(1), ask_paise=100_05),)),
        (later(2), (a_tick(at=later(2), ask_paise=100_00),)),
    )

    assert trades_in(seen) == [(LOT, 100_00, 2.0)]


def test_a_better_price_is_given_to_the_order() -> None:
    broker = a_broker()
    broker.place(an_order(limit_price_paise=100_00), ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1), ask_paise=98_00),)))

    assert trades_in(seen) == [(LOT, 98_00, 1.0)]


def test_no_more_is_filled_than_is_shown_and_the_rest_waits_for_the_next_quote() -> None:
    broker = a_broker()
    broker.place(an_order(quantity=3 * LOT), ELEVEN)

    seen = told(
        broker,
        (later(1), (a_tick(at=later(1), ask_quantity=LOT + 10),)),
        (later(2), ()),
        (later(3), (a_tick(at=later(3), ask_quantity=20 * LOT),)),
    )

    assert trades_in(seen) == [(LOT, 100_05, 1.0), (2 * LOT, 100_05, 3.0)]
    assert [one.status for one in seen] == [BrokerStatus.PART_TRADED, BrokerStatus.TRADED]


def test_two_orders_share_what_one_quote_shows() -> None:
    broker = a_broker()
    broker.place(an_order("a-1", quantity=2 * LOT), ELEVEN)
    broker.place(an_order("a-2", quantity=2 * LOT), ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1), ask_quantity=3 * LOT),)))

    assert [(one.broker_order_id[-3:], one.filled_quantity) for one in seen] == [("a-1", 2 * LOT), ("a-2", LOT)]


def test_a_quote_without_sizes_fills_the_most_that_is_configured() -> None:
    broker = a_broker(PaperRules(size_lots_max=2))
    broker.place(an_order(quantity=3 * LOT), ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1), ask_quantity=0),)))

    assert trades_in(seen) == [(2 * LOT, 100_05, 1.0)]


@pytest.mark.parametrize(
    ("why", "quote"),
    [
        ("no ask", {"ask_paise": 0}),
        ("less than a lot is shown", {"ask_quantity": LOT - 1}),
        ("another security", {"key": "NSE_FNO:1"}),
    ],
)
def test_without_something_to_buy_from_nothing_is_bought(why: str, quote: dict[str, Any]) -> None:
    broker = a_broker()
    broker.place(an_order(**MARKET), ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1), **quote),)), (later(5), ()))

    assert seen == []


def test_without_any_quote_nothing_is_filled() -> None:
    broker = a_broker()
    broker.place(an_order(**MARKET), ELEVEN)

    seen = told(broker, (later(1), ()), (later(60), ()))

    assert seen == []


@pytest.mark.parametrize(("age_s", "fills"), [(9.85, 1), (9.86, 0)])
def test_a_quote_older_than_ten_seconds_fills_nothing(age_s: float, fills: int) -> None:
    broker = a_broker()
    broker.seen(ELEVEN, (a_tick(),))

    broker.place(an_order(), later(age_s))
    seen = told(broker, (later(15), ()))

    assert len(trades_in(seen)) == fills


def test_a_changed_limit_does_not_bring_an_old_quote_back_to_life() -> None:
    broker = a_broker()
    order = an_order(limit_price_paise=99_00)
    broker.seen(ELEVEN, (a_tick(),))
    broker.place(order, ELEVEN)
    broker.seen(later(1), ())

    broker.modify(order, 101_00, later(30))
    seen = told(broker, (later(31), ()))

    assert seen == []


def test_a_change_takes_effect_after_its_latency_and_not_before() -> None:
    broker = a_broker()
    order = an_order(limit_price_paise=99_00)
    broker.place(order, ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1)),))

    assert broker.modify(order, 100_05, later(2))
    early = broker.seen(later(2.149), ())
    due = broker.seen(later(2.25), ())

    assert (list(early), trades_in(list(due))) == ([], [(LOT, 100_05, 2.15)])


def test_a_cancel_takes_effect_after_its_latency() -> None:
    broker = a_broker()
    order = an_order(limit_price_paise=99_00)
    broker.place(order, ELEVEN)

    assert broker.cancel(order, later(1))
    early = broker.seen(later(1.149), ())
    due = broker.seen(later(1.15), ())

    assert (list(early), [one.status for one in due]) == ([], [BrokerStatus.CANCELLED])


def test_a_cancel_that_is_asked_for_again_is_not_put_off() -> None:
    broker = a_broker(PaperRules(latency_ms=3000))
    order = an_order(limit_price_paise=99_00)
    broker.place(order, ELEVEN)

    broker.cancel(order, later(15))
    broker.cancel(order, later(17))
    seen = told(broker, (later(18), ()))

    assert [one.status for one in seen] == [BrokerStatus.CANCELLED]


def test_a_fill_can_win_against_a_cancel() -> None:
    broker = a_broker()
    order = an_order(limit_price_paise=99_00)
    broker.place(order, ELEVEN)

    broker.cancel(order, later(1))
    seen = told(broker, (later(1.25), (a_tick(at=later(1.1), ask_paise=99_00),)))

    assert [one.status for one in seen] == [BrokerStatus.TRADED]


def test_what_was_filled_before_a_cancel_stays() -> None:
    broker = a_broker()
    order = an_order(quantity=2 * LOT)
    broker.place(order, ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1), ask_quantity=LOT),))

    broker.cancel(order, later(2))
    seen = told(broker, (later(3), ()))

    assert [(one.status, one.filled_quantity) for one in seen] == [(BrokerStatus.CANCELLED, LOT)]


def test_an_order_that_has_ended_can_neither_be_changed_nor_cancelled() -> None:
    broker = a_broker()
    order = an_order()
    broker.place(order, ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1)),))

    answers = broker.modify(order, 101_00, later(2)), broker.cancel(order, later(2))

    assert answers == (False, False)


def test_an_order_it_never_had_can_neither_be_changed_nor_cancelled_nor_found() -> None:
    broker, order = a_broker(), an_order()

    answers = broker.modify(order, 101_00, ELEVEN), broker.cancel(order, ELEVEN), broker.look_up(order, ELEVEN)

    assert answers == (False, False, None)


@pytest.mark.parametrize(("order", "price"), [(an_order(**MARKET), 100_15), (an_exit_order(**MARKET), 99_85)])
def test_slippage_makes_every_fill_worse(order: Order, price: int) -> None:
    broker = a_broker(PaperRules(slippage_ticks=2))
    broker.place(order, ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1)),)))

    assert trades_in(seen) == [(LOT, price, 1.0)]


def test_slippage_never_carries_a_fill_beyond_its_limit() -> None:
    broker = a_broker(PaperRules(slippage_ticks=2))
    broker.place(an_order(limit_price_paise=100_10), ELEVEN)

    seen = told(broker, (later(1), (a_tick(at=later(1)),)))

    assert seen == []


@pytest.mark.parametrize(
    ("order", "at", "text"),
    [
        (an_order(quantity=LOT + 1), ELEVEN, "not a multiple of the lot"),
        (an_order(quantity=0), ELEVEN, "not a multiple of the lot"),
        (an_order(quantity=28 * LOT), ELEVEN, "above the freeze quantity"),
        (an_order(limit_price_paise=100_02), ELEVEN, "not on the tick"),
        (an_order(limit_price_paise=0), ELEVEN, "not on the tick"),
        (an_order(instrument_key="NSE_FNO:9"), ELEVEN, "unknown security"),
        (an_order(), clock("09:14:59.999"), "market is closed"),
        (an_order(), clock("15:30:00"), "market is closed"),
    ],
)
def test_what_an_exchange_refuses_is_refused(order: Order, at: datetime, text: str) -> None:
    broker = a_broker()

    outcome = broker.place(order, at)

    assert outcome.state is SendState.REJECTED
    assert text in outcome.text
    assert broker.look_up(order, at) is None


@pytest.mark.parametrize(
    ("order", "at"),
    [
        (an_order(quantity=27 * LOT), ELEVEN),
        (an_order(), clock("09:15:00")),
        (an_order(), clock("15:29:59.999")),
        (an_order(**MARKET), ELEVEN),
    ],
)
def test_what_an_exchange_takes_is_taken(order: Order, at: datetime) -> None:
    outcome = a_broker().place(order, at)

    assert outcome.state is SendState.ACCEPTED


def test_a_check_of_the_day_can_refuse() -> None:
    broker = a_broker(check=lambda order, at: "no funds")

    outcome = broker.place(an_order(), ELEVEN)

    assert (outcome.state, outcome.text) == (SendState.REJECTED, "no funds")


def test_an_order_that_is_placed_twice_is_one_order() -> None:
    broker = a_broker()

    outcomes = [broker.place(an_order(), ELEVEN), broker.place(an_order(), later(1))]
    seen = told(broker, (later(2), (a_tick(at=later(2)),)))

    assert outcomes[0] == outcomes[1]
    assert len(trades_in(seen)) == 1


def test_what_rests_at_the_close_expires() -> None:
    broker = a_broker()
    broker.place(an_order(limit_price_paise=90_00), ELEVEN)

    seen = told(broker, (clock("15:29:59.750"), ()), (clock("15:30:00"), ()))

    assert [one.status for one in seen] == [BrokerStatus.EXPIRED]


def test_the_book_tells_every_order_with_all_its_trades() -> None:
    broker = a_broker()
    broker.place(an_order(quantity=2 * LOT), ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1), ask_quantity=LOT),))
    broker.seen(later(2), (a_tick(at=later(2), ask_quantity=LOT),))

    (entry,) = broker.book(later(3))

    assert (entry.status, entry.filled_quantity, [one.quantity for one in entry.trades]) == (
        BrokerStatus.TRADED,
        2 * LOT,
        [LOT, LOT],
    )


def test_an_order_can_be_looked_up_from_its_placing_to_its_end() -> None:
    broker, order = a_broker(), an_order()
    broker.place(order, ELEVEN)

    resting = broker.look_up(order, ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1)),))
    filled = broker.look_up(order, later(1))

    assert resting is not None
    assert filled is not None
    assert (resting.status, filled.status) == (BrokerStatus.PENDING, BrokerStatus.TRADED)
    assert resting.broker_order_id == filled.broker_order_id


def test_after_a_restart_the_same_market_gives_the_same_trades() -> None:
    order = an_order(quantity=2 * LOT)
    ticks = [(later(second), (a_tick(at=later(second), ask_quantity=LOT),)) for second in (1, 2)]
    whole, half = a_broker(), a_broker()
    whole.place(order, ELEVEN)
    half.place(order, ELEVEN)

    expected = told(whole, *ticks)
    before = told(half, ticks[0])
    again = a_broker()
    again.restore([an_order(quantity=2 * LOT, filled_quantity=LOT)], later(1.5))
    after = told(again, ticks[1])

    assert [one.trades for one in (*before, *after)] == [one.trades for one in expected]


def test_a_restored_order_that_is_known_is_left_as_it_is() -> None:
    broker, order = a_broker(), an_order(quantity=2 * LOT)
    broker.place(order, ELEVEN)
    broker.seen(later(1), (a_tick(at=later(1), ask_quantity=LOT),))

    broker.restore([order], later(2))

    assert [one.filled_quantity for one in broker.book(later(2))] == [LOT]


def test_a_quote_that_is_older_than_the_standing_one_changes_nothing() -> None:
    broker = a_broker()
    broker.seen(later(2), (a_tick(at=later(2)),))
    broker.place(an_order(limit_price_paise=99_00), later(2))

    seen = told(broker, (later(3), (a_tick(at=later(1), ask_paise=95_00),)))

    assert seen == []


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "cancel", "modify", "pause"]),
        st.integers(1, 3000),
        st.integers(1990, 2010),
        st.integers(0, 4 * LOT),
    ),
    max_size=25,
)


@given(side=st.sampled_from(list(OrderSide)), lots=st.integers(1, 5), steps=_STEPS)
def test_no_path_fills_more_than_was_ordered_or_worse_than_the_limit(
    side: OrderSide, lots: int, steps: list[tuple[str, int, int, int]]
) -> None:
    broker = a_broker()
    order = an_order(side=side, quantity=lots * LOT, limit_price_paise=100_00)
    at, limits = ELEVEN, [100_00]
    seen: list[OrderSeen] = []
    broker.place(order, at)

    for what, wait_ms, price_ticks, shown in steps:
        at = later(wait_ms / 1000, at)
        if what == "cancel":
            broker.cancel(order, at)
        elif what == "modify":
            limits.append(price_ticks * 5)
            broker.modify(order, price_ticks * 5, at)
        quote = a_tick(price_ticks * 5, at, bid_quantity=shown, ask_quantity=shown)
        seen += broker.seen(at, (quote,) if what == "tick" else ())

    trades = [trade for one in seen for trade in one.trades]
    filled = sum(trade.quantity for trade in trades)
    assert filled <= order.quantity
    assert all(trade.quantity > 0 and trade.quantity % LOT == 0 for trade in trades)
    assert [trade.at_us for trade in trades] == sorted(trade.at_us for trade in trades)
    assert len({trade.exchange_trade_id for trade in trades}) == len(trades)
    worst = max(limits) if side is OrderSide.BUY else -min(limits)
    assert all((trade.price_paise if side is OrderSide.BUY else -trade.price_paise) <= worst for trade in trades)
