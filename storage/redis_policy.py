"""Which Redis may be used: one that never evicts keys (DESIGN 4.5)."""

from typing import Any

import redis
import structlog

from storage.errors import EvictingRedis
from storage.store import Store

logger = structlog.get_logger(__name__)

SAFE = "noeviction"


def check_redis(store: Store) -> None:
    """Raises `EvictingRedis` for the Redis of a store; a store in memory has none."""
    if store.redis is not None:
        check_policy(store.redis.quick)


def check_policy(client: redis.Redis) -> None:
    """Raises `EvictingRedis` when Redis would drop queued hints to make room (fault A12).

    A Redis that cannot be asked is let through: while it is away it costs latency only (rule 5).
    """
    policy = _policy(client)
    if policy not in (SAFE, None):
        raise EvictingRedis(
            f"Redis has maxmemory-policy {policy} and would drop queued work under pressure. "
            f"Run `redis-cli CONFIG SET maxmemory-policy {SAFE}`, or set it in redis.conf or with your provider."
        )


def _policy(client: redis.Redis) -> str | None:
    """The policy; from INFO where the provider forbids CONFIG, None where nothing tells it."""
    try:
        try:
            answer: Any = client.config_get("maxmemory-policy")
        except redis.ResponseError:
            answer = client.info("memory")
    except redis.RedisError as error:
        logger.warning("redis_policy_unknown", error=str(error))
        return None
    found = answer.get("maxmemory-policy") or answer.get("maxmemory_policy")
    return None if found is None else str(found)
