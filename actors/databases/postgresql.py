"""Asking a PostgreSQL server."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import psycopg
from sqlalchemy import URL

from actors.databases.answering import Answer
from flows.databases import MAX_CELL_BYTES, MAX_ROWS, SECONDS, DatabaseRefused, QueryFailed
from flows.outbound.client import Outbound
from flows.redaction import REDACTED
from flows.values import Table

PORT = 5432
NO_PASSWORD = "none"
"""What a server gets that a flow names no password for: never one that stands in this process's environment."""
MAX_SAID = 1_000
"""Characters of a server's error that are repeated."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_COLUMNS = "SELECT * FROM (\n{query}\n) AS asked LIMIT 0"
_ROWS = (
    "SELECT CASE WHEN octet_length(row) <= {bytes} THEN row END FROM "
    "(SELECT row_to_json(asked)::text AS row FROM (\n{query}\n) AS asked LIMIT {rows}) AS rows"
)
"""Every row as JSON, and null in the place of one that is too large to be sent."""


async def ask_postgresql(url: URL, query: str, outbound: Outbound) -> Table:
    """The answer of a server to one query that only reads, in a transaction that can do no more. What else the role
    may call, as functions that read the server's files, the server alone can refuse.

    Raises `DatabaseRefused`, `QueryFailed`, and `OutboundFailed` for a server that may not be called.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return await _asked(await _parameters(url, outbound), query.rstrip().rstrip(";"))
    except TimeoutError:
        raise QueryFailed(f"The query took longer than {SECONDS:g} s.") from None
    except psycopg.Error as error:
        raise QueryFailed(f"The query failed: {_said(error, url)}.") from error


async def _asked(parameters: dict[str, Any], query: str) -> Table:
    connection = await psycopg.AsyncConnection.connect(**parameters)
    async with connection, connection.cursor() as cursor:
        await connection.set_read_only(True)
        # Ends a query whose worker was lost. Not by a parameter of the connection: poolers refuse those.
        await cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(SECONDS * 1000))])
        # Only the extended protocol, which `binary` asks for, refuses several statements in one text.
        await cursor.execute(_statement(_COLUMNS, query), binary=True)
        names = [column.name for column in cursor.description or ()]
        answer = Answer(names)
        async for (row,) in cursor.stream(_statement(_ROWS, query)):
            if row is None:
                raise QueryFailed(f"A row of the answer has more than {MAX_CELL_BYTES} bytes. Ask for fewer columns.")
            record = orjson.loads(row)
            answer.add(tuple(record[name] for name in names))
        # Large objects may be made even in a transaction that only reads: they go with it.
        await connection.rollback()
        return answer.table


def _statement(around: str, query: str) -> str:
    """The flow's query, which is meant to be what its author wrote, inside ours."""
    text = around.replace("{rows}", str(MAX_ROWS + 1)).replace("{bytes}", str(MAX_CELL_BYTES))
    return text.replace("{query}", query)


async def _parameters(url: URL, outbound: Outbound) -> dict[str, Any]:
    """What to connect with: nothing but what the URL says, and checked addresses, so that nothing is looked up
    again."""
    ssl_mode = url.query.get("sslmode", "prefer")
    if set(url.query) - {"sslmode"} or ssl_mode not in _SSL_MODES:
        raise DatabaseRefused(f"The database URL has parameters. Only sslmode may be set, to {', '.join(_SSL_MODES)}.")
    if not (url.host and url.username and url.database) or "," in url.host or url.host.startswith("/"):
        raise DatabaseRefused("The database URL lacks a part. Give postgresql://user:password@host/name.")
    port = url.port or PORT
    addresses: Sequence[str] = await outbound.addresses(url.host, port)
    return {
        "host": ",".join(url.host for _ in addresses),
        "hostaddr": ",".join(addresses),
        "port": port,
        "user": url.username,
        "password": str(url.password or NO_PASSWORD),
        "dbname": url.database,
        "sslmode": ssl_mode,
        "sslcertmode": "disable",
        "gssencmode": "disable",
        "application_name": "penstock",
        "options": "",
    }


def _said(error: psycopg.Error, url: URL) -> str:
    said = (error.diag.message_primary or str(error) or type(error).__name__)[:MAX_SAID].strip().rstrip(".")
    return said.replace(str(url.password), REDACTED) if url.password else said
