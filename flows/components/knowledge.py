"""Knowledge: texts are added to a knowledge base, and found there by a question."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import orjson

from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.embedding import HASHED, Embedding, batches, by_model, by_words, numbers_of
from flows.knowledge import (
    MAX_ADDED,
    MAX_CHUNK_TEXT,
    MAX_METADATA,
    MAX_NAME,
    MAX_RESULTS,
    Base,
    Chunk,
    Found,
    NoSuchKnowledge,
    OtherEmbedding,
    Wanted,
)
from flows.models.providers import OPENAI
from flows.reading.tabular import rows_of, table_of
from flows.text import to_text
from flows.values import Data, Json, Table

MAX_BATCH = 2_048
"""Texts of one request to an embedding model; OpenAI takes no more."""
_TRUE = (True, "true", "True")
_OWN = ("content", "_score", "_id", "_embeddings")
"""Columns of what is found that metadata cannot take."""


class KnowledgeFields(Inputs):
    mode: Literal["Ingest", "Retrieve"] = "Retrieve"
    knowledge_base: Text = ""
    input_df: Any = None
    column_config: Any = None
    chunk_size: int = 1_000
    allow_duplicates: bool = False
    metadata_json: Text = ""
    search_query: Text = ""
    top_k: int = 5
    include_metadata: bool = True
    include_embeddings: bool = False
    metadata_filter: Text = ""
    api_key: str = ""


class Knowledge(Component[KnowledgeFields]):
    """Finds the texts of a knowledge base that answer a question best, or adds texts to one.

    Langflow keeps its bases in a vector store beside it. Here they are in the database, for all processes.
    """

    types = ("Knowledge",)
    inputs = KnowledgeFields
    outputs: ClassVar = {"retrieve_data": Port(("Table",)), "dataframe_output": Port(("JSON",))}
    actions: ClassVar = {"retrieve_data": "retrieve_data", "build_kb_info": "dataframe_output"}
    variables = (OPENAI.key_variable,) if OPENAI.key_variable else ()

    def effect_of(self, inputs: KnowledgeFields) -> Effect:
        return Effect.IDEMPOTENT if inputs.mode == "Ingest" else Effect.PURE

    async def build(self, inputs: KnowledgeFields, context: VertexContext) -> Outputs:
        name = inputs.knowledge_base.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise ValueError(f"give the name of a knowledge base, {MAX_NAME} characters at most.")
        if inputs.mode == "Ingest":
            return {"dataframe_output": await ingest(name, inputs, context)}
        return {"retrieve_data": await retrieve(name, inputs, context)}


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are embedded, and by which a row is known."""

    embedded: Sequence[str]
    identifying: Sequence[str]

    def text_of(self, row: Mapping[str, Json]) -> str:
        return " ".join(to_text(row[name]) for name in self.embedded).strip()

    def digest_of(self, row: Mapping[str, Json]) -> str:
        """What a row is known by: a hash of its identifying columns, or of its text where there are none."""
        parts = [to_text(row[name]) for name in self.identifying or self.embedded]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()

    def metadata_of(self, row: Mapping[str, Json]) -> dict[str, Json]:
        return {name: cell for name, cell in row.items() if name not in self.embedded and cell is not None}


async def ingest(name: str, inputs: KnowledgeFields, context: VertexContext) -> Data:
    """Adds the rows that the base does not hold yet, and tells what came of it. Another try adds no row again."""
    rows = rows_of(inputs.input_df).records()
    drafts = list(_drafts(rows, inputs, context))
    base = await context.tools.knowledge.base(name)
    embedding = _embedding(name, base, context)
    lacking = await context.tools.knowledge.lacking(name, [draft.digest for draft in drafts])
    new = list({draft.digest: draft for draft in drafts if draft.digest in lacking}.values())
    if new:
        chunks = await _embedded(new, embedding, inputs.chunk_size, context)
        base = await context.tools.knowledge.add(name, embedding.name, chunks)
    if base is None:
        raise ValueError("there is no text to add. Connect something to Input that holds some.")
    return Data(
        {
            "kb_id": base.id,
            "kb_name": base.name,
            "rows": len(rows),
            "added": len(new),
            "chunks": base.chunks,
            "embedding_model": base.embedding,
            "timestamp": context.tools.clock.now().isoformat(),
        }
    )


async def retrieve(name: str, inputs: KnowledgeFields, context: VertexContext) -> Table:
    """A row for each text that was found, the best first; without a question the first ones of the base."""
    if not 1 <= inputs.top_k <= MAX_RESULTS:
        raise ValueError(f"`top_k` must lie between 1 and {MAX_RESULTS}.")
    wanted = _wanted(inputs.metadata_filter)
    base = await context.tools.knowledge.base(name)
    if base is None:
        raise NoSuchKnowledge(name)
    question = None
    if inputs.search_query.strip():
        embedding = _embedding(name, base, context)
        [question] = await embedding.embed([inputs.search_query[:MAX_CHUNK_TEXT]])
        if len(question) != base.dimensions * 4:
            made_with = f"{base.embedding} ({base.dimensions})"
            raise OtherEmbedding(name, made_with, f"{embedding.name} ({len(question) // 4})")
    found = await context.tools.knowledge.search(base, question, wanted, inputs.top_k)
    return table_of([_row(one, inputs) for one in found]) if found else Table(("content",))


@dataclass(frozen=True)
class _Draft:
    """A chunk without its vector."""

    digest: str
    text: str
    metadata: Mapping[str, Json]


def _drafts(rows: Sequence[Mapping[str, Json]], inputs: KnowledgeFields, context: VertexContext) -> Iterator[_Draft]:
    """What the rows say; those without text are left out. Raises `ValueError` for what cannot be added."""
    if len(rows) > MAX_ADDED:
        raise ValueError(f"there are {len(rows)} rows, and {MAX_ADDED} can be added at once at most. Divide them.")
    columns = _columns(inputs.column_config, rows)
    shared = _json_object("metadata_json", inputs.metadata_json)
    for number, row in enumerate(rows):
        text, metadata = columns.text_of(row), {**shared, **columns.metadata_of(row)}
        if not text:
            continue
        if len(text) > MAX_CHUNK_TEXT:
            raise ValueError(f"row {number + 1} has more than {MAX_CHUNK_TEXT} characters. Split it with Split Text.")
        if len(orjson.dumps(metadata)) > MAX_METADATA:
            raise ValueError(f"row {number + 1} has more than {MAX_METADATA} bytes beside its text.")
        digest = columns.digest_of(row)
        # Where the same row may be there twice, only another try of this one is the same.
        yield _Draft(f"{context.idempotency_key}:{number}" if inputs.allow_duplicates else digest, text, metadata)


def _columns(config: Any, rows: Sequence[Mapping[str, Json]]) -> Columns:
    """What the editor's table says of columns; without one the column `text` is embedded."""
    given = config.records() if isinstance(config, Table) else config or [{"column_name": "text", "vectorize": True}]
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise ValueError("`column_config` must be a table with the columns column_name, vectorize and identifier.")
    embedded = [str(row.get("column_name")) for row in given if row.get("vectorize") in _TRUE]
    identifying = [str(row.get("column_name")) for row in given if row.get("identifier") in _TRUE]
    if not embedded:
        raise ValueError("no column is to be embedded. Set Vectorize for one in the column configuration.")
    there = list(rows[0]) if rows else [*embedded, *identifying]
    missing = [name for name in dict.fromkeys((*embedded, *identifying)) if name not in there]
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}; it has {', '.join(map(repr, there))}.")
    return Columns(embedded, identifying)


def _embedding(name: str, base: Base | None, context: VertexContext) -> Embedding:
    """What texts for a base are embedded with: what it was made with. A new one is made with the model of the settings,
    or, where there is no endpoint for that, with none. Raises `OtherEmbedding`."""
    if base is not None and base.embedding == HASHED:
        return by_words()
    at_hand = by_model(context.tools.knowledge.model, context) or by_words()
    if base is not None and base.embedding != at_hand.name:
        raise OtherEmbedding(name, base.embedding, at_hand.name)
    return at_hand


async def _embedded(
    drafts: Sequence[_Draft], embedding: Embedding, size: int, context: VertexContext
) -> Sequence[Chunk]:
    texts, vectors = [draft.text for draft in drafts], list[bytes]()
    for batch in batches(texts, max(1, min(size, MAX_BATCH))):
        vectors += await embedding.embed(batch)
        context.progress(len(vectors), len(texts), "texts")
    return [
        Chunk(draft.digest, draft.text, draft.metadata, vector) for draft, vector in zip(drafts, vectors, strict=True)
    ]


def _wanted(text: str) -> Wanted:
    """What is asked of metadata: one value for each name, or one of several."""
    asked = _json_object("metadata_filter", text)
    return {
        name: {str(one) for one in (value if isinstance(value, list) else [value])} for name, value in asked.items()
    }


def _json_object(field: str, text: str) -> dict[str, Json]:
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"`{field}` is no JSON: {error}.") from None
    if isinstance(found, dict):
        return found
    raise ValueError(f'`{field}` must be a JSON object, as {{"tag": "invoice"}}.')


def _row(found: Found, inputs: KnowledgeFields) -> dict[str, Json]:
    row: dict[str, Json] = {"content": found.text}
    if found.score is not None:
        row["_score"] = found.score
    if inputs.include_metadata:
        row |= {name: value for name, value in found.metadata.items() if name not in _OWN} | {"_id": found.digest}
        if inputs.include_embeddings:
            row["_embeddings"] = list(numbers_of(found.vector))
    return row
