"""How often somebody may ask: requests of an account, public runs of a client, logins (I10).

Counted in Redis, so that all web processes count together; while Redis is away, or without one, each counts for itself.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from storage.redis_link import RedisAway, RedisLink
from web.callers.proxies import customer_of
from web.errors import Refusal
from web.gates.counters import Counters

PREFIX = "penstock:rates"
"""Of the keys in Redis; each ends a minute after it began."""
LOGINS_PER_MINUTE = 10
"""Logins that are tried from one address under one name."""
LOGINS_OF_ADDRESS_PER_MINUTE = 60
"""The same under any name, for whoever tries one password with many."""


@dataclass(frozen=True)
class RateBounds:
    """How much a minute allows. `requests` None: any number."""

    requests: int | None
    public_runs: int


class Rates:
    """Counts by the minute, from the first of each. Those who ask too often are refused with 429 and told when the
    minute is over; what was refused counts too, and does not make it longer.

    All but `request` may wait for Redis: call them in the thread pool.
    """

    def __init__(self, bounds: RateBounds, link: RedisLink | None, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._clock = clock
        self._here = FixedWindowRateLimiter(Counters(clock))
        self._shared = _shared(link) if link is not None else self._here
        self._requests = _per_minute(bounds.requests, "requests") if bounds.requests else None
        self._public_runs = _per_minute(bounds.public_runs, "public-runs")
        self._logins = _per_minute(LOGINS_PER_MINUTE, "logins")
        self._logins_of_address = _per_minute(LOGINS_OF_ADDRESS_PER_MINUTE, "logins-of-address")

    async def request(self, user_id: str) -> None:
        """Counts a request of an account."""
        if self._requests is None:
            return
        if self._link is None:
            self._count(self._requests, user_id)
        else:
            await run_in_threadpool(self._count, self._requests, user_id)

    def public_run(self, address: str | None) -> None:
        """Counts a run that nobody known asks for, by their network address: all flows together (contract 6.1)."""
        self._count(self._public_runs, customer_of(address))

    def login(self, address: str | None, name: str) -> None:
        """Counts a login before it is tried, so that many at the same moment are no way around it."""
        customer = customer_of(address)
        self._count(self._logins_of_address, customer)
        self._count(self._logins, customer, _digest(name))

    def logged_in(self, address: str | None, name: str) -> None:
        """Forgets the tries that led to a login."""
        key = (customer_of(address), _digest(name))
        self._here.clear(self._logins, *key)
        if self._link is not None:
            with suppress(RedisAway), self._link.reaching():
                self._shared.clear(self._logins, *key)

    def _count(self, item: RateLimitItemPerMinute, *key: str) -> None:
        seconds = self._seconds_to_wait(item, *key)
        if seconds is not None:
            raise _too_many(item.amount, seconds)

    def _seconds_to_wait(self, item: RateLimitItemPerMinute, *key: str) -> float | None:
        """Counts one more; None when it may be."""
        if self._link is not None:
            with suppress(RedisAway), self._link.reaching():
                return self._hit(self._shared, item, *key)
        return self._hit(self._here, item, *key)

    def _hit(self, limiter: FixedWindowRateLimiter, item: RateLimitItemPerMinute, *key: str) -> float | None:
        if limiter.hit(item, *key):
            return None
        return limiter.get_window_stats(item, *key).reset_time - self._clock()


def _shared(link: RedisLink) -> FixedWindowRateLimiter:
    pool = link.quick.connection_pool
    return FixedWindowRateLimiter(RedisStorage("redis://", connection_pool=pool, key_prefix=PREFIX))


def _per_minute(amount: int, what: str) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(amount, namespace=what)


def _digest(name: str) -> str:
    """A name of any length and content, as a key of bounded length that tells nobody who it was."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _too_many(amount: int, seconds: float) -> Refusal:
    refusal = Refusal(429, "Too many requests", "RATE_LIMITED", f"{amount} a minute are allowed. Try again later.")
    refusal.headers["Retry-After"] = str(max(1, ceil(seconds)))
    return refusal
