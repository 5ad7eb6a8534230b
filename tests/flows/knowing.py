"""Knowledge bases in memory, as a run sees them, and what is asked of them."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from flows.embedding import numbers_of
from flows.knowledge import Base, Chunk, Found, OtherEmbedding, Vector, Wanted, has_wanted


class Shelf:
    """The `Knowledge` of a test's run. `model` is what new bases are made with."""

    def __init__(self, model: str = "an-embedder") -> None:
        self.model = model
        self.bases: dict[str, Base] = {}
        self.chunks: dict[str, list[Chunk]] = {}

    async def base(self, name: str) -> Base | None:
        return self.bases.get(name)

    async def lacking(self, name: str, digests: Sequence[str]) -> Collection[str]:
        return set(digests) - {chunk.digest for chunk in self.chunks.get(name, ())}

    async def add(self, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
        dimensions = len(chunks[0].vector) // 4
        base = self.bases.get(name) or Base(f"id of {name}", name, embedding, dimensions, 0, 0, 0)
        if base.embedding != embedding:
            raise OtherEmbedding(name, base.embedding, embedding)
        held = self.chunks.setdefault(name, [])
        held += [chunk for chunk in chunks if chunk.digest not in {one.digest for one in held}]
        self.bases[name] = replace(base, revision=base.revision + 1, chunks=len(held))
        return self.bases[name]

    async def search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> Sequence[Found]:
        held = [chunk for chunk in self.chunks[base.name] if has_wanted(chunk.metadata, wanted)]
        found = [Found(one.digest, one.text, one.metadata, one.vector, _score(one, question)) for one in held]
        return sorted(found, key=lambda one: -(one.score or 0.0))[:count]


def _score(chunk: Chunk, question: Vector | None) -> float | None:
    if question is None:
        return None
    return sum(one * other for one, other in zip(numbers_of(chunk.vector), numbers_of(question), strict=True))
