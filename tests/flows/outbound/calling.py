"""Makes outgoing calls on a loop of their own."""

import asyncio
from collections.abc import Sequence

from flows.outbound.backend import Resolve
from flows.outbound.client import Outbound, OutboundAnswer, OutboundCall
from flows.outbound.policy import OutboundPolicy


def call(policy: OutboundPolicy, asked: OutboundCall | str, resolve: Resolve | None = None) -> OutboundAnswer:
    """The answer to one call."""
    [answer] = call_all(policy, [asked], resolve)
    return answer


def call_all(
    policy: OutboundPolicy, asked: Sequence[OutboundCall | str], resolve: Resolve | None = None
) -> list[OutboundAnswer]:
    """The answers to some calls, one after the other, by the same client."""

    async def make() -> list[OutboundAnswer]:
        outbound = Outbound(policy, resolve)
        try:
            return [await outbound.call(OutboundCall(one) if isinstance(one, str) else one) for one in asked]
        finally:
            await outbound.close()

    return asyncio.run(make())
