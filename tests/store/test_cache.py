"""The mirror in Redis: in this process and on a server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import fakeredis
import msgspec
import pytest
import redis

from scalper.domain.quotes import Tick
from scalper.domain.times import us_from
from scalper.errors import StoreError
from scalper.store import cache_keys as keys
from scalper.store.cache import Cache, PositionFlags, open_cache
from scalper.store.write_behind import BATCH_MAX, WriteBehind
from tests.builders import ACCOUNT, DAY, ELEVEN, a_trail
from tests.shared_files import golden_cases

FLAGS = PositionFlags(be_locked=True, trailing_armed=False, paper=True, exit_pending=False)
TICK = Tick("NSE_FNO:45123", us_from(ELEVEN), 100_05, 100_00, 100_10, 650, 1300, 12_345, 67_890)


class FaultyRedis:
    """A client that fails on demand and counts what is asked of the server behind it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.fails = False
        self.rounds: list[list[tuple[str, ...]]] = []

    def pipeline(self, *, transaction: bool) -> Any:
        pipeline: Any = self.client.pipeline(transaction=transaction)
        run = pipeline.execute

        def execute(**options: Any) -> Any:
            if self.fails:
                raise redis.ConnectionError("refused")
            self.rounds.append([command[0] for command in pipeline.command_stack])
            return run(**options)

        pipeline.execute = execute
        return pipeline

    def __getattr__(self, name: str) -> Any:
        if self.fails:
            raise redis.ConnectionError("refused")
        return getattr(self.client, name)

    def written_keys(self) -> list[list[str]]:
        """The keys written or deleted, a list a round."""
        writing = ("HSET", "SET", "DEL")
        return [[command[1] for command in commands if command[0] in writing] for commands in self.rounds]

    def count(self, command_name: str) -> int:
        return sum(command[0] == command_name for commands in self.rounds for command in commands)


@pytest.fixture(params=["embedded", "server"])
def client(request: pytest.FixtureRequest) -> Any:
    """A client of an empty Redis of each kind."""
    if request.param == "embedded":
        return fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)
    return redis.Redis.from_url(request.getfixturevalue("redis_database"), decode_responses=True)


@pytest.fixture
def faulty(client: Any) -> FaultyRedis:
    return FaultyRedis(client)


@pytest.fixture
def cache(faulty: FaultyRedis) -> Iterator[Cache]:
    """A mirror whose thread does not run: `flush` writes, when the test says so."""
    cache = Cache(WriteBehind(lambda: faulty, "here"))
    yield cache
    faulty.fails = False
    cache.close()


def put_pnl(cache: Cache) -> str:
    cache.put_pnl(1, {"pnl": "937.5"})
    return keys.pnl_key(1)


def put_position(cache: Cache) -> str:
    cache.put_position(1, entry_price_paise=100_00, quantity=65, hwm_pnl_paise=650_00, flags=FLAGS)
    return keys.position_key(1)


def put_peaks(cache: Cache) -> str:
    cache.put_peaks(1, entry_price_paise=80_00, trail=a_trail())
    return keys.peaks_key(1)


def put_trades(cache: Cache) -> str:
    cache.put_daily_trades(ACCOUNT, DAY, keys.GLOBAL, 3)
    return keys.daily_limits_key(ACCOUNT, "trades", DAY, keys.GLOBAL)


def put_loss(cache: Cache) -> str:
    cache.put_daily_loss(ACCOUNT, DAY, "NIFTY", 1_234_56)
    return keys.daily_limits_key(ACCOUNT, "loss", DAY, "NIFTY")


def put_reentry(cache: Cache) -> str:
    cache.put_reentry(ACCOUNT, "NIFTY", ELEVEN)
    return keys.reentry_key(ACCOUNT, "NIFTY")


def put_circuit(cache: Cache) -> str:
    cache.put_circuit(ACCOUNT, at=ELEVEN, reason="circuit", loss_pct=6.12, lasts=timedelta(hours=22))
    return keys.circuit_key(ACCOUNT)


def put_tick(cache: Cache) -> str:
    cache.put_tick(TICK)
    return "tick:NSE_FNO:45123"


#: Where the worked examples name a key, how it is written.
WRITERS: dict[str, Callable[[Cache], str]] = {
    "pnl:tracker:{id}": put_pnl,
    "pos:{tracker_id}": put_position,
    "position_peaks:{id}": put_peaks,
    "daily_limits:trades:{date}:global": put_trades,
}

#: Keys of the earlier system that nothing here writes: an order's correlation id and an index's scaling state are
#: facts of the database, and their owners keep them there.
UNWRITTEN = {"coid:{id}", "signal:state:{index}"}


@pytest.mark.parametrize(
    ("put", "key", "value"),
    [
        (
            put_tick,
            "tick:NSE_FNO:45123",
            {
                "ltp": "100.05",
                "bid": "100.0",
                "ask": "100.1",
                "bid_quantity": "650",
                "ask_quantity": "1300",
                "volume": "12345",
                "oi": "67890",
                "at": "2026-01-13T11:00:00+05:30",
            },
        ),
        (put_pnl, "pnl:tracker:1", {"pnl": "937.5"}),
        (
            put_position,
            "pos:1",
            {"entry": "100.0", "qty": "65", "hwm": "650.0", "flags": msgspec.json.encode(FLAGS).decode()},
        ),
        (
            put_peaks,
            "position_peaks:1",
            {
                "hwm_ltp": "100.0",
                "peak_profit_pct": "25.0",
                "breakeven_locked": "0",
                "stop": "70.0",
                "stop_source": "initial",
            },
        ),
    ],
)
def test_hashes_are_texts_under_their_keys(
    cache: Cache, put: Callable[[Cache], str], key: str, value: dict[str, str]
) -> None:
    assert put(cache) == key

    assert cache.flush()

    assert cache.fetch(key) == value


@pytest.mark.parametrize(
    ("put", "key", "text"),
    [
        (put_trades, "daily_limits:paper:trades:2026-01-13:global", "3"),
        (put_loss, "daily_limits:paper:loss:2026-01-13:NIFTY", "1234.56"),
        (put_reentry, "reentry:paper:NIFTY", "2026-01-13T11:00:00+05:30"),
        (
            put_circuit,
            "risk:circuit_breaker:paper:tripped",
            '{"at":"2026-01-13T11:00:00+05:30","reason":"circuit","loss_pct":6.12}',
        ),
    ],
)
def test_single_values_are_texts_under_their_keys(
    cache: Cache, put: Callable[[Cache], str], key: str, text: str
) -> None:
    assert put(cache) == key

    assert cache.flush()

    assert cache.fetch_text(key) == text


@pytest.mark.parametrize(
    ("put", "ttl_s"),
    [
        (put_tick, -1),
        (put_pnl, 21_600),
        (put_position, 21_600),
        (put_peaks, 604_800),
        (put_trades, 90_000),
        (put_loss, 90_000),
        (put_reentry, 28_800),
        (put_circuit, 79_200),
    ],
)
def test_every_key_has_its_life(cache: Cache, client: Any, put: Callable[[Cache], str], ttl_s: int) -> None:
    key = put(cache)
    cache.flush()

    assert ttl_s - 1 <= client.ttl(key) <= ttl_s


@pytest.mark.parametrize("case", golden_cases("redis.keys"))
def test_worked_examples_of_lives(cache: Cache, client: Any, case: dict[str, Any]) -> None:
    template, ttl_s = case["input"]["key"], case["expected"]["ttl_seconds"]
    if template in UNWRITTEN:
        return
    key = WRITERS[template](cache)
    cache.flush()

    assert ttl_s - 1 <= client.ttl(key) <= ttl_s


@pytest.mark.parametrize(
    ("left_s", "renewed"), [(10_799, True), (10_802, False), (21_600, False)], ids=["under half", "over half", "all"]
)
def test_a_life_is_renewed_when_less_than_half_is_left(cache: Cache, client: Any, left_s: int, renewed: bool) -> None:
    put_pnl(cache)
    cache.flush()
    client.expire("pnl:tracker:1", left_s)

    put_pnl(cache)
    cache.flush()

    assert (client.ttl("pnl:tracker:1") > 21_590) == (renewed or left_s == 21_600)


def test_the_last_value_of_a_key_is_written_once(cache: Cache, faulty: FaultyRedis) -> None:
    for number in range(50):
        cache.put_pnl(1, {"pnl": str(number)})
    assert cache.writer.waiting_count == 1

    cache.flush()

    assert cache.fetch("pnl:tracker:1") == {"pnl": "49"}
    assert faulty.count("HSET") == 1


def test_keys_are_written_in_their_order_of_arrival_two_hundred_a_round(cache: Cache, faulty: FaultyRedis) -> None:
    for number in range(450):
        cache.put_reentry(ACCOUNT, str(number), ELEVEN)
    cache.put_reentry(ACCOUNT, "0", ELEVEN)

    cache.flush()

    rounds = [keys_of_round for keys_of_round in faulty.written_keys() if keys_of_round]
    assert [len(keys_of_round) for keys_of_round in rounds] == [BATCH_MAX, 200, 50]
    assert rounds[0][:2] == ["reentry:paper:0", "reentry:paper:1"]


def test_nothing_of_a_closed_position_stays(cache: Cache, client: Any) -> None:
    for put in (put_pnl, put_position, put_peaks):
        put(cache)
    cache.flush()
    put_pnl(cache)

    cache.clear_position(1)
    cache.flush()

    assert client.keys("*") == []


def test_what_is_put_after_a_deletion_begins_anew(cache: Cache) -> None:
    cache.put_pnl(1, {"pnl": "1", "drawdown_pct": "3"})
    cache.flush()

    cache.clear_position(1)
    cache.put_pnl(1, {"pnl": "2"})
    cache.put_pnl(1, {"pnl": "3"})
    cache.flush()

    assert cache.fetch("pnl:tracker:1") == {"pnl": "3"}


def test_ticks_and_trips_can_be_cleared(cache: Cache, client: Any) -> None:
    put_tick(cache)
    put_circuit(cache)
    cache.flush()

    cache.clear_ticks(["NSE_FNO:45123"])
    cache.clear_circuit(ACCOUNT)
    cache.flush()

    assert client.keys("*") == []


def test_orphans_go_and_open_positions_stay(cache: Cache, client: Any) -> None:
    for position_id in (1, 2, 3):
        cache.put_pnl(position_id, {"pnl": "0"})
    put_position(cache)
    cache.flush()

    cache.clear_pnl_except([2])
    cache.put_pnl(4, {"pnl": "0"})
    cache.flush()

    assert sorted(client.keys("*")) == ["pnl:tracker:2", "pnl:tracker:4", "pos:1"]


def test_an_outage_is_counted_and_the_newest_value_written_after_it(cache: Cache, faulty: FaultyRedis) -> None:
    faulty.fails = True
    cache.put_pnl(1, {"pnl": "1"})
    cache.put_pnl(2, {"pnl": "1"})
    assert not cache.flush()
    assert not cache.flush()
    assert (cache.writer.is_available, cache.writer.failed_count, cache.writer.waiting_count) == (False, 2, 2)

    cache.put_pnl(1, {"pnl": "2"})
    faulty.fails = False

    assert cache.flush()
    assert (cache.fetch("pnl:tracker:1"), cache.fetch("pnl:tracker:2")) == ({"pnl": "2"}, {"pnl": "1"})
    assert cache.writer.is_available


def test_a_deletion_survives_an_outage(cache: Cache, faulty: FaultyRedis) -> None:
    cache.put_pnl(1, {"pnl": "1", "drawdown_pct": "3"})
    cache.flush()
    faulty.fails = True
    cache.clear_position(1)
    cache.flush()
    cache.put_pnl(1, {"pnl": "2"})
    cache.flush()
    faulty.fails = False

    cache.flush()

    assert cache.fetch("pnl:tracker:1") == {"pnl": "2"}


def test_a_redis_that_was_emptied_is_filled_again_with_lives(cache: Cache, client: Any) -> None:
    put_pnl(cache)
    cache.flush()
    client.flushall()

    put_pnl(cache)
    cache.flush()

    assert cache.fetch("pnl:tracker:1") == {"pnl": "937.5"}
    assert client.ttl("pnl:tracker:1") > 21_590


def test_a_key_that_redis_refuses_does_not_hold_up_the_others(cache: Cache, client: Any) -> None:
    client.set("pnl:tracker:1", "a text of somebody else's")

    put_pnl(cache)
    put_position(cache)

    assert cache.flush()
    assert (cache.writer.refused_count, cache.writer.written_count, cache.writer.waiting_count) == (1, 1, 0)
    assert cache.fetch("pos:1")["qty"] == "65"


def test_readers_of_a_lost_redis_get_nothing(cache: Cache, faulty: FaultyRedis) -> None:
    faulty.fails = True

    assert (cache.fetch("pos:1"), cache.fetch_text("reentry:paper:NIFTY"), cache.ping()) == ({}, None, False)


def test_a_hash_without_fields_is_a_bug(cache: Cache) -> None:
    with pytest.raises(ValueError, match="pnl:tracker:1"):
        cache.put_pnl(1, {})


@pytest.fixture(params=["embedded", "server"])
def url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "embedded":
        return None
    address: str = request.getfixturevalue("redis_database")
    return address


def test_an_open_cache_writes_by_itself_and_answers(url: str | None) -> None:
    cache = open_cache(url)

    put_position(cache)
    cache.close()
    cache.close()

    assert cache.writer.written_count == 1
    assert cache.writer.waiting_count == 0


def test_the_thread_writes_without_being_asked() -> None:
    written = WrittenSignal()
    writer = WriteBehind(lambda: written, "here")
    writer.start()

    writer.put("reentry:paper:NIFTY", "now", 60)

    assert written.is_written(10)
    writer.close()


def test_an_embedded_mirror_is_nobody_elses() -> None:
    one, other = open_cache(None), open_cache(None)
    put_position(one)
    one.flush()

    assert (one.fetch("pos:1")["qty"], other.fetch("pos:1")) == ("65", {})
    one.close()
    other.close()


def test_a_server_that_is_not_there_is_an_outage_and_no_exception() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        cache = open_cache(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        put_position(cache)

        assert not cache.flush()
        assert not cache.ping()

        cache.close()
    assert not cache.writer.is_available
    assert cache.writer.waiting_count == 1


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(StoreError, match="unknown kind of cache 'http'"):
        open_cache("http://127.0.0.1")


class WrittenSignal:
    """A client that says when something was written through it."""

    def __init__(self) -> None:
        self.client = fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)
        self._near, self._far = socket.socketpair()

    def pipeline(self, *, transaction: bool) -> Any:
        pipeline: Any = self.client.pipeline(transaction=transaction)
        run = pipeline.execute

        def execute(**options: Any) -> Any:
            answer = run(**options)
            self._near.sendall(b".")
            return answer

        pipeline.execute = execute
        return pipeline

    def is_written(self, within_s: float) -> bool:
        self._far.settimeout(within_s)
        return self._far.recv(1) == b"."

    def close(self) -> None:
        for end in (self._near, self._far):
            end.close()
