"""The end of the day on started actors, with a clock that stands still until the test moves it."""

from __future__ import annotations

from datetime import datetime

from scalper.domain.orders import Order, OrderPurpose
from scalper.domain.positions import PositionStatus
from scalper.domain.quotes import Tick
from scalper.domain.reasons import ExitReason
from scalper.domain.times import IST
from tests.builders import LOT, a_position, a_tick, clock
from tests.system.live_tree import live_tree

#: 15:14:59 in India.
ONE_SECOND_BEFORE = "2026-01-13 09:44:59"
TIME_EXIT = clock("15:20:00")


def a_price(ltp_paise: int = 101_00) -> Tick:
    return a_tick(ltp_paise, at=datetime.now(IST))


def test_open_position_is_sold_once_when_the_session_ends() -> None:
    with live_tree(ONE_SECOND_BEFORE, a_position(quantity=2 * LOT)) as tree:
        tree.move(0.5, a_price())
        before = tree.orders()
        tree.move(0.5, a_price())
        at_the_end = tree.orders()
        for _ in range(8):
            tree.move(0.25, a_price())
        tree.move(300, a_price())

        assert [side for side, _, _ in before] == ["BUY"]
        assert [order[:2] for order in at_the_end] == [("BUY", "entry_NIFTY_CE_25750"), ("SELL", "session_end_1515")]
        assert tree.orders()[1:] == [("SELL", "session_end_1515", "TRADED")]
        position = tree.position()
        assert (position.status, position.quantity, position.exit_tag, position.exit_reason) == (
            PositionStatus.EXITED,
            0,
            "session_end_1515",
            ExitReason.SESSION_END,
        )
        assert position.exited_at is not None and position.exited_at < clock("15:15:02")
        assert tree.dead_letters == 0


def test_position_whose_sale_is_rejected_at_the_session_end_is_sold_at_the_time_exit() -> None:
    def refuse_until_time_exit(order: Order, at: datetime) -> str:
        return "exchange is not taking orders" if order.purpose is OrderPurpose.EXIT and at < TIME_EXIT else ""

    with live_tree(ONE_SECOND_BEFORE, a_position(), check=refuse_until_time_exit) as tree:
        tree.move(0.5, a_price())
        tree.move(0.5, a_price())
        first = tree.orders()[1:]
        tree.move(0.75, a_price())
        within_cool_down = tree.orders()[1:]
        tree.move(0.5, a_price())
        second = tree.orders()[1:]
        tree.move(298.5, a_price())
        before_time_exit = tree.orders()[1:]
        status_before = tree.position().status
        for _ in range(12):
            tree.move(0.25, a_price())

        refused = ("SELL", "session_end_1515", "REJECTED")
        assert first == within_cool_down == [refused]
        assert second == [refused] * 2
        assert set(before_time_exit) == {refused}
        assert status_before is PositionStatus.ACTIVE
        assert tree.orders()[1 + len(before_time_exit) :] == [("SELL", "time_exit_1520", "TRADED")]
        position = tree.position()
        assert (position.status, position.exit_tag) == (PositionStatus.EXITED, "time_exit_1520")
        assert position.exited_at is not None and TIME_EXIT <= position.exited_at < clock("15:20:02")


def test_position_of_a_silent_feed_is_sold_at_the_session_end_with_the_first_price() -> None:
    with live_tree(ONE_SECOND_BEFORE, a_position()) as tree:
        tree.tick(a_price())
        tree.move(1)
        ordered = tree.orders()[1:]
        tree.move(14)
        tree.move(1, a_price(99_00))
        for _ in range(8):
            tree.move(0.25, a_price(99_00))

        assert [order[:2] for order in ordered] == [("SELL", "session_end_1515")]
        assert tree.orders()[-1] == ("SELL", "session_end_1515", "TRADED")
        position = tree.position()
        assert (position.status, position.quantity) == (PositionStatus.EXITED, 0)
