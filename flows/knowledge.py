"""Knowledge bases, as the components of a run see them: texts with their embeddings, to be found by what they mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from flows.errors import FlowError
from flows.values import Json

MAX_NAME = 256
MAX_RESULTS = 100
"""Chunks that are found at once (I10)."""
MAX_ADDED = 10_000
"""Chunks that one visit of a vertex adds at most."""
MAX_CHUNKS = 50_000
"""Chunks of one base at most."""
MAX_BYTES = 200_000_000
"""Bytes of one base at most, texts, metadata and vectors; a worker process holds all of it but the texts."""
MAX_CHUNK_TEXT = 100_000
"""Characters of one chunk at most."""
MAX_METADATA = 20_000
"""Bytes of the metadata of one chunk at most, as JSON."""

Vector: TypeAlias = bytes
"""An embedding of length 1, as 32-bit floats, the least significant byte first."""
Wanted: TypeAlias = Mapping[str, Collection[str]]
"""What the metadata of a chunk must have: for each name one of some values, as texts."""


class NoSuchKnowledge(FlowError):
    """The knowledge base `name` is not there, or not for this run; which of the two is not told (I9)."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no knowledge base {name!r} for this run. Make one by running a flow in which a Knowledge "
            "component adds to it in the mode Ingest. A run uses the bases of its user, in flows of their own only."
        )


class KnowledgeRefused(FlowError):
    """Something cannot be added to a knowledge base; the message says why."""


class OtherEmbedding(FlowError):
    """A knowledge base was made with another embedding than is at hand."""

    def __init__(self, name: str, made_with: str, at_hand: str) -> None:
        super().__init__(
            f"The knowledge base {name!r} was made with the embedding {made_with!r}, and {at_hand!r} is at hand. Set "
            "PENSTOCK_EMBEDDING_MODEL to the former, with an endpoint that has it, or delete the base and ingest its "
            "texts again."
        )


@dataclass(frozen=True)
class Base:
    """A knowledge base as it stands. `revision` grows with every change of what it holds."""

    id: str
    name: str
    embedding: str
    """The name of what its texts were embedded with."""
    dimensions: int
    revision: int
    chunks: int
    bytes: int


@dataclass(frozen=True)
class Chunk:
    """A text that is to be added. Of two with the same `digest` a base holds one."""

    digest: str
    text: str = field(repr=False)
    metadata: Mapping[str, Json] = field(repr=False)
    vector: Vector = field(repr=False)


@dataclass(frozen=True)
class Found:
    """A text that was found. `score` is the cosine of its angle to the question, None when nothing was asked."""

    digest: str
    text: str
    metadata: Mapping[str, Json]
    vector: Vector = field(repr=False)
    score: float | None = None


class Knowledge(Protocol):
    """Where a run adds texts and finds them, without holding up the loop."""

    @property
    def model(self) -> str:
        """The embedding model that new bases are made with, where there is one at hand."""

    async def base(self, name: str) -> Base | None:
        """A base by its name; None when there is none for this run."""

    async def lacking(self, name: str, digests: Sequence[str]) -> Collection[str]:
        """Which of some chunks a base does not hold yet. Raises `KnowledgeRefused` when this run may not add any."""

    async def add(self, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
        """Adds those chunks that the base does not hold yet, all in one transaction, and makes the base when there is
        none. From then on every process finds them. Raises `KnowledgeRefused` and `OtherEmbedding`."""

    async def search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> Sequence[Found]:
        """The chunks nearest to a question, the nearest first; without one the first that were added. All that was
        committed before the call is searched."""


NO_PLACE = "This run has no place for knowledge."


class NoKnowledge:
    """The knowledge of a run that has none."""

    model = ""

    async def base(self, name: str) -> Base | None:
        return None

    async def lacking(self, name: str, digests: Sequence[str]) -> Collection[str]:
        raise KnowledgeRefused(NO_PLACE)

    async def add(self, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
        raise KnowledgeRefused(NO_PLACE)

    async def search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> Sequence[Found]:
        return ()


def has_wanted(metadata: Mapping[str, Json], wanted: Wanted) -> bool:
    """Whether the metadata of a chunk have everything that is wanted; where they hold a list, in it."""
    for name, values in wanted.items():
        held = metadata.get(name)
        if not any(str(one) in values for one in (held if isinstance(held, list) else [held])):
            return False
    return True
