"""Everything that is known of a run when it is over: what clients saw, what vertices did, what the database holds."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import orjson

from flows.human import RequestKind
from tests.chaos.contents import Contents, EventRow, JobRow, RequestRow, load_contents, write_contents
from tests.chaos.history import Call, DiedAlone, FaultDone, FrameSeen, Purpose, Record, read_history
from tests.chaos.ledger import Line, What, read
from tests.chaos.plan import FaultKind, SetUp

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

HISTORY, LEDGER, CONTENTS, MOMENTS = "history.jsonl", "ledger.jsonl", "contents.json", "moments.json"


@dataclass(frozen=True)
class Moments:
    """When a run began, when its last fault was over, and until when it was watched; seconds since the epoch."""

    seed: int
    set_up: SetUp
    began_at: float
    calm_at: float
    over_at: float


@dataclass(frozen=True)
class Evidence:
    """What the checker judges. The lines of the ledger stand in the order in which they were written."""

    moments: Moments
    history: Sequence[Record]
    ledger: Sequence[Line]
    contents: Contents

    @cached_property
    def calls(self) -> list[Call]:
        return [record for record in self.history if isinstance(record, Call)]

    @cached_property
    def faults(self) -> list[FaultDone]:
        return [record for record in self.history if isinstance(record, FaultDone)]

    @cached_property
    def deaths(self) -> list[DiedAlone]:
        return [record for record in self.history if isinstance(record, DiedAlone)]

    @cached_property
    def watched(self) -> Mapping[tuple[str, str], list[FrameSeen]]:
        """The frames of every watcher of a job, in the order in which they came."""
        frames = [record for record in self.history if isinstance(record, FrameSeen)]
        return grouped(frames, lambda frame: (frame.job_id, frame.watcher))

    @cached_property
    def jobs(self) -> Mapping[str, JobRow]:
        return {job.id: job for job in self.contents.jobs}

    @cached_property
    def events(self) -> Mapping[str, list[EventRow]]:
        return grouped(self.contents.events, lambda event: event.job_id)

    @cached_property
    def begins(self) -> list[Line]:
        return [line for line in self.ledger if line.what is What.BEGIN]

    @cached_property
    def begins_of(self) -> Mapping[str, list[Line]]:
        """The beginnings of all vertices of a job."""
        return grouped(self.begins, lambda line: line.job_id)

    @cached_property
    def visits(self) -> Mapping[tuple[str, str, int], list[Line]]:
        """The beginnings of every visit of every vertex."""
        return grouped(self.begins, lambda line: line.visited)

    @cached_property
    def accepted(self) -> list[Call]:
        """The submits that were answered with a job."""
        return [call for call in self.calls if call.purpose is Purpose.SUBMIT and call.is_accepted]

    @cached_property
    def stopped(self) -> list[Call]:
        """The stops that were answered with success."""
        return [call for call in self.calls if call.purpose is Purpose.STOP and call.is_accepted]

    @cached_property
    def decisions(self) -> Mapping[str, list[Call]]:
        """The decisions that clients sent, by human request."""
        sent = [call for call in self.calls if call.purpose is Purpose.RESUME]
        return grouped(sent, lambda call: str(call.body["request_id"]))

    @cached_property
    def requests_of(self) -> Mapping[str, list[RequestRow]]:
        """The human requests of a job."""
        return grouped(self.contents.requests, lambda request: request.job_id)

    @cached_property
    def ends(self) -> Mapping[tuple[str, str], int]:
        """How often each vertex of each job ended, by the log."""
        ended = (event for event in self.contents.events if event.type == "end_vertex")
        return Counter((event.job_id, str(event.data["build_data"]["id"])) for event in ended)

    @cached_property
    def pauses(self) -> Mapping[str, tuple[float, float]]:
        """When each job was paused: from the answer to that until somebody asked that it goes on."""
        went_on: dict[str, float] = {}
        for call in self.calls:
            if call.purpose is Purpose.GO_ON:
                went_on[str(call.job_id)] = min(call.asked_at, went_on.get(str(call.job_id), call.asked_at))
        paused = (call for call in self.calls if call.purpose is Purpose.PAUSE and call.is_accepted)
        return {str(call.job_id): (call.answered_at, went_on.get(str(call.job_id), math.inf)) for call in paused}

    def told_of_effect(self, job_id: str, vertex_id: str) -> list[str | None]:
        """What people told about a vertex of which nobody knew whether it had taken effect."""
        return [
            request.action
            for request in self.requests_of.get(job_id, ())
            if request.vertex_id == vertex_id and request.kind == RequestKind.UNCERTAIN_EFFECT
        ]

    def was_just_thawed(self, line: Line, seconds: float) -> bool:
        """Whether the program of a line went on after a freeze so shortly before that it may have been under way."""
        return any(
            fault.kind is FaultKind.FREEZE_WORKER
            and fault.group == line.group
            and fault.began_at <= line.at <= fault.ended_at + seconds
            for fault in self.faults
        )


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by key, in their order."""
    found: dict[K, list[T]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return found


def save(folder: Path, evidence: Evidence) -> None:
    """Writes what the history and the ledger do not write themselves."""
    write_contents(folder / CONTENTS, evidence.contents)
    (folder / MOMENTS).write_bytes(orjson.dumps(asdict(evidence.moments)))


def load(folder: Path) -> Evidence:
    """The evidence of a run that was kept."""
    moments = orjson.loads((folder / MOMENTS).read_bytes())
    return Evidence(
        moments=Moments(**{**moments, "set_up": SetUp(moments["set_up"])}),
        history=read_history(folder / HISTORY),
        ledger=read(folder / LEDGER),
        contents=load_contents(folder / CONTENTS),
    )
