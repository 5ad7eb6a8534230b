"""The knowledge bases that one run may search, and add to."""

from collections.abc import Collection, Sequence

from actors.journal import interrupting
from flows.blocking import in_own_thread
from flows.knowledge import Base, Chunk, Found, KnowledgeRefused, Vector, Wanted
from storage import knowledge
from storage.claiming import Claimed
from storage.database import Database
from storage.knowledge_index import Indexes
from storage.levels import Trust


class RunKnowledge:
    """The `Knowledge` of a run: the bases of its user, in flows of their own, for whoever owns a flow decides where it
    sends what it finds. A run for one of the people behind a user's key searches them, and adds nothing that the others
    would find (I9)."""

    def __init__(self, database: Database, indexes: Indexes, claimed: Claimed, model: str) -> None:
        self._database = database
        self._indexes = indexes
        self._model = model
        self._has_end_user = claimed.end_user is not None
        may_use = claimed.trust is not Trust.PUBLIC and claimed.runner.owns_flow
        self._user_id = claimed.user_id if may_use else None

    @property
    def model(self) -> str:
        return self._model

    async def base(self, name: str) -> Base | None:
        return await in_own_thread(self._find, name)

    async def lacking(self, name: str, digests: Sequence[str]) -> Collection[str]:
        return await in_own_thread(self._lacking, name, digests)

    async def add(self, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
        return await in_own_thread(self._add, name, embedding, chunks)

    async def search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> Sequence[Found]:
        return await in_own_thread(self._search, base, question, wanted, count)

    def _find(self, name: str) -> Base | None:
        if self._user_id is None:
            return None
        with interrupting():
            return knowledge.find_base(self._database, self._user_id, name)

    def _lacking(self, name: str, digests: Sequence[str]) -> Collection[str]:
        self._owner()
        base = self._find(name)
        if base is None:
            return digests
        with interrupting():
            return set(digests) - knowledge.held(self._database, base.id, digests)

    def _add(self, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
        user_id = self._owner()
        with interrupting():
            return knowledge.add(self._database, user_id, name, embedding, chunks)

    def _owner(self) -> str:
        """To whose bases it may add. Raises `KnowledgeRefused`."""
        if self._user_id is None:
            raise KnowledgeRefused("A run adds to the knowledge bases of its user, in flows of their own only.")
        if self._has_end_user:
            raise KnowledgeRefused("A run for one of the people behind a key adds to no knowledge base: all would see.")
        return self._user_id

    def _search(self, base: Base, question: Vector | None, wanted: Wanted, count: int) -> Sequence[Found]:
        with interrupting():
            return self._indexes.search(base, question, wanted, count)
