"""The composition root: ports and rules in, the child specs of the whole tree out, in the order they start.

The stop order is this list backwards: exits can happen before ticks arrive, buying is the last thing up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from scalper import desk as rules_of
from scalper.actors.active_cache import ActiveCache
from scalper.actors.candle_book import CandleBook
from scalper.actors.dashboard import Dashboard
from scalper.actors.data_gateway import DataGateway
from scalper.actors.entry_guard import EntryGuard
from scalper.actors.exit_engine import ExitEngine
from scalper.actors.feed_hub import FeedHub
from scalper.actors.order_gateway import OrderGateway
from scalper.actors.order_update_handler import OrderUpdateHandler
from scalper.actors.pnl_updater import PnlUpdater
from scalper.actors.position_index import PositionIndex
from scalper.actors.position_tracker import PositionTracker
from scalper.actors.risk_manager import RiskManager
from scalper.actors.signal_engine import SignalEngine
from scalper.actors.signal_manager import SignalManager
from scalper.actors.strike_selector import StrikeSelector
from scalper.actors.tick_cache import TickCache
from scalper.actors.trailing_engine import TrailingEngine
from scalper.broker.paper import Check, PaperBroker
from scalper.broker.ports import Broker, Feed, MarketData
from scalper.desk import Desk
from scalper.domain.charges import ChargeTable
from scalper.runtime.actor import Actor, Link
from scalper.runtime.supervision import Backoff, ChildSpec, GiveUp, RestartWindow
from scalper.store.cache import Cache
from scalper.store.database import Store

_BACKOFF = Backoff(first_s=0.1, max_s=2.0, jitter_ratio=0.2)
#: A fourth failure in half a minute is not bad luck.
_WINDOW = RestartWindow(restarts_max=3, window_s=30)
#: People may wait: letters nobody has looked at yet are worth little.
_PEOPLE_LETTERS_MAX = 2_000


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """What the tree asks of the outside world.

    Attributes:
        before_send: Puts the message log out; called before the bytes of an order leave.
        paper_check: Says why the paper broker refuses an order; a fault for tests.
    """

    store: Store
    cache: Cache
    feed: Feed
    source: MarketData
    charges: ChargeTable
    before_send: Callable[[], None] = lambda: None
    paper_check: Check = lambda order, at: ""


def child_specs(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    """Every child of Root, first started first."""
    return (
        *_people(),
        *_data_side(ports),
        *_store_side(desk, ports),
        *_price_side(desk, ports),
        *_order_side(desk, ports),
        *_exit_side(desk, ports),
        *_feed_side(desk, ports),
        *_entry_side(desk, ports),
    )


def _people() -> tuple[ChildSpec, ...]:
    return (_spec("dashboard", Dashboard, Dashboard, GiveUp.CARRY_ON, limit=_PEOPLE_LETTERS_MAX, is_dropping=True),)


def _data_side(ports: Ports) -> tuple[ChildSpec, ...]:
    return (
        _spec(
            "data_gateway",
            DataGateway,
            lambda link: DataGateway(link, source=ports.source),
            GiveUp.REDUCE,
            hang_s=30.0,
        ),
    )


def _store_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    booking = rules_of.booking_rules(desk.config)
    return (
        _spec(
            "position_tracker",
            PositionTracker,
            lambda link: PositionTracker(
                link, store=ports.store, cache=ports.cache, day=desk.day, balances=desk.balances, rules=booking
            ),
            GiveUp.EXIT_PROCESS,
        ),
        _spec(
            "signal_manager",
            SignalManager,
            lambda link: SignalManager(
                link,
                store=ports.store,
                day=desk.day,
                session=desk.session,
                accounts=desk.accounts,
                rules=booking,
                rearm_s=desk.config.sms.exit_rearm_cooldown_s,
            ),
            GiveUp.EXIT_PROCESS,
        ),
        _spec("position_index", PositionIndex, PositionIndex, GiveUp.EXIT_PROCESS),
    )


def _price_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    indices = tuple(sorted(desk.index_keys.values()))
    pnl = rules_of.pnl_rules(desk.config)
    return (
        _spec(
            "tick_cache",
            TickCache,
            lambda link: TickCache(link, cache=ports.cache, indices=indices),
            GiveUp.REDUCE,
        ),
        _spec("active_cache", ActiveCache, ActiveCache, GiveUp.EXIT_PROCESS),
        _spec(
            "pnl_updater",
            PnlUpdater,
            lambda link: PnlUpdater(link, cache=ports.cache, rules=pnl),
            GiveUp.REDUCE,
        ),
    )


def _order_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    return (
        _spec(
            "order_update_handler",
            OrderUpdateHandler,
            lambda link: OrderUpdateHandler(link, store=ports.store, charges=ports.charges, day=desk.day),
            GiveUp.EXIT_PROCESS,
        ),
        *(_gateway(account, desk, ports) for account in desk.accounts),
    )


def _gateway(account: str, desk: Desk, ports: Ports) -> ChildSpec:
    instruments = {one.key: one for one in desk.instruments}
    paper = rules_of.paper_rules(desk.config)
    # The exchange is no part of the actor: its book outlives a gateway that fails.
    broker: Broker = PaperBroker(instruments, desk.session, paper, check=ports.paper_check)
    return _spec(
        f"order_gateway.{account}",
        OrderGateway,
        lambda link: OrderGateway(
            link,
            account_id=account,
            broker=broker,
            store=ports.store,
            settle_s=desk.config.orders.settle_s,
            before_send=ports.before_send,
        ),
        GiveUp.EXIT_PROCESS,
        hang_s=30.0,
    )


def _exit_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    risk = rules_of.risk_rules(desk)
    tick_sizes = {one.key: one.tick_size_paise for one in desk.instruments}
    return (
        _spec(
            "exit_engine",
            ExitEngine,
            lambda link: ExitEngine(link, cushion_ticks=desk.config.orders.cushion_ticks, tick_sizes=tick_sizes),
            GiveUp.EXIT_PROCESS,
        ),
        _spec(
            "trailing_engine", TrailingEngine, lambda link: TrailingEngine(link, rules=risk.exits), GiveUp.EXIT_PROCESS
        ),
        _spec(
            "risk_manager",
            RiskManager,
            lambda link: RiskManager(
                link,
                store=ports.store,
                cache=ports.cache,
                charges=ports.charges,
                rules=risk,
                accounts=desk.accounts,
            ),
            GiveUp.EXIT_PROCESS,
        ),
    )


def _feed_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    watchlist = tuple(one.key for one in desk.instruments)
    return (
        _spec(
            "feed_hub",
            FeedHub,
            lambda link: FeedHub(link, feed=ports.feed, watchlist=watchlist, session=desk.session),
            GiveUp.REDUCE,
        ),
    )


def _entry_side(desk: Desk, ports: Ports) -> tuple[ChildSpec, ...]:
    by_instrument = {key: index_key for index_key, key in sorted(desk.index_keys.items())}
    guard = rules_of.guard_rules(desk)
    return (
        _spec(
            "candle_book",
            CandleBook,
            lambda link: CandleBook(link, indices=by_instrument, intervals=rules_of.candle_intervals(desk)),
            GiveUp.REDUCE,
        ),
        _spec(
            "signal_engine",
            SignalEngine,
            lambda link: SignalEngine(link, rules=rules_of.signal_rules(desk)),
            GiveUp.REDUCE,
        ),
        _spec(
            "strike_selector",
            StrikeSelector,
            lambda link: StrikeSelector(link, day=desk.day, contracts=desk.contracts, rules=rules_of.pick_rules(desk)),
            GiveUp.REDUCE,
        ),
        _spec(
            "entry_guard",
            EntryGuard,
            lambda link: EntryGuard(link, store=ports.store, rules=guard, accounts=desk.accounts),
            GiveUp.REDUCE,
        ),
    )


def _spec(
    name: str,
    kind: type[Actor],
    make: Callable[[Link], Any],
    on_give_up: GiveUp,
    *,
    hang_s: float = 10.0,
    limit: int = 100_000,
    is_dropping: bool = False,
) -> ChildSpec:
    return ChildSpec(
        name=name,
        kind=kind,
        make=make,
        window=_WINDOW,
        backoff=_BACKOFF,
        on_give_up=on_give_up,
        hang_s=hang_s,
        mailbox_limit=limit,
        is_dropping=is_dropping,
    )
