"""What was read, as a terminal shows it: tables that fit into 100 columns, and lines for letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from scalper.domain.units import paise_from_rupees
from scalper.view_text import ASIDE, GAIN, LOSS, UNKNOWN, gain_style, rupees

if TYPE_CHECKING:
    from scalper.replay import ReplayReport

#: One block of text: a line, or a table.
Block = Text | Table


def money(value: float | None, *, is_signed: bool = False) -> Text:
    """Rupees with their colour when they are a result; `-` when not known."""
    if value is None:
        return Text(UNKNOWN, style=ASIDE)
    paise = paise_from_rupees(value)
    return Text(rupees(paise, is_signed=is_signed), style=gain_style(paise) if is_signed else "")


def clock(iso: str | None, digits: int = 0) -> str:
    """The time of the day of an ISO time, with this many digits of a second."""
    if iso is None:
        return UNKNOWN
    at = datetime.fromisoformat(iso)
    return f"{at:%H:%M:%S}" + (f"{at:.%f}"[: digits + 1] if digits else "")


def table(*columns: str, right: Sequence[str] = (), wide: Sequence[str] = ()) -> Table:
    """A table without lines around it.

    Args:
        columns: Heads.
        right: Heads of the columns that hold figures.
        wide: Heads of the columns that share what is left of the width, and break into lines.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=bool(wide))
    for column in columns:
        is_wide = column in wide
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=not is_wide,
            ratio=1 if is_wide else None,
            overflow="fold" if is_wide else "ellipsis",
        )
    return made


def head(text: str) -> Text:
    """The line that a section begins with."""
    return Text(text, style="bold underline")


def positions_text(told: dict[str, Any]) -> Iterable[Block]:
    """The positions of a day."""
    yield Text.assemble(
        (told["day"], "bold"), f"  {told['market']} market, seed {told['seed']}, {told['state'].lower()}"
    )
    yield Text()
    if not told["positions"]:
        yield Text("no position")
    else:
        yield _positions_table(told["positions"])
    yield Text()
    yield Text.assemble("open ", str(told["open_positions"]), "   realised net ", money(_net(told), is_signed=True))


def _net(told: dict[str, Any]) -> float:
    return float(told["realised_net_rupees"])


def _positions_table(positions: list[dict[str, Any]]) -> Table:
    figures = ("#", "QTY", "PRICE", "STOP", "NET")
    made = table("#", "POSITION", "QTY", "TIME", "PRICE", "STOP", "NET", "STATUS", right=figures, wide=("STATUS",))
    for one in positions:
        is_open = one["open_quantity"] > 0
        made.add_row(
            str(one["id"]),
            one["symbol"],
            str(one["quantity"]),
            Text(f"{clock(one['entry_at'])}\n{clock(one['exit_at'])}"),
            Text.assemble(money(one["entry_price"]), "\n", money(one["exit_price"])),
            Text.assemble(money(one["stop_price"]), "\n", (one["stop_source"] or "", ASIDE)),
            money(one["mark_rupees"] if is_open else one["net_rupees"], is_signed=True),
            Text(f"{one['status']}\n{_ending(one)}"),
        )
    return made


def _ending(one: dict[str, Any]) -> str:
    """What ended it; of one that is open, what its figure is worth."""
    if one["status"] == "ACTIVE":
        return "before charges"
    return str(one["exit_tag"] or one["cancel_reason"] or "")


def why_text(told: dict[str, Any]) -> Iterable[Block]:
    """Why a position was bought and sold."""
    position, entry, leaving = told["position"], told["entry"], told["exit"]
    net = money(position["net_rupees"], is_signed=True)
    yield Text.assemble(
        (f"Position {position['id']}  {position['symbol']}", "bold"),
        f"  {position['quantity']} units  {position['status']}  net ",
        net if leaving["status"] == "sold" else UNKNOWN,
    )
    yield Text()
    yield head("WHY IT WAS BOUGHT" if position["quantity"] else "WHY IT WAS ORDERED")
    yield from _signal_lines(entry["signal"])
    yield from _intent_lines(entry["intent"])
    yield from _order_lines(entry["orders"])
    yield from _chain_lines(entry["chain"])
    yield head("WHY IT WAS SOLD")
    yield from _exit_lines(position, leaving)
    yield from _order_lines(leaving["orders"])
    yield from _chain_lines(leaving["chain"])
    for line in told["torn"]:
        yield Text(line, style=LOSS)
    yield Text(f"log {told['log']}", style=ASIDE)


def _signal_lines(signal: dict[str, Any] | None) -> Iterable[Block]:
    if signal is None:
        yield Text("its signal is no row of this database", style=LOSS)
        return
    candle = clock(signal["candle_at"])[:5]
    yield Text(f"signal {signal['id']}: {signal['index']} {signal['direction']} at the candle of {candle}")
    for name in ("primary", "confirmation"):
        if signal.get(name) is not None:
            yield Text(f"  {_reading_line(signal[name])}")
    yield Text()


def _reading_line(reading: dict[str, Any]) -> str:
    """One timeframe of a signal's figures, which are as the engine wrote them."""
    line = reading["supertrend_paise"]
    supertrend = rupees(line) if line is not None else UNKNOWN
    adx, least = _points(reading["adx"]), _points(reading["adx_minimum"])
    directional = f"+DI {_points(reading['plus_di'])} -DI {_points(reading['minus_di'])}"
    minutes = f"{reading['interval_minutes']}m"
    return (
        f"{minutes:<4}{reading['direction']:<8}  Supertrend {supertrend}  ADX {adx} (at least {least})  {directional}"
    )


def _points(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


def _intent_lines(intent: dict[str, Any] | None) -> Iterable[Block]:
    if intent is None:
        yield Text("its intent is no row of this database", style=LOSS)
        return
    yield Text(f"intent {intent['id']} {intent['status']}: {intent['quantity']} units, {intent['tag']}")
    made = table("", "GATE", "MEASURED", "LIMIT", wide=("MEASURED", "LIMIT"))
    for gate in intent["gates"]:
        made.add_row(_mark(gate["is_passed"]), gate["gate"], gate["measured"], gate["limit"])
    yield made
    yield Text()


def _mark(is_passed: bool) -> Text:
    return Text("pass", style=GAIN) if is_passed else Text("FAIL", style=LOSS)


def _order_lines(orders: list[dict[str, Any]]) -> Iterable[Block]:
    if not orders:
        return
    figures = ("QTY", "LIMIT", "PRICE", "CHARGES")
    made = table("ORDER", "TIME", "SIDE", "QTY", "LIMIT", "FILLED", "PRICE", "CHARGES", "STATUS", right=figures)
    for order in orders:
        fills = order["fills"] or [None]
        for fill in fills:
            is_first = fill is fills[0]
            made.add_row(
                *(_order_cells(order) if is_first else [""] * 5),
                clock(fill["at"], 3) if fill else UNKNOWN,
                Text.assemble(f"{fill['quantity']} x ", money(fill["price"])) if fill else UNKNOWN,
                money(order["charges_rupees"]) if is_first else "",
                (order["broker_status"] if order["send_state"] == "ACCEPTED" else order["send_state"])
                if is_first
                else "",
            )
        if order["text"]:
            made.add_row(Text(f"  {order['text']}", style=ASIDE))
    yield made
    yield Text()


def _order_cells(order: dict[str, Any]) -> list[str | Text]:
    limit = money(order["limit_price"]) if order["limit_price"] is not None else Text("market")
    return [
        order["correlation_id"],
        clock(order["created_at"], 3),
        order["side"],
        str(order["quantity"]),
        limit,
    ]


def _chain_lines(chain: Sequence[Any]) -> Iterable[Block]:
    if not chain:
        return
    yield Text(f"how it came about from {clock(chain[0].at.isoformat(), 3)} on, each letter by its cause", style=ASIDE)
    made = table("+ms", "LETTER", "CAUSE", "FROM", "SAYS", right=("+ms", "LETTER", "CAUSE"), wide=("SAYS",))
    for step in chain:
        made.add_row(
            str(step.after_ms),
            str(step.seq),
            str(step.cause) if step.cause else "outside",
            step.sender.partition(".")[0],
            Text.assemble((step.type, "bold"), " ", step.says),
        )
    yield made
    yield Text()


def _exit_lines(position: dict[str, Any], leaving: dict[str, Any]) -> Iterable[Block]:
    match leaving["status"]:
        case "never bought":
            yield Text(f"never bought: {position['cancel_reason']}")
        case "not bought yet":
            yield Text("not bought yet: its entry order is on its way")
        case "open" if not leaving["decisions"]:
            stop = money(position["stop_price"])
            yield Text.assemble("it is open: stop ", stop, f" ({position['stop_source']}), no rule has hit")
        case "open":
            yield Text(f"it is open: {position['open_quantity']} units are left to sell")
    for decision in leaving["decisions"]:
        yield from _decision_lines(decision)
    yield Text()


def _decision_lines(decision: dict[str, Any]) -> Iterable[Block]:
    intent = decision["intent"]
    said = intent["text"] if intent else "no intent was made"
    yield Text.assemble((decision["reason"], "bold"), f": {said}")
    tick = "no fresh price was known"
    if decision["tick_at"] is not None:
        tick = f"tick {clock(decision['tick_at'], 3)}, decided {decision['tick_age_ms']} ms later"
    yield Text.assemble(
        f"  {tick}: LTP ",
        money(decision["ltp"]),
        ", bid ",
        money(decision["bid"]),
        ", trigger ",
        money(decision["trigger"]),
        ", stop ",
        money(decision["stop_in_force"]),
    )
    if intent is not None:
        refused = f": {intent['reject_reason']}" if intent["reject_reason"] else ""
        yield Text(f"  intent {intent['id']} {intent['status']}{refused}, {intent['quantity']} units, {intent['tag']}")
    yield _rules_table(decision["rules"])


def _rules_table(rules: list[dict[str, Any]]) -> Table:
    """Every rule in its order; the first that says HIT decided."""
    made = table("", "RULE", "LEVEL", "MEASURED", right=("LEVEL", "MEASURED"))
    for rule in rules:
        is_asked = bool(rule["level"] or rule["measured"] or rule["is_hit"])
        verdict = Text("HIT", style=LOSS) if rule["is_hit"] else Text("no" if is_asked else "off", style=ASIDE)
        made.add_row(verdict, rule["name"], rule["level"] or UNKNOWN, rule["measured"] or UNKNOWN)
    return made


def signals_text(told: dict[str, Any]) -> Iterable[Block]:
    """Every evaluation of a day, and the funnel."""
    yield Text(f"{told['day']}: each closed candle, what both timeframes said, what became of it", style="bold")
    figures = ("CLOSE", "ADX", "5m ADX", "LINE", "5m LINE")
    made = table(
        "CLOSED",
        "INDEX",
        "CLOSE",
        "1m",
        "ADX",
        "LINE",
        "5m",
        "5m ADX",
        "5m LINE",
        "VERDICT",
        right=figures,
        wide=("VERDICT",),
    )
    for one in told["evaluations"]:
        made.add_row(
            clock(one["closed_at"])[:5],
            one["index"],
            f"{one['close']:.2f}",
            *_reading_cells(one["primary"]),
            *_reading_cells(one["confirmation"]),
            _verdict(one),
        )
    yield made
    yield Text()
    yield from _funnel_lines(told["funnel"])


def _reading_cells(reading: dict[str, Any] | None) -> tuple[str | Text, ...]:
    if reading is None:
        return (UNKNOWN,) * 3
    short = {"bullish": Text("bull", style=GAIN), "bearish": Text("bear", style=LOSS)}
    line = reading["supertrend"]
    trend = short.get(reading["trend"] or "", Text(UNKNOWN))
    return trend, _points(reading["adx"]), f"{line:.2f}" if line is not None else UNKNOWN


def _verdict(one: dict[str, Any]) -> Text:
    """Why nothing came of the candle, or what did."""
    if not one["is_signal"]:
        return Text((one["reason"] or one["verdict"]).lower(), style=ASIDE)
    if not one["intents"]:
        return Text("signal, nobody has decided on it")
    return Text("; ").join(_outcome(intent) for intent in one["intents"])


def _outcome(intent: dict[str, Any]) -> Text:
    if intent["status"] != "REJECTED":
        return Text(f"{intent['status'].lower()} {intent['tag']}", style="bold")
    measured = f" ({intent['measured']})" if intent["measured"] else ""
    return Text(f"{intent['reason']}{measured}")


def _funnel_lines(funnel: dict[str, Any]) -> Iterable[Block]:
    yield head("FUNNEL")
    yield Text(f"{funnel['evaluations']:>6}  candles evaluated")
    for reason, count in funnel["avoided"].items():
        yield Text(f"{count:>6}    avoided: {reason.lower()}", style=ASIDE)
    yield Text(f"{funnel['signals']:>6}  signals")
    for reason, count in funnel["refused"].items():
        yield Text(f"{count:>6}    refused: {reason}", style=ASIDE)
    if funnel["failed"]:
        yield Text(f"{funnel['failed']:>6}    failed at the broker", style=ASIDE)
    yield Text(f"{funnel['entries']:>6}  entries")


def replay_text(report: ReplayReport) -> Iterable[Block]:
    """What a replay found; of a difference, both sides in full."""
    yield Text(f"replayed {report.folder}: {report.letters} letters in {_counted(len(report.runs), 'part')}")
    yield Text(f"compared {report.compared} letters of {len(report.actors)} actors: {', '.join(report.actors)}")
    if report.unhandled:
        yield Text(f"{report.unhandled} letters at a broken-off end had not been handled", style=ASIDE)
    found = report.difference
    if found is None:
        yield Text("no difference", style=GAIN)
        return
    yield Text(f"first difference: part {found.part}, {found.actor}, handling letter {found.seq}", style=LOSS)
    yield Text(f"handled   {found.handled}")
    yield Text(f"expected  {found.expected or 'no letter'}")
    yield Text(f"found     {found.found or 'no letter'}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
