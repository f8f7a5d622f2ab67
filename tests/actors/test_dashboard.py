"""Dashboard shows the newest state of everything it was told."""

from __future__ import annotations

from scalper.actors.dashboard import NEWS_KEPT, Dashboard, Picture
from scalper.actors.messages.feed import FeedHealthChanged, IndexTicks
from scalper.actors.messages.positions import PositionClosed, PositionOpened, PositionTrailed, WalletChanged
from scalper.actors.messages.risk import Alert, GetDashboard, TradingStateChanged
from scalper.actors.messages.signals import SignalPublished, TradeIntentRejected
from scalper.domain.positions import Position
from scalper.domain.signals import IntentStatus
from scalper.domain.times import us_from
from scalper.domain.trading_state import TradingState
from tests.actors.harness import Stage, a_snapshot, restarted
from tests.builders import (
    ACCOUNT,
    ELEVEN,
    INDEX_KEY,
    a_closed_position,
    a_position,
    a_signal,
    a_trail,
    a_wallet,
    an_index_tick,
    an_intent,
    later,
)


def a_stage(*positions: Position) -> Stage:
    stage = Stage({"dashboard": (Dashboard, Dashboard)})
    stage.tell(a_snapshot(*positions))
    return stage


def picture(stage: Stage) -> Picture:
    answer: Picture = stage.answer("dashboard", GetDashboard(at=ELEVEN))
    return answer


def mark(position_id: int = 1) -> PositionTrailed:
    return PositionTrailed(
        at=ELEVEN,
        position_id=position_id,
        ltp_paise=101_00,
        bid_paise=100_95,
        tick_at_us=us_from(ELEVEN),
        pnl_paise=65_00,
        hwm_pnl_paise=65_00,
        trail=a_trail(),
    )


def test_it_begins_with_what_position_tracker_has() -> None:
    shown = picture(a_stage(a_closed_position(1), a_position(2)))

    assert [position.id for position in shown.positions] == [1, 2]
    assert shown.wallet == a_wallet()


def test_the_newest_word_on_everything_is_shown() -> None:
    stage = a_stage()

    stage.tell(
        PositionOpened(at=ELEVEN, position=a_position(1)),
        mark(),
        IndexTicks(at=ELEVEN, ticks=(an_index_tick(25_700_00), an_index_tick(25_800_00))),
        SignalPublished(at=ELEVEN, signal=a_signal()),
        WalletChanged(at=ELEVEN, wallet=a_wallet(5_00)),
        TradingStateChanged(at=ELEVEN, account_id=ACCOUNT, state=TradingState.REDUCING, causes=("feed",)),
        FeedHealthChanged(at=ELEVEN, is_fresh=False, age_ms=11_000),
    )
    stage.pulse(later(1))

    shown = picture(stage)
    assert (shown.at, shown.state, shown.causes, shown.is_feed_fresh) == (
        later(1),
        TradingState.REDUCING,
        ("feed",),
        False,
    )
    assert (shown.marks[1].ltp_paise, shown.index_ltp_paise, shown.signals) == (101_00, {INDEX_KEY: 25_800_00}, 1)
    assert shown.wallet == a_wallet(5_00)


def test_a_closed_position_stays_without_its_mark() -> None:
    stage = a_stage(a_position(1))

    stage.tell(mark(), PositionClosed(at=ELEVEN, position=a_closed_position(1)))

    shown = picture(stage)
    assert ([position.id for position in shown.positions], shown.marks) == ([1], {})


def test_refusals_are_counted_by_their_reason() -> None:
    stage = a_stage()
    refused = [
        an_intent(number, status=IntentStatus.REJECTED, reason=reason)
        for number, reason in ((1, "a"), (2, "b"), (3, "a"))
    ]

    stage.tell(*(TradeIntentRejected(at=ELEVEN, intent=intent) for intent in refused))

    shown = picture(stage)
    assert (shown.refusals, shown.last_refusal) == ({"a": 2, "b": 1}, refused[-1])


def test_only_the_last_news_are_kept_and_a_restart_is_news() -> None:
    stage = a_stage()

    stage.tell(*(Alert(at=ELEVEN, level="WARNING", text=f"number {number}") for number in range(NEWS_KEPT + 3)))
    stage.tell(restarted("feed_hub"))

    news = picture(stage).news
    assert len(news) == NEWS_KEPT
    assert "feed_hub was restarted" in news[-1]
