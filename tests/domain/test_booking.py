"""How positions are born, grow, are sold and end; and what an account has meanwhile."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.booking import (
    BookingRules,
    booked,
    caught_up,
    entry_orders,
    exit_orders,
    kept_trail,
    new_position,
    wallet_of,
)
from scalper.domain.instruments import OptionType
from scalper.domain.orders import OrderPurpose, OrderSide, OrderType
from scalper.domain.positions import OrderTotals, Position, PositionSide, PositionStatus
from scalper.domain.reasons import StopSource
from scalper.domain.rules import ExitRules
from scalper.errors import InvariantError
from tests.builders import (
    ACCOUNT,
    BOOKING,
    DAY,
    ELEVEN,
    LOT,
    a_closed_position,
    a_pending_position,
    a_position,
    a_signal,
    a_tick,
    a_trail,
    an_exit_intent,
    an_instrument,
    an_intent,
    bought,
    later,
)

MARKET = BookingRules(exits=ExitRules(), is_market_style=True, cushion_ticks=2, correlation_chars_max=25)


def totals(
    side: OrderSide, quantity: int, filled: int, price_paise: int = 100_00, *, is_final: bool = False, name: str = ""
) -> OrderTotals:
    return OrderTotals(
        name or side.value, side, quantity, filled, filled * price_paise, 10_00 if filled else 0, is_final
    )


def a_born(lots: int = 2) -> Position:
    """A pending position that has ordered so many lots."""
    return a_pending_position(orders=(totals(OrderSide.BUY, lots * LOT, 0),), ordered_quantity=lots * LOT)


def after(position: Position, *reports: OrderTotals) -> Position:
    for place, report in enumerate(reports):
        position = booked(position, report, "told", BOOKING, later(place))
    return position


@pytest.mark.parametrize(
    ("option_type", "side"), [(OptionType.CE, PositionSide.LONG_CE), (OptionType.PE, PositionSide.LONG_PE)]
)
def test_an_intent_becomes_a_pending_position(option_type: OptionType, side: PositionSide) -> None:
    position = new_position(3, an_intent(), a_signal(), an_instrument(option_type=option_type), ELEVEN, is_paper=True)

    assert (position.id, position.side, position.status) == (3, side, PositionStatus.PENDING)
    assert (position.ordered_quantity, position.quantity, position.trail) == (LOT, 0, None)


def test_an_index_cannot_be_bought() -> None:
    with pytest.raises(InvariantError, match="only options are bought"):
        new_position(1, an_intent(), a_signal(), an_instrument(option_type=None), ELEVEN, is_paper=True)


@pytest.mark.parametrize(
    ("rules", "ask_paise", "order_type", "limit_paise"),
    [
        (BOOKING, 100_05, OrderType.LIMIT, 100_15),
        (BOOKING, 0, OrderType.LIMIT, 100_10),
        (MARKET, 100_05, OrderType.MARKET, 0),
    ],
)
def test_an_entry_pays_up_to_the_cushion_above_the_ask(
    rules: BookingRules, ask_paise: int, order_type: OrderType, limit_paise: int
) -> None:
    (order,) = entry_orders(a_born(1), an_intent(), a_tick(ask_paise=ask_paise), DAY, rules, ELEVEN)

    assert (order.order_type, order.limit_price_paise, order.side) == (order_type, limit_paise, OrderSide.BUY)
    assert (order.purpose, order.intent_id, order.correlation_id) == (
        OrderPurpose.ENTRY,
        1,
        "entry_NIFTY_CE_25750-1",
    )


@pytest.mark.parametrize(
    ("bid_paise", "ltp_paise", "order_type", "limit_paise"),
    [(70_00, 71_00, OrderType.LIMIT, 69_90), (0, 71_00, OrderType.LIMIT, 70_90), (0, 0, OrderType.MARKET, 0)],
)
def test_an_exit_takes_the_bid_else_the_last_price_else_any(
    bid_paise: int, ltp_paise: int, order_type: OrderType, limit_paise: int
) -> None:
    (order,) = exit_orders(
        an_exit_intent(), an_instrument(), bid_paise=bid_paise, ltp_paise=ltp_paise, day=DAY, rules=BOOKING, at=ELEVEN
    )

    assert (order.order_type, order.limit_price_paise, order.side) == (order_type, limit_paise, OrderSide.SELL)


@given(lots=st.integers(1, 200))
def test_slices_add_up_and_each_has_an_id_of_its_own(lots: int) -> None:
    intent = an_exit_intent(quantity=lots * LOT)

    orders = exit_orders(intent, an_instrument(), bid_paise=70_00, ltp_paise=0, day=DAY, rules=BOOKING, at=ELEVEN)

    assert sum(order.quantity for order in orders) == lots * LOT
    assert len({order.id for order in orders}) == len(orders)
    assert all(0 < order.quantity < an_instrument().freeze_quantity for order in orders)
    assert all(len(order.correlation_id) <= 25 for order in orders)


def test_the_first_fill_opens_with_stop_and_target() -> None:
    position = after(a_born(), totals(OrderSide.BUY, 2 * LOT, LOT))

    assert (position.status, position.quantity, position.entry_price_paise) == (PositionStatus.ACTIVE, LOT, 100_00)
    assert (position.trail, position.target_paise, position.opened_at) == (a_trail(), 160_00, ELEVEN)


def test_a_further_fill_averages_and_keeps_the_time_of_the_first() -> None:
    position = after(
        a_born(),
        totals(OrderSide.BUY, 2 * LOT, LOT),
        OrderTotals("BUY", OrderSide.BUY, 2 * LOT, 2 * LOT, LOT * 203_00, 20_00, is_final=True),
    )

    assert (position.entry_price_paise, position.opened_at) == (101_50, ELEVEN)
    assert position.trail is not None
    assert position.trail.stop_paise == 71_05
    assert position.target_paise == 162_40


def test_a_cheaper_fill_lowers_no_stop() -> None:
    position = after(
        a_born(),
        totals(OrderSide.BUY, 2 * LOT, LOT),
        OrderTotals("BUY", OrderSide.BUY, 2 * LOT, 2 * LOT, LOT * 190_00, 20_00, is_final=True),
    )

    assert position.trail is not None
    assert (position.entry_price_paise, position.trail.stop_paise) == (95_00, 70_00)


@pytest.mark.parametrize(("text", "reason"), [("no margin", "no margin"), ("", "not filled")])
def test_an_entry_that_ends_empty_is_cancelled_with_its_reason(text: str, reason: str) -> None:
    position = booked(a_born(), totals(OrderSide.BUY, 2 * LOT, 0, is_final=True), text, BOOKING, ELEVEN)

    assert (position.status, position.cancel_reason) == (PositionStatus.CANCELLED, reason)


def test_while_one_slice_of_the_entry_lives_nothing_has_ended() -> None:
    born = a_pending_position(orders=(totals(OrderSide.BUY, LOT, 0, name="a"), totals(OrderSide.BUY, LOT, 0, name="b")))

    waiting = after(born, totals(OrderSide.BUY, LOT, 0, name="a", is_final=True))
    ended = after(waiting, totals(OrderSide.BUY, LOT, 0, name="b", is_final=True))

    assert (waiting.status, ended.status) == (PositionStatus.PENDING, PositionStatus.CANCELLED)


def test_selling_the_last_unit_ends_it_with_its_net_result() -> None:
    position = after(
        a_born(),
        totals(OrderSide.BUY, 2 * LOT, 2 * LOT, is_final=True),
        totals(OrderSide.SELL, 2 * LOT, LOT, 110_00),
        totals(OrderSide.SELL, 2 * LOT, 2 * LOT, 110_00, is_final=True),
    )

    assert (position.status, position.exited_at) == (PositionStatus.EXITED, later(2))
    assert position.last_pnl_paise == position.net_paise == 2 * LOT * 10_00 - 20_00
    assert position.hwm_pnl_paise == 2 * LOT * 10_00


def test_a_report_that_says_nothing_new_changes_nothing() -> None:
    position = after(a_born(), totals(OrderSide.BUY, 2 * LOT, LOT))

    again = booked(position, totals(OrderSide.BUY, 2 * LOT, LOT), "", BOOKING, later(60))

    assert again is position


_REPORTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "sale"]), st.integers(0, 3), st.integers(90_00, 110_00), st.booleans()),
    max_size=15,
)


@given(reports=_REPORTS)
def test_no_sequence_of_reports_goes_below_zero_lowers_a_stop_or_loses_a_paisa(
    reports: list[tuple[str, int, int, bool]],
) -> None:
    position = a_pending_position(
        orders=(totals(OrderSide.BUY, 3 * LOT, 0, name="a"), totals(OrderSide.BUY, 3 * LOT, 0, name="b"))
    )
    stop_paise = 0

    for name, lots, price_paise, is_final in reports:
        if not position.is_open:
            break
        side = OrderSide.SELL if name == "sale" else OrderSide.BUY
        # Nobody fills a sale of more than was bought; a report may be old or repeated.
        filled = min(lots * LOT, position.bought_quantity) if name == "sale" else lots * LOT
        position = booked(
            position, totals(side, 3 * LOT, filled, price_paise, name=name, is_final=is_final), "", BOOKING, ELEVEN
        )
        assert 0 <= position.quantity <= 6 * LOT
        assert position.trail is None or position.trail.stop_paise >= stop_paise
        stop_paise = position.trail.stop_paise if position.trail is not None else 0

    if position.status is PositionStatus.EXITED:
        assert position.net_paise == position.sold_value_paise - position.bought_value_paise - position.charges_paise


def test_of_two_trails_the_higher_parts_are_kept() -> None:
    known = a_trail(106_70, 110_00, stop_source=StopSource.TRAIL, is_breakeven_locked=True)

    kept = kept_trail(known, a_trail(70_00, 112_00))

    assert kept == msgspec.structs.replace(known, hwm_ltp_paise=112_00)
    assert kept_trail(None, known) == known
    assert kept_trail(a_trail(), known) == known


def test_a_position_catches_up_with_what_is_ahead_and_nothing_else() -> None:
    position = a_position(quantity=2 * LOT)
    sale = totals(OrderSide.SELL, 2 * LOT, LOT, 90_00)

    ahead = caught_up(position, (sale,))

    assert ahead.quantity == LOT
    assert caught_up(ahead, position.orders) == ahead


@pytest.mark.parametrize(
    ("positions", "cash", "equity", "realised"),
    [
        ((), 100_000_00, 100_000_00, 0),
        ((a_pending_position(),), 100_000_00, 100_000_00, 0),
        ((a_position(),), 100_000_00 - LOT * 100_00 - 25_00, 100_000_00, 0),
        ((a_closed_position(net_paise=-500_00),), 99_500_00, 99_500_00, -500_00),
    ],
)
def test_the_wallet_is_balance_and_results_less_what_is_open(
    positions: tuple[Position, ...], cash: int, equity: int, realised: int
) -> None:
    wallet = wallet_of(ACCOUNT, 100_000_00, positions, {})

    assert (wallet.cash_paise, wallet.equity_at_cost_paise, wallet.realised_today_paise) == (cash, equity, realised)


def test_what_a_pending_position_will_cost_is_not_spent_twice() -> None:
    pending = a_pending_position()

    wallet = wallet_of(ACCOUNT, 100_000_00, (pending,), {pending.id: 6_500_00})

    assert (wallet.cash_paise, wallet.equity_at_cost_paise) == (93_500_00, 100_000_00)


def test_what_a_partial_sale_brought_is_cash_again() -> None:
    sale = totals(OrderSide.SELL, 2 * LOT, LOT, 110_00)
    position = a_position(quantity=2 * LOT, orders=(bought(2 * LOT), sale))

    wallet = wallet_of(ACCOUNT, 100_000_00, (position,), {})

    assert wallet.cash_paise == 100_000_00 - 2 * LOT * 100_00 + LOT * 110_00 - 35_00
