"""Texts as vectors: by an embedding model, or by the words that they hold where there is none."""

import hashlib
import math
import re
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from flows.blocking import in_own_thread
from flows.context import VertexContext
from flows.knowledge import Vector
from flows.models.choice import key_for
from flows.models.providers import NO_KEY, OPENAI
from flows.values import LanguageModel

HASHED = "hashed-words"
"""The embedding that needs no model: it finds texts by the words and parts of words that they share with a question,
and knows nothing of what they mean."""
DIMENSIONS = 1_024
PART_WEIGHT = 0.5
"""What three letters of a word count beside the whole word, so that `refund` is found by `refunds`."""
MAX_BATCH_TEXT = 400_000
"""Characters of one request to an embedding model; less than any provider takes."""
_WORD = re.compile(r"\w+")

_Embed: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]


class EmbeddingUnusable(ValueError):
    """What an embedding model answered is no embedding of what it was given."""


@dataclass(frozen=True)
class Embedding:
    """A way to embed texts: its name, which tells it from all others, and `embed`, which keeps their order."""

    name: str
    embed: _Embed


def by_words() -> Embedding:
    """The embedding that needs no model."""
    return Embedding(HASHED, _embed_words)


def by_model(name: str, context: VertexContext) -> Embedding | None:
    """An embedding model at the endpoint of the settings, with the key as `key_for` finds it; None without both. Its
    tokens do not count as the run's: they cost next to nothing.

    Its `embed` raises `ModelFailed`.
    """
    defaults = context.tools.model_defaults
    endpoint = OPENAI.endpoint(defaults.base_url or OPENAI.base_url)
    handle = LanguageModel(context.vertex_id, name, endpoint, OPENAI.name)
    key = key_for(handle, context)
    if not name or (key == NO_KEY and defaults.base_url is None):
        return None
    return Embedding(name, partial(_embed, handle, key, context))


def hashed(texts: Sequence[str]) -> list[Vector]:
    """Each text as the words and the parts of words in it, each at a place that follows from it; the more often one
    comes, the less each time counts."""
    features: dict[str, Sequence[tuple[int, float]]] = {}
    return [_hashed(text, features) for text in texts]


def batches(texts: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """The texts in their order, so many at a time, or fewer where they are long."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == most or size + len(text) > MAX_BATCH_TEXT):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def unit(numbers: Sequence[float]) -> Vector:
    """The vector of length 1 in a direction; a vector without direction stays as it is. Raises `EmbeddingUnusable`."""
    length = math.sqrt(sum(number * number for number in numbers))
    if not math.isfinite(length):
        raise EmbeddingUnusable("an embedding holds what is no number")
    return struct.pack(f"<{len(numbers)}f", *(number / (length or 1.0) for number in numbers))


def numbers_of(vector: Vector) -> list[float]:
    """The numbers in a vector."""
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


async def _embed_words(texts: Sequence[str]) -> Sequence[Vector]:
    return await in_own_thread(hashed, texts)


async def _embed(handle: LanguageModel, key: str, context: VertexContext, texts: Sequence[str]) -> Sequence[Vector]:
    models = context.tools.models
    try:
        found = await _ask(models.model(handle, key), handle.name, texts)
    except Exception as error:
        raise models.explain(error, handle, key) from error
    if len(found) != len(texts) or len({len(one) for one in found}) > 1 or not all(found):
        raise EmbeddingUnusable(f"the model {handle.name!r} answered with {len(found)} vectors for {len(texts)} texts.")
    return [unit(one) for one in found]


async def _ask(model: Any, name: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """The imports take a second, and only flows with a model pay for it."""
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
    from pydantic_ai.providers.openai import OpenAIProvider

    embedder = OpenAIEmbeddingModel(name, provider=OpenAIProvider(openai_client=model.client))
    return (await embedder.embed(texts, input_type="document")).embeddings


def _hashed(text: str, features: dict[str, Sequence[tuple[int, float]]]) -> Vector:
    numbers = [0.0] * DIMENSIONS
    for word, times in _words(text).items():
        if word not in features:
            features[word] = list(_features(word))
        weight = 1 + math.log(times)
        for place, share in features[word]:
            numbers[place] += weight * share
    return unit(numbers)


def _words(text: str) -> Mapping[str, int]:
    return Counter(_WORD.findall(text.casefold()))


def _features(word: str) -> Iterator[tuple[int, float]]:
    """Where a word and its parts count, and how much; the sign keeps those that share a place apart."""
    marked = f"<{word}>"
    parts = [marked[place : place + 3] for place in range(len(marked) - 2)]
    for feature, weight in [(word, 1.0), *((part, PART_WEIGHT) for part in parts)]:
        number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=4).digest())
        yield number % DIMENSIONS, weight if number & (1 << 20) else -weight
