"""Writes to Redis that nobody waits for: the last value of each key, in batches, on a thread of its own.

A caller puts a value and goes on; what is put again before it was written is written once. An outage costs one
warning and counters, never an exception: what could not be written waits, one value a key, and is written by the
newest when Redis is back. A reader of the mirror may therefore be late, never wrong for good.

Source: REQUIREMENTS 8.4, 8.5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from loguru import logger

#: Between two rounds, seconds: a price is at most that much older in the mirror than in memory.
FLUSH_EVERY_S = 0.25
#: Keys a round, so that one round is one short pipeline.
BATCH_MAX = 200
#: How long `close` waits for the thread: a round ends within the socket timeouts.
CLOSE_WAIT_S = 5.0

Fields = Mapping[str, str]


class _Write(msgspec.Struct, frozen=True):
    """What is to become of one key: a hash, a text, or nothing (`value` None).

    Attributes:
        ttl_s: Its life in seconds; None when it has no end.
        is_anew: What the key held before goes first, since a deletion was waiting.
    """

    value: Fields | str | None
    ttl_s: int | None = None
    is_anew: bool = False


class WriteBehind:
    """The queue of writes and the thread that empties it.

    Attributes:
        is_available: False from a failed round until the next one that succeeds.
        written_count: Keys written or deleted.
        failed_count: Rounds that Redis did not take.
        refused_count: Keys that Redis refused for good (wrong type, no memory): dropped, not tried again.
    """

    def __init__(self, connect: Callable[[], Any], name: str) -> None:
        """Prepare.

        Args:
            connect: Makes the client; called once, by whoever needs it first, as a rule the thread.
            name: Of the server, for people.
        """
        self._connect = connect
        self._name = name
        self._client: Any = None
        self._waiting: dict[str, _Write] = {}
        self._pruning: dict[str, frozenset[str]] = {}
        self._queue_lock = threading.Lock()
        self._round_lock = threading.RLock()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cache-writer", daemon=True)
        self.is_available = True
        self.written_count = 0
        self.failed_count = 0
        self.refused_count = 0

    def start(self) -> None:
        """Let the thread work; until then everything waits."""
        self._thread.start()

    def put(self, key: str, value: Fields | str, ttl_s: int | None = None) -> None:
        """Queue a hash (all its fields) or a text; returns at once.

        Raises:
            ValueError: The hash has no field: Redis has no such thing.
        """
        if not value and not isinstance(value, str):
            raise ValueError(f"a hash has fields, {key} was given none")
        with self._queue_lock:
            before = self._waiting.get(key)
            is_anew = before is not None and (before.value is None or before.is_anew)
            self._waiting[key] = _Write(value, ttl_s, is_anew)
        self._arrived.set()

    def delete(self, *keys: str) -> None:
        """Queue the end of some keys; what waits for them is not written."""
        with self._queue_lock:
            for key in keys:
                self._waiting[key] = _Write(None)
        self._arrived.set()

    def delete_others(self, prefix: str, kept: Collection[str]) -> None:
        """Queue the end of every key that begins with `prefix` and is not among the kept; comes before other writes."""
        with self._queue_lock:
            self._pruning[prefix] = frozenset(kept)
        self._arrived.set()

    @property
    def waiting_count(self) -> int:
        """Keys that wait; there are never more than there are keys."""
        return len(self._waiting)

    def flush(self) -> bool:
        """Write all that waits, on this thread; False when Redis did not take it."""
        while self._waiting or self._pruning:
            if not self._write_round():
                return False
        return True

    def read(self, question: Callable[[Any], Any]) -> Any:
        """The answer of Redis, or None when it gives none; waits for it, so it is for people and tests."""
        from redis.exceptions import RedisError

        try:
            with self._round_lock:
                return question(self._connected())
        except RedisError as error:
            self._count_failure(error)
            return None

    def close(self) -> None:
        """Stop the thread and write what waits, once; harmless twice."""
        self._stopping.set()
        self._arrived.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_WAIT_S)
        self.flush()
        with self._round_lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            if not self._stopping.is_set():
                self._write_round()
            if self._stopping.wait(FLUSH_EVERY_S):
                return
            if self._waiting:
                self._arrived.set()

    def _write_round(self) -> bool:
        """Write one batch, in the order of arrival; what fails waits again unless something newer does."""
        from redis.exceptions import RedisError

        with self._round_lock:
            batch = self._take()
            try:
                self._prune()
                self._write(batch)
            except RedisError as error:
                self._put_back(batch)
                self._count_failure(error)
                return False
            if not self.is_available:
                self.is_available = True
                logger.info("Redis at {} answers again; {} keys wait to be written.", self._name, len(self._waiting))
            return True

    def _take(self) -> dict[str, _Write]:
        with self._queue_lock:
            return {key: self._waiting.pop(key) for key in list(self._waiting)[:BATCH_MAX]}

    def _put_back(self, batch: dict[str, _Write]) -> None:
        with self._queue_lock:
            for key, write in batch.items():
                newer = self._waiting.pop(key, None)
                if newer is None:
                    continue
                is_anew = newer.is_anew or write.value is None or write.is_anew
                batch[key] = msgspec.structs.replace(newer, is_anew=is_anew and newer.value is not None)
            self._waiting = {**batch, **self._waiting}

    def _write(self, batch: dict[str, _Write]) -> None:
        """One pipeline of values, then one of lives: only for keys with less than half of theirs left."""
        pipeline = self._connected().pipeline(transaction=False)
        counts = [_queue_write(pipeline, key, write) for key, write in batch.items()]
        answers = iter(pipeline.execute(raise_on_error=False))
        expiring: dict[str, int] = {}
        for (key, write), count in zip(batch.items(), counts, strict=True):
            of_key = [next(answers) for _ in range(count)]
            refusal = next((answer for answer in of_key if isinstance(answer, Exception)), None)
            if refusal is not None:
                self._count_refusal(key, refusal)
                continue
            self.written_count += 1
            is_hash = not isinstance(write.value, str | None)
            if is_hash and write.ttl_s is not None and of_key[-1] * 2 < write.ttl_s:
                expiring[key] = write.ttl_s
        self._renew(expiring)

    def _prune(self) -> None:
        for prefix in list(self._pruning):
            client = self._connected()
            found = set(client.scan_iter(match=f"{prefix}*", count=1000))
            with self._queue_lock:
                orphans = found - self._pruning.pop(prefix)
            if orphans:
                client.delete(*sorted(orphans))

    def _renew(self, expiring: dict[str, int]) -> None:
        if not expiring:
            return
        pipeline = self._connected().pipeline(transaction=False)
        for key, ttl_s in expiring.items():
            pipeline.expire(key, ttl_s)
        pipeline.execute()

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _count_failure(self, error: Exception) -> None:
        self.failed_count += 1
        if self.is_available:
            self.is_available = False
            logger.warning(
                "Redis at {} does not answer: {}. Trading goes on without the mirror; {} keys wait, the newest value "
                "of each is written when it is back.",
                self._name,
                error,
                len(self._waiting),
            )

    def _count_refusal(self, key: str, refusal: Exception) -> None:
        self.refused_count += 1
        if self.refused_count == 1:
            logger.warning(
                "Redis at {} refuses to keep {}: {}. It is left out of the mirror.", self._name, key, refusal
            )


def _queue_write(pipeline: Any, key: str, write: _Write) -> int:
    """Add the commands of one key to a pipeline; gives how many. The last one asks how long a mortal hash has left."""
    if write.value is None:
        pipeline.delete(key)
        return 1
    if isinstance(write.value, str):
        pipeline.set(key, write.value, ex=write.ttl_s)
        return 1
    if write.is_anew:
        pipeline.delete(key)
    pipeline.hset(key, mapping=dict(write.value))
    if write.ttl_s is not None:
        pipeline.ttl(key)
    return 1 + write.is_anew + (write.ttl_s is not None)
