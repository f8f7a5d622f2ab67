"""What a trader sees while a day is played, and when it is over."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stderr
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from scalper.actors.dashboard import Picture
from scalper.actors.messages.positions import PositionTrailed
from scalper.actors.messages.signals import SignalEvaluated
from scalper.config import load_config
from scalper.desk import Desk, desk_of, session_of
from scalper.domain.day_book import unrealised_net_paise
from scalper.domain.direction import AvoidReason, Direction, ReadingReason, ReadingStatus, TimeframeReading, Verdict
from scalper.domain.indicators.supertrend import Trend
from scalper.domain.instruments import Instrument, InstrumentKind, OptionType, option_symbol
from scalper.domain.orders import OrderSide
from scalper.domain.positions import OrderTotals, Position, PositionSide, PositionStatus, Trail, Wallet
from scalper.domain.quotes import Candle, Tick
from scalper.domain.reasons import StopSource
from scalper.domain.signals import GateResult, IntentStatus, TradeIntent
from scalper.domain.times import ist
from scalper.domain.trading_state import TradingState
from scalper.reference import shipped_calendar, shipped_charges
from scalper.view import TerminalView, scene_of, screen_lines
from scalper.view_parts import Scene, money_of
from scalper.view_positions import net_at_bid_paise
from scalper.view_text import cell, change_pct, countdown, rupees
from tests import builders

DAY = date(2026, 1, 9)
EXPIRY = date(2026, 1, 13)
CHARGES = shipped_charges()


def an_index(key: str, security_id: str) -> Instrument:
    return Instrument(
        key=f"IDX_I:{security_id}",
        segment="IDX_I",
        security_id=security_id,
        kind=InstrumentKind.INDEX,
        underlying=key,
        symbol=key,
        lot_size=1,
        tick_size_paise=5,
    )


def an_option(underlying: str, strike: int, option_type: OptionType, security_id: str) -> Instrument:
    return Instrument(
        key=f"NSE_FNO:{security_id}",
        segment="NSE_FNO",
        security_id=security_id,
        kind=InstrumentKind.OPTION,
        underlying=underlying,
        symbol=option_symbol(underlying, EXPIRY, strike * 100, option_type),
        lot_size=30,
        tick_size_paise=5,
        expiry=EXPIRY,
        strike_paise=strike * 100,
        option_type=option_type,
    )


INDICES = (an_index("NIFTY", "13"), an_index("BANKNIFTY", "25"), an_index("SENSEX", "51"))
CALL = an_option("BANKNIFTY", 58_600, OptionType.CE, "901")
PUT = an_option("NIFTY", 24_750, OptionType.PE, "902")


class QuietMarket:
    """A day on which nothing is traded; only NIFTY is known from the day before."""

    kind = name = "builtin"
    day = DAY
    seed = 7
    instruments: tuple[Instrument, ...] = (*INDICES, CALL, PUT)
    opens_at = ist(DAY, time(9, 15))
    closes_at = ist(DAY, time(15, 30))
    warnings: tuple[str, ...] = ()

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        return ()

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        return (Candle(0, 24_900_00, 24_900_00, 24_800_00, 24_876_40),) if key == "IDX_I:13" else ()

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        return ()

    def quote(self, key: str, at: datetime) -> Tick | None:
        return None

    def close(self) -> None: ...


@cache
def the_desk() -> Desk:
    session = session_of(load_config(None, [], {}), shipped_calendar(), DAY, QuietMarket.closes_at)
    return desk_of(load_config(None, [], {}), session, DAY, QuietMarket.instruments)


def a_scene(speed: float | None = 60.0, resumed_at: datetime | None = None) -> Scene:
    return scene_of(the_desk(), QuietMarket(), resumed_at, speed, CHARGES)


def at(clock: str) -> datetime:
    return ist(DAY, time.fromisoformat(clock))


def a_picture(**changes: Any) -> Picture:
    picture = Picture(
        at=at("10:45:00"),
        state=TradingState.ACTIVE,
        causes=(),
        is_feed_fresh=True,
        positions=(),
        marks={},
        wallet=Wallet(
            account_id="paper", cash_paise=100_000_00, equity_at_cost_paise=100_000_00, realised_today_paise=0
        ),
        index_ltp_paise={},
        evaluated={},
        first_spoken={},
        signals=0,
        refusals={},
        last_refusal=None,
        news=(),
    )
    return msgspec.structs.replace(picture, **changes)


def an_open_position(**changes: Any) -> Position:
    """30 units of the call bought at 749.70 for 31.55 of charges."""
    told: dict[str, Any] = {
        "index_key": "BANKNIFTY",
        "instrument": CALL,
        "entry_tag": "entry_BANKNIFTY_CE_58600",
        "created_at": at("10:16:00"),
        "updated_at": at("10:16:00"),
        "opened_at": at("10:16:00"),
        "orders": (builders.bought(30, 749_70, charges_paise=31_55),),
        "target_paise": 1_199_55,
        "trail": builders.a_trail(524_75, 749_70),
    }
    return builders.a_position(5, quantity=30, entry_paise=749_70, **(told | changes))


def a_closed_position(position_id: int, clock: str, tag: str = "trailing_stop_3pct") -> Position:
    """65 units of the put, bought at 150.60 and sold at 162.30 for 66.58 of charges: 693.92 net."""
    bought = builders.bought(65, 150_60, charges_paise=30_00)
    sold = OrderTotals("s", OrderSide.SELL, 65, 65, 65 * 162_30, 36_58, True)
    return an_open_position(
        id=position_id,
        instrument=PUT,
        index_key="NIFTY",
        side=PositionSide.LONG_PE,
        status=PositionStatus.EXITED,
        orders=(bought, sold),
        entry_price_paise=150_60,
        opened_at=at("09:20:00"),
        exited_at=at(clock),
        updated_at=at(clock),
        exit_tag=tag,
    )


def a_mark(bid_paise: int = 829_90) -> PositionTrailed:
    trail = Trail(stop_paise=832_20, stop_source=StopSource.TRAIL, hwm_ltp_paise=857_95, is_breakeven_locked=True)
    return PositionTrailed(
        at=at("10:45:00"),
        position_id=5,
        ltp_paise=830_25,
        bid_paise=bid_paise,
        tick_at_us=0,
        pnl_paise=2_416_50,
        hwm_pnl_paise=3_247_50,
        trail=trail,
    )


def a_reading(minutes: int, adx: float | None, direction: Direction) -> TimeframeReading:
    return TimeframeReading(
        interval_minutes=minutes,
        candle_start_us=0,
        status=ReadingStatus.OK,
        direction=direction,
        reason=None if direction is not Direction.AVOID else ReadingReason.WEAK_ADX,
        trend=Trend.BEARISH if adx is not None else None,
        adx=adx,
    )


def an_evaluation(verdict: Verdict, adx_5m: float | None = 18.4) -> SignalEvaluated:
    return SignalEvaluated(
        at=at("10:44:05"),
        index_key="NIFTY",
        candle_at=at("10:43:00"),
        close_paise=24_833_25,
        primary=a_reading(1, 25.1, Direction.BEARISH),
        confirmation=a_reading(5, adx_5m, Direction.AVOID),
        verdict=verdict,
    )


def a_refusal() -> TradeIntent:
    return TradeIntent(
        id=1,
        delivery_id=1,
        leg_no=0,
        signal_id=1,
        account_id="paper",
        index_key="NIFTY",
        instrument_key=PUT.key,
        quantity=0,
        ltp_paise=0,
        status=IntentStatus.REJECTED,
        reason="exposure_limit",
        tag="",
        intent_number=1,
        gates=(
            GateResult("index_known", "NIFTY", "in the master", True),
            GateResult("exposure", "1 on this side", "fewer than 1", False, "exposure_limit"),
        ),
        created_at=at("10:44:06"),
        updated_at=at("10:44:06"),
    )


def a_full_picture() -> Picture:
    closed = tuple(a_closed_position(number, f"09:{30 + number}:00") for number in (1, 2, 3, 4))
    return a_picture(
        positions=(*closed, an_open_position()),
        marks={5: a_mark()},
        index_ltp_paise={"IDX_I:13": 24_833_25},
        first_spoken={"NIFTY": at("09:16:01")},
        evaluated={
            "NIFTY": an_evaluation(Verdict(direction=Direction.AVOID, reason=AvoidReason.WEAK_ADX_CONFIRMATION))
        },
        signals=90,
        refusals={f"reason_{number}": number for number in range(1, 9)},
        last_refusal=a_refusal(),
        news=tuple(f"10:0{number}:00 WARNING line {number}" for number in range(1, 6)),
    )


def shown(picture: Picture, width: int = 100, height: int = 40, scene: Scene | None = None) -> list[str]:
    """The screen as a terminal of that size shows it, line by line."""
    return rendered(screen_lines(scene or a_scene(), picture, width, height), width)


def rendered(lines: list[Text], width: int) -> list[str]:
    console = Console(record=True, width=width, file=io.StringIO())
    for line in lines:
        console.print(line, highlight=False)
    return [line.rstrip() for line in console.export_text().splitlines()]


def row_of(lines: list[str], start: str) -> str:
    """The first line that begins with `start`, its words one blank apart."""
    return " ".join(next(line for line in lines if line.startswith(start)).split())


# Figures


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (999_99, "999.99"),
        (1_000_00, "1,000.00"),
        (99_999_00, "99,999.00"),
        (12_345_670, "1,23,456.70"),
        (1_23_45_678_90, "1,23,45,678.90"),
        (-1_811_97, "-1,811.97"),
    ],
)
def test_money_reads_as_rupees_grouped_as_in_india(paise: int, text: str) -> None:
    assert rupees(paise) == text


def test_a_result_carries_its_sign_and_nothing_carries_none() -> None:
    assert [rupees(paise, is_signed=True) for paise in (693_92, -693_92, 0)] == ["+693.92", "-693.92", "0.00"]


@given(st.integers(-(10**14), 10**14))
def test_grouping_never_changes_an_amount(paise: int) -> None:
    text = rupees(paise)

    assert Decimal(text.replace(",", "")) * 100 == paise
    assert re.fullmatch(r"-?\d{1,2}(,\d\d)*,\d{3}\.\d\d|-?\d{1,3}\.\d\d", text)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30), st.integers(1, 20), st.booleans())
def test_a_cell_is_exactly_as_wide_as_it_should_be(text: str, width: int, is_right: bool) -> None:
    assert cell(text, width, is_right=is_right).cell_len == width


def test_a_change_needs_something_to_compare_with() -> None:
    assert [change_pct(110_00, 100_00), change_pct(99_55, 100_00, 2), change_pct(5, 0)] == ["+10.0%", "-0.45%", "-"]


def test_a_countdown_ends_at_nothing() -> None:
    assert [countdown(timedelta(hours=4, seconds=75)), countdown(timedelta(seconds=-3))] == ["4:01:15", "0:00:00"]


# The screen


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("09:14:00", "CLOSED  open 09:15, 0:01:00 left"),
        ("09:16:00", "PRE ENTRY  entries from 09:20, 0:04:00 left"),
        ("10:45:00", "ENTRY  entries until 15:00, 4:15:00 left"),
        ("15:00:00", "NO NEW ENTRIES  session end 15:15, 0:15:00 left"),
        ("15:15:00", "SESSION END  time exit 15:20, 0:05:00 left"),
        ("15:20:00", "TIME EXIT  close 15:30, 0:10:00 left"),
        ("15:30:00", "CLOSED"),
    ],
)
def test_the_clock_says_the_phase_and_how_long_it_lasts(clock: str, words: str) -> None:
    line = shown(a_picture(at=at(clock)))[1]

    assert re.split(r"\s{3,}", line)[0] == f"{clock}  {words}"


def test_the_header_says_what_is_played_and_how_fast() -> None:
    first = shown(a_picture())[0]
    resumed = shown(a_picture(), scene=a_scene(speed=None, resumed_at=at("10:31:07")))[0]

    assert first.split() == ["PAPER", "builtin", "Fri", "09", "Jan", "2026", "seed", "7", "60x"]
    assert "resumed at 10:31:07" in resumed and resumed.endswith("full speed")


def test_before_the_first_pulse_the_clock_shows_the_open() -> None:
    assert shown(a_picture(at=None))[1].startswith("09:15:00  PRE ENTRY")


def test_a_stale_feed_and_the_state_of_trading_are_seen_with_their_causes() -> None:
    line = shown(a_picture(is_feed_fresh=False, state=TradingState.REDUCING, causes=("feed",)))[1]

    assert line.endswith("FEED STALE  REDUCING (feed)")


def test_an_index_shows_its_change_since_when_both_timeframes_speak_and_the_last_verdict() -> None:
    lines = shown(a_full_picture())

    assert row_of(lines, "NIFTY ") == "NIFTY 24,833.25 -43.15 -0.17% 09:16 10:43 bearish 25.1 bearish 18.4 weak adx 5m"
    assert row_of(lines, "SENSEX ") == "SENSEX - - not yet - - - -"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(direction=Direction.BEARISH, reason=None), "bearish"),
        (Verdict(direction=Direction.AVOID, reason=AvoidReason.TIMEFRAMES_DISAGREE), "timeframes disagree"),
        (Verdict(direction=Direction.AVOID, reason=AvoidReason.TOO_FEW_CANDLES_PRIMARY), "too few candles 1m"),
        (Verdict(direction=Direction.AVOID, reason=AvoidReason.CONFIRMATION_MISSING), "confirmation missing"),
    ],
)
@pytest.mark.parametrize("width", [80, 100])
def test_a_verdict_is_told_in_words_that_fit(verdict: Verdict, words: str, width: int) -> None:
    lines = shown(a_picture(evaluated={"NIFTY": an_evaluation(verdict, adx_5m=None)}), width)

    assert next(line for line in lines if line.startswith("NIFTY ")).endswith(f" {words}")


def test_an_open_position_shows_every_number_of_its_protection() -> None:
    lines = shown(a_full_picture())
    net = rupees(net_at_bid_paise(an_open_position(), a_mark(), CHARGES, DAY) or 0, is_signed=True)

    assert row_of(lines, CALL.symbol) == f"{CALL.symbol} 749.70 830.25 832.20 1,199.55 857.95 {net}"
    assert row_of(lines, "long CE") == "long CE 30 since 10:16 +10.7% trail +11.0% +60.0% +14.4% 829.90"


def test_a_narrow_terminal_shows_the_same_numbers() -> None:
    lines = shown(a_full_picture(), 80, 24)

    assert row_of(lines, "BANKNIFTY-Jan26-58600-CE").startswith(
        "BANKNIFTY-Jan26-58600-CE 749.70 830.25 832.20 1,199.55 857.95 "
    )
    assert row_of(lines, "long CE") == "long CE 30 since 10:16 +10.7% trail +60.0% +14.4% 829.90"


def test_net_at_the_bid_is_after_the_charges_of_buying_and_of_selling() -> None:
    position = an_open_position()

    net = net_at_bid_paise(position, a_mark(829_90), CHARGES, DAY)

    assert net == -31_55 + unrealised_net_paise(position, 829_90, CHARGES, DAY)
    assert net is not None and net < 30 * (829_90 - 749_70) - 31_55


def test_the_last_price_stands_in_for_a_missing_bid() -> None:
    position = an_open_position()

    assert net_at_bid_paise(position, a_mark(0), CHARGES, DAY) == net_at_bid_paise(
        position, a_mark(830_25), CHARGES, DAY
    )
    assert row_of(shown(a_picture(positions=(position,), marks={5: a_mark(0)})), "long CE").endswith("no bid")


def test_without_a_price_no_result_is_claimed() -> None:
    lines = shown(a_picture(positions=(an_open_position(),)))

    assert row_of(lines, CALL.symbol) == f"{CALL.symbol} 749.70 - 524.75 1,199.55 749.70 -"


def test_a_pending_position_shows_what_was_ordered() -> None:
    pending = an_open_position(
        status=PositionStatus.PENDING, orders=(), entry_price_paise=0, target_paise=0, trail=None, opened_at=None
    )

    lines = shown(a_picture(positions=(pending,)))

    assert row_of(lines, "long CE").startswith("long CE 30 pending")


def test_closed_positions_follow_newest_first_with_tag_and_net() -> None:
    older, newer = a_closed_position(9, "09:29:40"), a_closed_position(2, "09:59:59", "stop_loss_30pct")

    lines = shown(a_picture(positions=(newer, older)))

    found = [line.split() for line in lines if line.startswith(PUT.symbol)]
    assert found == [
        [PUT.symbol, "65", "09:20-09:59", "150.60", "162.30", "stop_loss_30pct", "+693.92"],
        [PUT.symbol, "65", "09:20-09:29", "150.60", "162.30", "trailing_stop_3pct", "+693.92"],
    ]


def test_an_entry_that_bought_nothing_says_why() -> None:
    cancelled = an_open_position(
        status=PositionStatus.CANCELLED, orders=(), entry_price_paise=0, opened_at=None, cancel_reason="not filled"
    )

    assert row_of(shown(a_picture(positions=(cancelled,))), CALL.symbol) == f"{CALL.symbol} 0 - - - not filled 0.00"


def test_the_account_shows_the_day_net_and_how_far_the_circuit_is() -> None:
    wallet = Wallet(
        account_id="paper", cash_paise=78_202_92, equity_at_cost_paise=100_693_92, realised_today_paise=693_92
    )
    picture = a_picture(
        positions=(a_closed_position(1, "09:29:40"), an_open_position()), marks={5: a_mark(700_00)}, wallet=wallet
    )

    lines = shown(picture)
    money = money_of(a_scene(), picture)

    day_net_paise = money.circuit.day_net_paise
    assert money.realised_paise == 693_92 - 31_55
    assert day_net_paise == money.realised_paise + unrealised_net_paise(an_open_position(), 700_00, CHARGES, DAY)
    assert row_of(lines, "cash").startswith("cash 78,202.92 ")
    assert row_of(lines, "cash").endswith(f" day net {rupees(day_net_paise, is_signed=True)}")
    assert row_of(lines, "circuit") == f"circuit at -6,000.00 away {rupees(6_000_00 + day_net_paise)}"


def test_a_tripped_circuit_and_an_unknown_balance_are_told() -> None:
    tripped = shown(a_picture(state=TradingState.HALTED, causes=("circuit",)))
    blind = shown(a_picture(wallet=None))

    assert any(line.startswith("circuit TRIPPED") for line in tripped)
    assert "circuit no starting balance yet" in blind and row_of(blind, "cash").startswith("cash - ")


def test_the_six_most_frequent_refusals_are_shown_and_the_figures_of_the_last() -> None:
    lines = shown(a_full_picture())
    start = lines.index("REFUSED 36  of 90 signals")

    assert [line.split() for line in lines[start + 1 : start + 4]] == [
        ["8", "reason_8", "7", "reason_7"],
        ["6", "reason_6", "5", "reason_5"],
        ["4", "reason_4", "3", "reason_3"],
    ]
    assert lines[start + 4] == "last 10:44:06 NIFTY exposure_limit"
    assert lines[start + 5].strip() == "exposure: wanted fewer than 1, found 1 on this side"


def test_news_is_told_newest_first() -> None:
    lines = shown(a_full_picture())

    assert lines[-3:] == [f"10:0{number}:00 WARNING line {number}" for number in (5, 4, 3)]


@pytest.mark.parametrize("width", [80, 99, 100, 130])
@pytest.mark.parametrize("height", [24, 34, 40])
def test_the_screen_has_a_fixed_height_and_nothing_wraps(width: int, height: int) -> None:
    empty, full = (shown(picture, width, height) for picture in (a_picture(), a_full_picture()))

    assert len(empty) == len(full) == height
    assert all(len(line) <= min(width, 110) for line in (*empty, *full))


@given(st.integers(1, 140), st.integers(1, 60))
def test_any_terminal_is_big_enough(width: int, height: int) -> None:
    lines = screen_lines(a_scene(), a_full_picture(), width, height)

    assert 0 < len(lines) <= min(height, 40)


def test_a_small_terminal_keeps_open_positions_and_money() -> None:
    lines = shown(a_full_picture(), 80, 9)

    assert [line.split()[0] for line in lines if line] == [
        "PAPER", "10:45:00", "OPEN", "BANKNIFTY-Jan26-58600-CE", "long", "ACCOUNT", "cash", "circuit"
    ]  # fmt: skip


# The terminal


class Stopwatch:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Tty(io.StringIO):
    """Text that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def a_console() -> tuple[Console, io.StringIO]:
    screen = io.StringIO()
    return Console(file=screen, force_terminal=True, width=100, height=34, color_system=None), screen


def test_looks_are_wanted_from_the_beginning_on_eight_times_a_second_at_most() -> None:
    console, _ = a_console()
    stopwatch = Stopwatch()
    with TerminalView(CHARGES, 60.0, console=console, stopwatch_s=stopwatch) as view:
        wanted = [view.wants_a_look()]

        view.begin(the_desk(), QuietMarket(), None)
        wanted.append(view.wants_a_look())
        view.look(a_picture())
        wanted.append(view.wants_a_look())
        stopwatch.now_s += 0.125
        wanted.append(view.wants_a_look())

    assert [*wanted, view.wants_a_look()] == [False, True, False, True, False]


def test_the_screen_is_taken_drawn_and_given_back_once() -> None:
    console, screen = a_console()

    with pytest.raises(ZeroDivisionError), TerminalView(CHARGES, 60.0, console=console) as view:
        view.begin(the_desk(), QuietMarket(), None)
        view.look(a_full_picture())
        raise ZeroDivisionError
    view.close()
    view.look(a_full_picture())

    assert screen.getvalue().count("\x1b[?1049h") == screen.getvalue().count("\x1b[?1049l") == 1
    assert screen.getvalue().count(CALL.symbol) == 1


def test_what_is_said_meanwhile_comes_after_the_screen() -> None:
    console, _ = a_console()
    terminal = Tty()

    with redirect_stderr(terminal), TerminalView(CHARGES, 60.0, console=console) as view:
        view.begin(the_desk(), QuietMarket(), None)
        sys.stderr.write("bought\n")
        said_meanwhile = terminal.getvalue()

    assert (said_meanwhile, terminal.getvalue()) == ("", "bought\n")


def test_a_standard_error_that_goes_elsewhere_is_left_alone() -> None:
    console, _ = a_console()
    file = io.StringIO()

    with redirect_stderr(file), TerminalView(CHARGES, 60.0, console=console) as view:
        view.begin(the_desk(), QuietMarket(), None)
        sys.stderr.write("bought\n")
        said_meanwhile = file.getvalue()

    assert said_meanwhile == file.getvalue() == "bought\n"


# The summary


def a_trade(**changes: Any) -> dict[str, Any]:
    trade = {
        "id": 1,
        "account": "paper",
        "symbol": CALL.symbol,
        "side": "long_ce",
        "quantity": 30,
        "entry_at": "2026-01-09T10:16:00.750000+05:30",
        "entry_price": 749.7,
        "exit_at": "2026-01-09T11:26:40.750000+05:30",
        "exit_price": 830.25,
        "exit_tag": "trailing_stop_3pct",
        "exit_reason": "trailing stop (3.02% off 857.95)",
        "high_water_mark": 3247.5,
        "gross_rupees": 2416.5,
        "charges_rupees": 92.66,
        "net_rupees": 2323.84,
    }
    return trade | changes


def a_summary(*positions: dict[str, Any], open_positions: int = 0) -> dict[str, Any]:
    return {
        "day": "2026-01-09",
        "mode": "paper",
        "market": "builtin",
        "seed": 7,
        "runtime": "threads",
        "ticks": 1_062_999,
        "letters": 319_820,
        "wall_s": 375.2,
        "signals": 191,
        "refusals": {"after_entry_window": 8, "exposure_limit": 44},
        "open_positions": open_positions,
        "realised_net_rupees": 511.87,
        "message_log": "/a/long/way/down/to/the/very/folder/in/which/everything/of/that/day/is/kept/log/2026-01-09",
        "message_log_sha256": "0" * 64,
        "database": "SQLite /a/home/scalper.db",
        "positions": list(positions),
    }


def ended(summary: dict[str, Any], width: int = 80) -> list[str]:
    screen = io.StringIO()
    TerminalView(CHARGES, 60.0, console=Console(file=screen, width=width)).end(summary)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_the_summary_lists_every_trade_with_its_costs_and_adds_them_up() -> None:
    loss = a_trade(id=2, gross_rupees=-1747.0, charges_rupees=64.97, net_rupees=-1811.97, exit_tag="trailing_tier")

    lines = ended(a_summary(a_trade(), loss))

    assert row_of(lines, "  1") == f"1 {CALL.symbol} 749.70 830.25 +2,416.50 92.66 +2,323.84"
    assert "    30 units                   10:16:00 11:26:40 trailing_stop_3pct" in lines
    assert row_of(lines, "2 closed, 1 of them").endswith(" +669.50 157.63 +511.87")


def test_the_summary_tells_refusals_places_and_what_to_ask_next() -> None:
    summary = a_summary(a_trade(id=3))

    lines = ended(summary)

    start = lines.index("REFUSED 52  of 191 signals")
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["44", "exposure_limit"],
        ["8", "after_entry_window"],
    ]
    assert lines[-3:] == [
        f"message log {summary['message_log']}", f"database {summary['database']}", "next bin/scalper why 3"
    ]  # fmt: skip


def test_a_day_without_trades_points_at_its_signals() -> None:
    lines = ended(a_summary())

    assert "no trade" in lines and lines[-1] == "next bin/scalper why --signals"


def test_a_day_broken_off_says_that_it_can_be_taken_up() -> None:
    still_open = a_trade(exit_at=None, exit_price=None, exit_tag=None, exit_reason=None)

    lines = ended(a_summary(still_open, open_positions=1))

    assert lines[-1] == "open positions: 1; the same command again takes them up"
    assert any(line.endswith("10:16:00        - still open") for line in lines)


@pytest.mark.parametrize("width", [80, 100])
def test_the_tables_of_the_summary_fit_the_terminal(width: int) -> None:
    lines = ended(a_summary(a_trade(gross_rupees=-98_765.0, net_rupees=-99_000.0)), width)

    assert [line for line in lines if len(line) > 80 and not line.startswith("message log")] == []
    assert not any("…" in line for line in lines)
