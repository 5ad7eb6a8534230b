"""Asks databases as a run does, on a loop of its own."""

import asyncio
from pathlib import Path

from actors.databases import RunDatabases
from flows.outbound.backend import Resolve
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.values import Table

HERE = OutboundPolicy.allowing("127.0.0.1")


def ask(
    url: str, query: str, *, folder: Path | None = None, policy: OutboundPolicy = HERE, resolve: Resolve | None = None
) -> Table:
    """The answer to one query."""
    return asyncio.run(RunDatabases(Outbound(policy, resolve), folder).ask(url, query))
