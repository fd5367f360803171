"""Answers and counters that processes share in Redis, and their work without it."""

import asyncio
import itertools
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme
from redis import Redis
from starlette.testclient import TestClient

from monitoring_service.database import MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from shared_web.shared_cache import SharedCache
from tests.support.redis_server import PROGRAM, RedisServer, redis_server, tls_redis_server
from tests.support.services import PARTS

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Redis is not installed")

STATISTICS = "/api/v1/monitoring/stats"
PEPPER = "a pepper of thirty-two characters"


@pytest.fixture
def redis() -> RedisServer:
    return redis_server()


@pytest.fixture
def sent(postgres: Database) -> dict[str, str]:
    keys = KeyManager(postgres, pepper=PEPPER)
    key = keys.add_key("screen", [Permission.SYSTEM_READ])
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def processes(
    postgres: Database, redis: RedisServer, sent: dict[str, str]
) -> Iterator[list[TestClient]]:
    """Give two apps, as of two processes."""
    assert sent
    parts = PARTS["monitoring"]
    with ExitStack() as stack:

        def open_one() -> TestClient:
            settings = parts.settings(
                environment=Environment.PRODUCTION,
                database_url="postgresql://127.0.0.1/school",
                key_pepper=PEPPER,
                cache_url=redis.url,
                cache_seconds=10,
                rate_limit_requests=8,
                rate_limit_seconds=3600,
                workers=2,
            )
            return stack.enter_context(TestClient(parts.app(postgres, settings)))

        yield [open_one(), open_one()]


def count(client: TestClient, sent: dict[str, str]) -> int:
    return int(client.get(STATISTICS, headers=sent).raise_for_status().json()["total_logs"])


def remaining(client: TestClient, sent: dict[str, str]) -> str:
    return client.get(STATISTICS, headers=sent).headers["RateLimit"].split(";")[1]


def test_processes_share_answers_and_counters(
    processes: list[TestClient], redis: RedisServer, sent: dict[str, str], postgres: Database
) -> None:
    with redis.running(), Redis.from_url(redis.url) as stored:
        first, second = processes
        empty = count(first, sent)
        MonitoringDatabase(postgres).add_log("catalogue", "request")
        shared = count(second, sent)
        values: dict[bytes, Any] = {name: stored.get(name) for name in stored.keys()}  # noqa: SIM118
        times = [stored.pttl(name) for name in values]
        lefts = [remaining(client, sent) for client in (second, first, second)]

    assert empty == shared == 0
    assert lefts == ["r=5", "r=4", "r=3"]
    assert {name.split(b":")[4] for name in values} == {b"answer", b"key"}
    assert all(0 < left <= 3_600_000 for left in times)
    bearer = sent["Authorization"].split()[1].encode()
    assert not any(part in name for name in values for part in (b"screen", b"school", bearer))


def test_each_process_works_for_itself_without_redis(
    processes: list[TestClient], sent: dict[str, str]
) -> None:
    first, second = processes

    assert [remaining(client, sent) for client in (first, first, second)] == ["r=3", "r=2", "r=3"]


def test_one_request_tries_again_after_a_pause(redis: RedisServer) -> None:
    now, attempts = [0.0], []
    settings = PARTS["monitoring"].settings(environment=Environment.PRODUCTION)
    cache = SharedCache(redis.url, "monitoring", settings, lambda: now[0])

    async def ping(client: Any) -> bool:
        attempts.append(now[0])
        return bool(await client.ping())

    async def use() -> None:
        with redis.running() as server:
            assert await cache.run(ping)
            server.send_signal(signal.SIGSTOP)  # it hangs
            assert [await cache.run(ping) for _ in range(3)] == [None] * 3
            now[0] = 2
            assert [await cache.run(ping) for _ in range(3)] == [None] * 3
        assert attempts == [0, 0, 2]
        now[0] = 4
        assert await cache.run(ping) is None  # it is gone
        with redis.running():
            assert await cache.run(ping) is None
            now[0] = 6
            assert [await cache.run(ping) for _ in range(2)] == [True] * 2
            await cache.close()

    with structlog.testing.capture_logs() as logs:
        asyncio.run(use())

    assert attempts == [0, 0, 2, 4, 6, 6]
    assert [log["event"] for log in logs] == [
        "the cache is away, each process works for itself",
        "the cache is back",
    ]


def test_cache_with_tls_is_used_if_its_authority_is_trusted(tmp_path: Path) -> None:
    redis = tls_redis_server(tmp_path, trustme.CA())
    settings = PARTS["monitoring"].settings(environment=Environment.PRODUCTION)

    async def answers(url: str) -> bool:
        # Without pauses: on a busy machine a handshake may take longer than a request waits.
        cache = SharedCache(url, "monitoring", settings, itertools.count(0, 10).__next__)
        try:
            return any([await cache.run(lambda client: client.ping()) for _ in range(5)])
        finally:
            await cache.close()

    with redis.running():
        assert asyncio.run(answers(redis.url))
        assert not asyncio.run(answers(redis.url.partition("?")[0]))
