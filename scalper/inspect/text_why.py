"""Why a position was bought and sold, as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from scalper.inspect.text import Block, clock, head, money, points, table
from scalper.view_text import ASIDE, GAIN, LOSS, UNKNOWN, rupees

#: What the part about the exit is headed by.
_EXIT_HEADS = {
    "sold": "WHY IT WAS SOLD",
    "open": "NOT SOLD YET",
    "not bought yet": "NOT BOUGHT YET",
    "never bought": "NEVER BOUGHT",
}


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
    yield head(_EXIT_HEADS[leaving["status"]])
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
    adx, least = points(reading["adx"]), points(reading["adx_minimum"])
    directional = f"+DI {points(reading['plus_di'])} -DI {points(reading['minus_di'])}"
    minutes = f"{reading['interval_minutes']}m"
    return (
        f"{minutes:<4}{reading['direction']:<8}  Supertrend {supertrend}  ADX {adx} (at least {least})  {directional}"
    )


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
