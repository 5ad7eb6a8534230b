"""What has been asked for the vertices of a job so far, and decided."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flows.human import Decision, HumanRequest, NeedsDecision, RequestKind


@dataclass(frozen=True)
class Asked:
    """One human request as it stands; it is open while it has no decision."""

    request_id: str
    vertex_id: str
    visit: int
    kind: RequestKind
    digest: str
    decision: Decision | None
    is_applied: bool = False
    """Whether the vertex has gone on from the decision."""


class Dialogue:
    """What one visit of a vertex asks, in order. A decision answers one request, and no other that is like it (B7)."""

    def __init__(self, asked: Iterable[Asked]) -> None:
        self._unread = list(asked)

    def decision_on(self, request: HumanRequest) -> Decision:
        """The decision on exactly this request. Raises `NeedsDecision` when there is none yet."""
        digest = request.digest
        for asked in self._unread:
            if asked.digest == digest and asked.decision is not None:
                self._unread.remove(asked)
                return asked.decision
        raise NeedsDecision(request)


class Dialogues:
    """All requests of a job, kept up to date while a pass runs."""

    def __init__(self, asked: Iterable[Asked] = ()) -> None:
        self._asked: dict[str, Asked] = {}
        self.update(asked)

    def update(self, asked: Iterable[Asked]) -> None:
        """Takes requests as they stand now."""
        self._asked |= {one.request_id: one for one in asked}

    def apply(self, request_ids: Iterable[str]) -> None:
        """Takes note that the vertex of some requests has gone on from the decisions."""
        self.update(replace(self._asked[id], is_applied=True) for id in request_ids)

    def of(self, vertex_id: str, visit: int) -> list[Asked]:
        """The requests of one visit of a vertex, in the order in which they were asked."""
        return [one for one in self._asked.values() if (one.vertex_id, one.visit) == (vertex_id, visit)]

    def told_of_effect(self, vertex_id: str) -> Decision | None:
        """What somebody told about a vertex of which nobody knew whether it had taken effect."""
        for one in self._asked.values():
            is_meant = one.vertex_id == vertex_id and one.kind is RequestKind.UNCERTAIN_EFFECT
            if is_meant and not one.is_applied and one.decision is not None:
                return one.decision
        return None

    def is_open(self, vertex_id: str) -> bool:
        """Whether somebody still has to decide before the vertex can go on."""
        return any(one.vertex_id == vertex_id and one.decision is None for one in self._asked.values())

    @property
    def open(self) -> list[str]:
        """The ids of the requests that wait for a decision."""
        return [one.request_id for one in self._asked.values() if one.decision is None]

    @property
    def unapplied(self) -> Mapping[str, list[str]]:
        """The ids of the requests, by vertex, that are decided and from which the vertex has not gone on."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self._asked.values():
            if one.decision is not None and not one.is_applied:
                found[one.vertex_id].append(one.request_id)
        return found

    def next_id(self, vertex_id: str, job_id: str, request: HumanRequest) -> str:
        """The id of the next request of a vertex: `vertex:job` as the contract has it, and from the second on with
        its number and a piece of its digest, so that no answer can meet another request (B4)."""
        earlier = sum(one.vertex_id == vertex_id for one in self._asked.values())
        if earlier == 0 and request.kind is RequestKind.NODE_INPUT:
            return f"{vertex_id}:{job_id}"
        return f"{vertex_id}:{job_id}:{earlier + 1}-{request.digest[:8]}"
