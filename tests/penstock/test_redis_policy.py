"""storage/redis_policy.py: no process starts on a Redis that may drop queued work (DESIGN 4.5)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from storage.errors import EvictingRedis
from storage.redis_policy import check_policy
from storage.secrets import new_key
from tests.penstock.conftest import Penstock, Start

EVICTING = ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client that may do anything; what it sets is set back."""
    with redis.Redis.from_url(redis_url) as connected:
        yield connected
        connected.config_set("maxmemory-policy", "noeviction")
        connected.acl_deluser("limited")


def limited(client: redis.Redis, url: str, *refused: str) -> redis.Redis:
    """A client as a provider gives it, which may not use some commands."""
    client.acl_setuser(
        "limited", enabled=True, reset=True, passwords=["+word"], keys=["*"], channels=["*"],
        categories=["+@all"], commands=list(refused),
    )  # fmt: skip
    return redis.Redis.from_url(url.replace("redis://", "redis://limited:word@"))


@pytest.mark.parametrize("policy", EVICTING)
@pytest.mark.parametrize("refused", [(), ("-config",)], ids=["asked", "told by INFO"])
def test_a_redis_that_evicts_is_refused(
    client: redis.Redis, redis_url: str, policy: str, refused: tuple[str, ...]
) -> None:
    """Its policy is found even where the provider forbids CONFIG, and the message says what to set."""
    client.config_set("maxmemory-policy", policy)
    with limited(client, redis_url, *refused) as asking, pytest.raises(EvictingRedis) as caught:
        check_policy(asking)
    assert f"maxmemory-policy {policy}" in str(caught.value)
    assert "CONFIG SET maxmemory-policy noeviction" in str(caught.value)


@pytest.mark.parametrize("refused", [(), ("-config",)], ids=["asked", "told by INFO"])
def test_a_redis_that_never_evicts_is_taken(client: redis.Redis, redis_url: str, refused: tuple[str, ...]) -> None:
    with limited(client, redis_url, *refused) as asking:
        check_policy(asking)


def test_a_redis_that_tells_nothing_is_taken(client: redis.Redis, redis_url: str) -> None:
    """What cannot be known refuses nobody: neither forbidden commands nor a Redis that is away (rule 5)."""
    client.config_set("maxmemory-policy", "allkeys-lru")
    with limited(client, redis_url, "-config", "-info") as asking:
        check_policy(asking)
    with redis.Redis.from_url("redis://127.0.0.1:1", retry=None) as absent:
        check_policy(absent)


@pytest.mark.parametrize(
    "command",
    [
        ("penstock", "up"),
        ("uvicorn", "web.app:app", "--port", "0"),
        ("dramatiq", "actors:worker", "--processes", "1", "--threads", "1"),
    ],
    ids=["up", "web", "worker"],
)
def test_nothing_starts_on_a_redis_that_evicts(
    command: tuple[str, ...],
    client: redis.Redis,
    redis_url: str,
    penstock: Penstock,
    start: Start,
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    penstock("migrate")
    client.config_set("maxmemory-policy", "allkeys-lru")
    process = start(*command)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Redis has maxmemory-policy allkeys-lru" in err
