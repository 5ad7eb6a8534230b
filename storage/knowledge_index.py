"""What a process keeps in memory of knowledge bases, so that a search reads no vectors from the database."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson

from flows.extras import extra
from flows.knowledge import Base, Found, Vector, Wanted, has_wanted
from storage.database import Database
from storage.knowledge import read_chunks, read_vectors

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

EXTRA = "knowledge"
MAX_HELD = 256_000_000
"""Bytes of all bases in memory together; one that is asked beyond them takes the place of those asked longest ago."""


@dataclass(frozen=True)
class Index:
    """All vectors of a base, a row each, with the number and the metadata of their chunks."""

    numbers: Sequence[int]
    vectors: "NDArray[float32]"
    details: Sequence[str]

    @property
    def size(self) -> int:
        """In bytes, more or less."""
        return self.vectors.nbytes + sum(map(len, self.details)) + 100 * len(self.numbers)

    def nearest(self, question: Vector, wanted: Wanted, count: int) -> list[tuple[int, float]]:
        """The numbers of the chunks nearest to a question, and how near they are; of two alike the earlier one."""
        import numpy

        places = self._places(wanted)
        vectors = self.vectors[places] if wanted else self.vectors
        scores = vectors @ numpy.frombuffer(question, "<f4")
        order = numpy.argsort(-scores, kind="stable")[:count]
        return [(self.numbers[places[one]], float(scores[one])) for one in order]

    def first(self, wanted: Wanted, count: int) -> list[int]:
        """The numbers of the chunks that were added first."""
        return [self.numbers[place] for place in self._places(wanted)[:count]]

    def _places(self, wanted: Wanted) -> Sequence[int]:
        """Price of a filter: the metadata of all chunks are parsed."""
        places = range(len(self.numbers))
        return [one for one in places if has_wanted(orjson.loads(self.details[one]), wanted)] if wanted else places


class Indexes:
    """The indexes of one process, each under the revision of its base: what another process has added is found by the
    next search, which comes with a newer revision. May be used by any thread."""

    def __init__(self, database: Database, max_bytes: int = MAX_HELD) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, tuple[int, Index]] = OrderedDict()
        self._turn, self._loading = Lock(), Lock()

    def search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> list[Found]:
        """The chunks nearest to a question; without one the first. Raises `ExtraMissing`."""
        index = self.index(base)
        if question is None:
            numbers = index.first(wanted, count)
            return list(read_chunks(self._database, base.id, numbers).values())
        nearest = index.nearest(question, wanted, count)
        chunks = read_chunks(self._database, base.id, [number for number, _ in nearest])
        return [replace(chunks[number], score=score) for number, score in nearest if number in chunks]

    def index(self, base: Base) -> Index:
        """The index of a base at its revision or a newer one. One thread loads at a time; others wait for it."""
        found = self._find(base)
        if found is None:
            with self._loading:
                found = self._find(base)
                if found is None:
                    found = _load(self._database, base)
                    self._hold(base, found)
        return found

    def _find(self, base: Base) -> Index | None:
        with self._turn:
            revision, index = self._held.get(base.id, (-1, None))
            if revision < base.revision or index is None:
                return None
            self._held.move_to_end(base.id)
            return index

    def _hold(self, base: Base, index: Index) -> None:
        with self._turn:
            self._held[base.id] = (base.revision, index)
            self._held.move_to_end(base.id)
            held = sum(one.size for _, one in self._held.values())
            while held > self._max_bytes and len(self._held) > 1:
                _, (_, dropped) = self._held.popitem(last=False)
                held -= dropped.size


def _load(database: Database, base: Base) -> Index:
    """Reads what is committed by now, which may be more than the revision of the base says, and is never less."""
    with extra(EXTRA):
        import numpy
    numbers: list[int] = []
    details: list[str] = []
    vectors: Any = numpy.empty((max(base.chunks, 1), base.dimensions), dtype="<f4")
    for number, vector, detail in read_vectors(database, base.id):
        if len(numbers) == len(vectors):
            vectors = numpy.concatenate([vectors, numpy.empty_like(vectors)])
        vectors[len(numbers)] = numpy.frombuffer(vector, "<f4")
        numbers.append(number)
        details.append(detail)
    return Index(numbers, vectors[: len(numbers)], details)
