"""What has been asked for the vertices of a job so far, and decided."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
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
    """All requests of a job, kept up to date while a pass runs. What a vertex asks costs the same however many requests
    there were before."""

    def __init__(self, asked: Iterable[Asked] = ()) -> None:
        self._asked: dict[str, Asked] = {}
        self._visits: dict[tuple[str, int], list[str]] = defaultdict(list)
        """The ids of the requests of each visit, in the order in which they were asked."""
        self._counts: Counter[str] = Counter()
        """How many each vertex has asked."""
        self._open: dict[str, dict[str, None]] = defaultdict(dict)
        self._unapplied: dict[str, dict[str, None]] = defaultdict(dict)
        """The ids by vertex of those that wait for a decision, and of those that wait for their vertex to go on."""
        self.update(asked)

    def update(self, asked: Iterable[Asked]) -> None:
        """Takes requests as they stand now."""
        for one in asked:
            if one.request_id not in self._asked:
                self._visits[one.vertex_id, one.visit].append(one.request_id)
                self._counts[one.vertex_id] += 1
            self._asked[one.request_id] = one
            _mark(self._open[one.vertex_id], one.request_id, one.decision is None)
            _mark(self._unapplied[one.vertex_id], one.request_id, one.decision is not None and not one.is_applied)

    def apply(self, request_ids: Iterable[str]) -> None:
        """Takes note that the vertex of some requests has gone on from the decisions."""
        self.update([replace(self._asked[id], is_applied=True) for id in request_ids])

    def of(self, vertex_id: str, visit: int) -> list[Asked]:
        """The requests of one visit of a vertex, in the order in which they were asked."""
        return [self._asked[id] for id in self._visits.get((vertex_id, visit), ())]

    def told_of_effect(self, vertex_id: str, question: Callable[[], HumanRequest]) -> Decision | None:
        """What somebody told about a vertex of which nobody knew whether it had taken effect, when asked this
        `question`: a vertex may ask the like of what it has called."""
        for id in self.unapplied_of(vertex_id):
            one = self._asked[id]
            if one.kind is RequestKind.UNCERTAIN_EFFECT and one.digest == question().digest:
                return one.decision
        return None

    def is_open(self, vertex_id: str) -> bool:
        """Whether somebody still has to decide before the vertex can go on."""
        return bool(self._open.get(vertex_id))

    def is_asked(self, vertex_id: str, visit: int, request: HumanRequest) -> bool:
        """Whether somebody has exactly this still to decide."""
        return any(one.decision is None and one.digest == request.digest for one in self.of(vertex_id, visit))

    def open_inside(self, vertex_id: str) -> frozenset[str]:
        """The ids of the open requests of the vertices inside a vertex."""
        inside = f"{vertex_id}/"
        return frozenset(id for asker, ids in self._open.items() if asker.startswith(inside) for id in ids)

    def news_for(self, vertex_id: str) -> frozenset[str]:
        """The ids of the requests that are decided and from which a vertex, or one inside it, has not gone on."""
        inside = f"{vertex_id}/"
        askers = [asker for asker in self._unapplied if asker == vertex_id or asker.startswith(inside)]
        return frozenset(id for asker in askers for id in self._unapplied[asker])

    @property
    def all_unapplied(self) -> list[str]:
        """The ids of all requests that are decided and from which their vertex has not gone on."""
        return [id for ids in self._unapplied.values() for id in ids]

    @property
    def asked(self) -> list[Asked]:
        """All of them, in the order in which they were asked."""
        return list(self._asked.values())

    @property
    def open(self) -> list[str]:
        """The ids of the requests that wait for a decision."""
        return [id for ids in self._open.values() for id in ids]

    def unapplied_of(self, vertex_id: str) -> list[str]:
        """The ids of the requests that are decided and from which the vertex has not gone on."""
        return list(self._unapplied.get(vertex_id, ()))

    @property
    def unapplied(self) -> int:
        """How many requests are decided from which their vertex has not gone on."""
        return sum(len(ids) for ids in self._unapplied.values())

    def next_id(self, vertex_id: str, job_id: str, request: HumanRequest) -> str:
        """The id of the next request of a vertex: `vertex:job` as the contract has it, and from the second on with
        its number and a piece of its digest, so that no answer can meet another request (B4)."""
        earlier = self._counts[vertex_id]
        if earlier == 0 and request.kind is RequestKind.NODE_INPUT:
            return f"{vertex_id}:{job_id}"
        return f"{vertex_id}:{job_id}:{earlier + 1}-{request.digest[:8]}"


def _mark(ids: dict[str, None], id: str, belongs: bool) -> None:
    if belongs:
        ids[id] = None
    else:
        ids.pop(id, None)
