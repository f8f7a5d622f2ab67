"""What the terminal shows of one picture besides positions, block by block: lines of text of a fixed height.

Every figure is the owner's: results come from the day book, the phase from the calendar, the limit from the circuit.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from rich.text import Text

from scalper.actors.dashboard import Picture
from scalper.actors.messages.signals import SignalEvaluated
from scalper.desk import Desk
from scalper.domain.calendar import SessionPhase, phase
from scalper.domain.charges import ChargeTable
from scalper.domain.circuit import CircuitVerdict, circuit_verdict
from scalper.domain.day_book import DayBook, unrealised_net_paise
from scalper.domain.direction import Direction, TimeframeReading
from scalper.domain.signals import TradeIntent
from scalper.domain.trading_state import TradingState
from scalper.view_text import (
    ALARM,
    ASIDE,
    GAIN,
    LOSS,
    UNKNOWN,
    WIDE_COLUMNS,
    cell,
    change_pct,
    countdown,
    figure,
    gain_style,
    heading,
    labelled,
    row,
    rupees,
    spread,
)

#: Reasons of refusal that are shown, two a line.
REFUSALS_SHOWN = 6
NEWS_SHOWN = 3

#: What ends each phase: the step of the session's ladder, and how it reads before its time.
_NEXT_STEP = {
    SessionPhase.PRE_ENTRY: ("entries_from", "entries from"),
    SessionPhase.ENTRY: ("no_new_entries_at", "entries until"),
    SessionPhase.NO_NEW_ENTRIES: ("session_end_at", "session end"),
    SessionPhase.SESSION_END: ("time_exit_at", "time exit"),
    SessionPhase.TIME_EXIT: ("closes_at", "close"),
}
_STATE_STYLES = {TradingState.ACTIVE: GAIN, TradingState.REDUCING: ALARM, TradingState.HALTED: "bold red"}
_DIRECTION_STYLES = {Direction.BULLISH: GAIN, Direction.BEARISH: LOSS, Direction.AVOID: ASIDE}


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while the day goes on.

    Attributes:
        previous_close_paise: Last close of the session before, by index key; an index without one has none.
        speed: Multiple of the wall clock; None = as fast as may be.
    """

    desk: Desk
    market_name: str
    seed: int
    opens_at: datetime
    resumed_at: datetime | None
    previous_close_paise: dict[str, int]
    speed: float | None
    charges: ChargeTable


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """How one account stands.

    Attributes:
        realised_paise: Closed positions, and the charges that open ones have paid so far.
        unrealised_paise: What selling everything at the bid would add, after the charges of those sales.
    """

    realised_paise: int
    unrealised_paise: int
    circuit: CircuitVerdict


def header_lines(scene: Scene, picture: Picture, width: int) -> list[Text]:
    """Who trades what at which speed; what time it is in the market, the feed and the state of trading."""
    at = picture.at or scene.opens_at
    desk = scene.desk
    title = Text.assemble(
        (f" {desk.config.mode.upper()} ", "bold reverse"),
        f" {scene.market_name}  {desk.day:%a %d %b %Y}",
        (f"  seed {scene.seed}", ASIDE),
    )
    if scene.resumed_at is not None:
        title.append(f"  resumed at {scene.resumed_at:%H:%M:%S}", style=ASIDE)
    speed = "full speed" if scene.speed is None else f"{scene.speed:g}x"
    clock = Text.assemble((f"{at:%H:%M:%S}", "bold"), "  ", _phase_text(scene, at))
    return [
        spread(title, Text(speed, style=ASIDE), width),
        spread(clock, Text.assemble(_feed_text(picture), "  ", _state_text(picture)), width),
    ]


def _phase_text(scene: Scene, at: datetime) -> str:
    """`ENTRY  entries until 15:00, 4:28:53 left`."""
    session = scene.desk.session
    found = phase(at, session)
    if found in _NEXT_STEP:
        step, words = _NEXT_STEP[found]
        until: datetime = getattr(session, step)
    elif at < session.opens_at:
        words, until = "open", session.opens_at
    else:
        return str(found)
    return f"{found.replace('_', ' ')}  {words} {until:%H:%M}, {countdown(until - at)} left"


def _feed_text(picture: Picture) -> Text:
    return Text("feed fresh", style=GAIN) if picture.is_feed_fresh else Text("FEED STALE", style=ALARM)


def _state_text(picture: Picture) -> Text:
    causes = f" ({', '.join(picture.causes)})" if picture.causes else ""
    return Text(f"{picture.state}{causes}", style=_STATE_STYLES[picture.state])


def index_lines(scene: Scene, picture: Picture, width: int) -> list[Text]:
    """One line an index: its value, when both timeframes first could speak, and what they said last."""
    is_wide = width >= WIDE_COLUMNS
    signals = scene.desk.config.signals
    first, second = (
        f"{each} ADX" if each else "" for each in (signals.primary_timeframe, signals.confirmation_timeframe)
    )
    names = row(
        cell("INDEX", 9),
        figure("VALUE", 9),
        figure("CHANGE", 17 if is_wide else 7),
        figure("BOTH AT", 7),
        *([figure("CANDLE", 6)] if is_wide else []),
        cell(first, 12 if is_wide else 10),
        cell(second, 12 if is_wide else 10),
        cell("VERDICT", 20),
    )
    return [heading(names, width), *(_index_line(scene, picture, key, is_wide) for key in scene.desk.indices)]


def _index_line(scene: Scene, picture: Picture, index_key: str, is_wide: bool) -> Text:
    ltp = picture.index_ltp_paise.get(scene.desk.index_keys[index_key], 0)
    spoken = picture.first_spoken.get(index_key)
    evaluated = picture.evaluated.get(index_key)
    return row(
        cell(index_key, 9, "bold"),
        figure(rupees(ltp) if ltp else UNKNOWN, 9),
        _change(ltp, scene.previous_close_paise.get(index_key, 0), is_wide),
        figure(f"{spoken:%H:%M}" if spoken else "not yet", 7, "" if spoken else ASIDE),
        *([figure(f"{evaluated.candle_at:%H:%M}" if evaluated else UNKNOWN, 6)] if is_wide else []),
        _reading_cell(evaluated.primary if evaluated else None, is_wide),
        _reading_cell(evaluated.confirmation if evaluated else None, is_wide),
        _verdict_cell(evaluated),
    )


def _change(ltp_paise: int, close_paise: int, is_wide: bool) -> Text:
    """Against the close of the session before."""
    if not ltp_paise or not close_paise:
        return figure(UNKNOWN, 17 if is_wide else 7, ASIDE)
    moved, share = ltp_paise - close_paise, change_pct(ltp_paise, close_paise, 2)
    text = f"{rupees(moved, is_signed=True)} {share:>7}" if is_wide else share
    return figure(text, 17 if is_wide else 7, gain_style(moved))


def _reading_cell(reading: TimeframeReading | None, is_wide: bool) -> Text:
    """Side of the Supertrend and ADX; in colour where they are strong enough to count."""
    width, decimals = (12, 1) if is_wide else (10, 0)
    if reading is None or reading.trend is None:
        return cell(UNKNOWN, width, ASIDE)
    adx = UNKNOWN if reading.adx is None else f"{reading.adx:.{decimals}f}"
    return cell(f"{reading.trend} {adx}", width, _DIRECTION_STYLES[reading.direction])


def _verdict_cell(evaluated: SignalEvaluated | None) -> Text:
    if evaluated is None:
        return cell(UNKNOWN, 20, ASIDE)
    return cell(_verdict_words(evaluated), 20, _DIRECTION_STYLES[evaluated.verdict.direction])


def _verdict_words(evaluated: SignalEvaluated) -> str:
    """`weak adx 5m` of WEAK_ADX_CONFIRMATION: the timeframe by its length."""
    reason = evaluated.verdict.reason
    if reason is None:
        return str(evaluated.verdict.direction)
    words = reason.replace("_PRIMARY", f" {evaluated.primary.interval_minutes}m")
    if evaluated.confirmation is not None:
        words = words.replace("_CONFIRMATION", f" {evaluated.confirmation.interval_minutes}m")
    return words.replace("_", " ").lower()


def money_of(scene: Scene, picture: Picture) -> Money:
    """How the account of the wallet stands; everything, while there is no wallet.

    What the day began with is the equity at cost without today's result. Source: REQUIREMENTS 15.2.
    """
    wallet, day = picture.wallet, scene.desk.day
    mine = [one for one in picture.positions if wallet is None or one.account_id == wallet.account_id]
    book = DayBook()
    for position in mine:
        book.take_in(position, day)
    marks = ((one, picture.marks.get(one.id)) for one in mine)
    unrealised = sum(
        unrealised_net_paise(one, mark.bid_paise or mark.ltp_paise, scene.charges, day)
        for one, mark in marks
        if mark is not None
    )
    balance = None if wallet is None else wallet.equity_at_cost_paise - wallet.realised_today_paise
    limit_bps = scene.desk.config.risk.daily_loss_limit_bps
    realised = book.realised_net_paise
    return Money(
        realised_paise=realised,
        unrealised_paise=unrealised,
        circuit=circuit_verdict(balance, realised, unrealised, limit_bps),
    )


def account_lines(scene: Scene, picture: Picture, width: int) -> list[Text]:
    """Cash, what the day has brought so far, and how far away the circuit is."""
    money, wallet = money_of(scene, picture), picture.wallet
    name = "ACCOUNT" if wallet is None else f"ACCOUNT {wallet.account_id}"
    results = (
        ("realised", money.realised_paise),
        ("unrealised", money.unrealised_paise),
        ("day net", money.circuit.day_net_paise),
    )
    return [
        heading(Text(name), width),
        labelled(
            ("cash", Text(UNKNOWN if wallet is None else rupees(wallet.cash_paise))),
            *((label, Text(rupees(paise, is_signed=True), style=gain_style(paise))) for label, paise in results),
        ),
        _circuit_line(money.circuit, "circuit" in picture.causes),
    ]


def _circuit_line(circuit: CircuitVerdict, is_tripped: bool) -> Text:
    if is_tripped:
        return Text("circuit TRIPPED: no entries until tomorrow", style="bold red")
    if circuit.loss_limit_paise is None:
        return labelled(("circuit", Text("no starting balance yet", style=ALARM)))
    left_paise = circuit.loss_limit_paise + circuit.day_net_paise
    # With a third of its room left the circuit deserves to be seen.
    style = LOSS if left_paise * 3 < circuit.loss_limit_paise else ""
    return labelled(
        ("circuit at", Text(rupees(-circuit.loss_limit_paise))), ("away", Text(rupees(left_paise), style=style))
    )


def refusal_lines(picture: Picture, width: int) -> list[Text]:
    """How often which gate said no, the most frequent first; and the figures of the last one."""
    total = sum(picture.refusals.values())
    often = sorted(picture.refusals.items(), key=lambda pair: (-pair[1], pair[0]))[:REFUSALS_SHOWN]
    half = max((width - 1) // 2, 8)
    cells = [row(figure(str(count), 4), cell(reason, half - 5)) for reason, count in often]
    cells += [cell("", half)] * (REFUSALS_SHOWN - len(cells))
    pairs = [row(left, right) for left, right in zip(cells[::2], cells[1::2], strict=True)]
    title = Text(f"REFUSED {total}  of {picture.signals} signals")
    return [heading(title, width), *pairs, *_last_refusal(picture.last_refusal)]


def _last_refusal(intent: TradeIntent | None) -> list[Text]:
    """`last 10:31:00 NIFTY exposure_limit`; below it, `exposure: wanted fewer than 1, found 1 on this side`."""
    if intent is None:
        return [Text(""), Text("")]
    figures = [
        f"{gate.gate}: wanted {gate.limit}, found {gate.measured}" for gate in intent.gates[-1:] if not gate.is_passed
    ]
    lines = (f"last {intent.created_at:%H:%M:%S} {intent.index_key} {intent.reason}", f"     {''.join(figures)}")
    return [Text(line, no_wrap=True, overflow="ellipsis") for line in lines]


def news_lines(picture: Picture, width: int) -> list[Text]:
    """What somebody should know, the newest first."""
    news = list(reversed(picture.news))[:NEWS_SHOWN]
    lines = [Text(each, style=_news_style(each), no_wrap=True, overflow="ellipsis") for each in news]
    return [heading(Text("NEWS"), width), *lines, *[Text("")] * (NEWS_SHOWN - len(lines))]


def _news_style(line: str) -> str:
    """By the level that follows the time."""
    level = line.split(" ", 2)[1:2]
    return "bold red" if level in (["ERROR"], ["CRITICAL"]) else ALARM
