"""A run as lines of JSON, `{"event", "data"}` each, and no server-sent events: what the SDK reads (contract 0)."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from flows.events import EventType
from storage.stream import Entry
from web.errors import Refusal, unavailable
from web.protocols.langflow import without_source
from web.streams.following import Rest
from web.v1.schemas import V1RunResponse

_AS_THEY_ARE = frozenset({EventType.TOKEN, EventType.REMOVE_MESSAGE})


async def lines(
    batches: AsyncGenerator[Sequence[Entry] | Rest], *, exposes_graph: bool, result: Callable[[], V1RunResponse]
) -> AsyncGenerator[bytes]:
    """Tokens and messages as they come, with the end of every vertex for whoever may see the graph; then `end` with the
    whole response, or `error` with the reason why there is none."""
    async with aclosing(batches):
        async for batch in batches:
            if isinstance(batch, Rest):
                break
            if told := b"".join(_line(line) for entry in batch for line in _told(entry, exposes_graph)):
                yield told
    yield _line(await run_in_threadpool(_last, result))


def _told(entry: Entry, exposes_graph: bool) -> Iterator[bytes]:
    if entry.type in _AS_THEY_ARE or (entry.type == EventType.END_VERTEX and exposes_graph):
        yield entry.payload
    elif entry.type == EventType.ADD_MESSAGE:
        yield _with_message(entry.payload if exposes_graph else without_source(entry.payload))


def _with_message(payload: bytes) -> bytes:
    """A message as Langflow sends it, and in `message` what the SDK reads of it."""
    frame = orjson.loads(payload)
    told = frame["data"]
    told["message"] = {name: told[name] for name in ("id", "text", "sender", "sender_name")}
    return orjson.dumps(frame)


def _last(result: Callable[[], V1RunResponse]) -> bytes:
    try:
        return orjson.dumps({"event": "end", "data": {"result": result().model_dump()}})
    except Refusal as refusal:
        return _error(refusal)
    except SQLAlchemyError:
        return _error(unavailable("DATABASE_ERROR", "The database did not answer in time; the run goes on."))


def _error(refusal: Refusal) -> bytes:
    told = {**refusal.detail, "error": refusal.detail["message"]}
    return orjson.dumps({"event": "error", "data": told})


def _line(content: bytes) -> bytes:
    """One line, and the blank one that Langflow sends behind it."""
    return content + b"\n\n"
