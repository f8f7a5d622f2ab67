"""What Redis mirrors of the running system, for people and other programs; rules never read it.

Every call queues and returns at once; see `write_behind`. All values are texts: prices and money in rupees, ratios in
percent points.

Source: REQUIREMENTS 8.3, 8.4, 15, 17.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scalper.domain.day_book import IndexTally
from scalper.domain.positions import Trail
from scalper.domain.quotes import Tick
from scalper.domain.times import ist_from_us
from scalper.domain.units import pct_points, rupees_from_paise
from scalper.errors import StoreError
from scalper.store import cache_keys as keys
from scalper.store.write_behind import WriteBehind

#: A Redis that needs longer is not the one beside us.
SOCKET_TIMEOUT_S = 0.5

_SCHEMES = ("redis", "rediss", "unix")


class PositionFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What an onlooker wants to know of an open position, stored as JSON."""

    be_locked: bool
    trailing_armed: bool
    paper: bool
    exit_pending: bool


class Cache:
    """The mirror in Redis; its state of health is that of `writer`."""

    def __init__(self, writer: WriteBehind) -> None:
        self.writer = writer

    def put_tick(self, tick: Tick) -> None:
        """The last tick of a security."""
        fields = {
            "ltp": _rupees(tick.ltp_paise),
            "bid": _rupees(tick.bid_paise),
            "ask": _rupees(tick.ask_paise),
            "bid_quantity": str(tick.bid_quantity),
            "ask_quantity": str(tick.ask_quantity),
            "volume": str(tick.volume),
            "oi": str(tick.open_interest),
            "at": ist_from_us(tick.at_us).isoformat(),
        }
        self.writer.put(keys.tick_key(tick.key), fields)

    def clear_ticks(self, instrument_keys: Collection[str]) -> None:
        """Nobody follows these securities any more, or their ticks are old."""
        self.writer.delete(*map(keys.tick_key, instrument_keys))

    def put_pnl(self, position_id: int, fields: Mapping[str, str]) -> None:
        """The live P&L of a position, under the field names of REQUIREMENTS 8.4."""
        self.writer.put(keys.pnl_key(position_id), fields, keys.PNL_TTL_S)

    def put_position(
        self, position_id: int, *, entry_price_paise: int, quantity: int, hwm_pnl_paise: int, flags: PositionFlags
    ) -> None:
        """An open position, from its fill on."""
        fields = {
            "entry": _rupees(entry_price_paise),
            "qty": str(quantity),
            "hwm": _rupees(hwm_pnl_paise),
            "flags": msgspec.json.encode(flags).decode(),
        }
        self.writer.put(keys.position_key(position_id), fields, keys.POSITION_TTL_S)

    def put_peaks(self, position_id: int, *, entry_price_paise: int, trail: Trail) -> None:
        """How far a position has come and how it is protected."""
        fields = {
            "hwm_ltp": _rupees(trail.hwm_ltp_paise),
            "peak_profit_pct": str(pct_points(trail.hwm_ltp_paise - entry_price_paise, entry_price_paise)),
            "breakeven_locked": "1" if trail.is_breakeven_locked else "0",
            "stop": _rupees(trail.stop_paise),
            "stop_source": trail.stop_source.value,
        }
        self.writer.put(keys.peaks_key(position_id), fields, keys.PEAKS_TTL_S)

    def clear_position(self, position_id: int) -> None:
        """The position is closed: nothing of it stays."""
        self.writer.delete(keys.pnl_key(position_id), keys.position_key(position_id), keys.peaks_key(position_id))

    def put_reentry(self, account_id: str, index_key: str, exited_at: datetime) -> None:
        """When an account last left an index."""
        self.writer.put(keys.reentry_key(account_id, index_key), exited_at.isoformat(), keys.REENTRY_TTL_S)

    def put_daily_loss(self, account_id: str, day: date, scope: str, loss_paise: int) -> None:
        """What an account has lost on a day in an index, or in all (`cache_keys.GLOBAL`); a loss is positive."""
        key = keys.daily_limits_key(account_id, "loss", day, scope)
        self.writer.put(key, _rupees(loss_paise), keys.DAILY_LIMITS_TTL_S)

    def put_daily_trades(self, account_id: str, day: date, scope: str, trade_count: int) -> None:
        """How often an account has traded on a day in an index, or in all."""
        key = keys.daily_limits_key(account_id, "trades", day, scope)
        self.writer.put(key, str(trade_count), keys.DAILY_LIMITS_TTL_S)

    def put_tallies(self, account_id: str, day: date, tallies: Collection[IndexTally]) -> None:
        """The counters of a day, by index and over all; the rows are the authority."""
        for scope, trades, loss in (
            *((tally.index_key, tally.trades, tally.loss_paise) for tally in tallies),
            (keys.GLOBAL, sum(tally.trades for tally in tallies), sum(tally.loss_paise for tally in tallies)),
        ):
            self.put_daily_trades(account_id, day, scope, trades)
            self.put_daily_loss(account_id, day, scope, loss)

    def put_circuit(self, account_id: str, *, at: datetime, reason: str, loss_pct: float, lasts: timedelta) -> None:
        """The account is out; `lasts` until the next trading day, `loss_pct` in percent points."""
        text = msgspec.json.encode({"at": at.isoformat(), "reason": reason, "loss_pct": loss_pct}).decode()
        self.writer.put(keys.circuit_key(account_id), text, max(1, int(lasts.total_seconds())))

    def clear_circuit(self, account_id: str) -> None:
        """The account may trade again."""
        self.writer.delete(keys.circuit_key(account_id))

    def clear_pnl_except(self, open_ids: Collection[int]) -> None:
        """Every live P&L of a position that is not open ends: what a lost deletion has left behind."""
        self.writer.delete_others(keys.PNL_PREFIX, [keys.pnl_key(position_id) for position_id in open_ids])

    def fetch(self, key: str) -> dict[str, str]:
        """A hash, empty when it is not there or Redis is not; waits, for people and tests."""
        found: dict[str, str] | None = self.writer.read(lambda client: client.hgetall(key))
        return found or {}

    def fetch_text(self, key: str) -> str | None:
        """A text, None when it is not there or Redis is not; waits, for people and tests."""
        text: str | None = self.writer.read(lambda client: client.get(key))
        return text

    def ping(self) -> bool:
        """Redis answers now; waits, for people and tests."""
        return bool(self.writer.read(lambda client: client.ping()))

    def flush(self) -> bool:
        """Write all that waits before going on; False when Redis did not take it."""
        return self.writer.flush()

    def close(self) -> None:
        """Write what waits, once, and disconnect; harmless twice."""
        self.writer.close()


def open_cache(url: str | None) -> Cache:
    """A mirror in the Redis server at `url`, or in this process for None; connects when first needed.

    Raises:
        StoreError: The address is not one of a Redis server.
    """
    if url is None:
        writer = WriteBehind(_connect_embedded, "this process")
    else:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise StoreError(f"unknown kind of cache {parts.scheme!r}: expected redis://host:port/number")
        writer = WriteBehind(lambda: _connect(url), parts.path if parts.scheme == "unix" else f"{parts.hostname}")
    writer.start()
    return Cache(writer)


def _connect(url: str) -> Any:
    """No retries below ours: each would hold the thread for its timeout, and the newest value is written next time."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def _connect_embedded() -> Any:
    """Imported here, on the writer's thread as a rule: it takes longer than anything else at start."""
    import fakeredis

    return fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)


def _rupees(paise: int) -> str:
    return str(rupees_from_paise(paise))
