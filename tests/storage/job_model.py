"""A job by the rules of the design alone: what the rows of a real one must agree with."""

from dataclasses import dataclass, field

from storage.states import HOLDS_KEY, TERMINAL, Status


@dataclass(frozen=True)
class Row:
    """What may be seen of a job's row. `lease_holds` is None when there is no lease."""

    status: str
    fence: int
    attempts: int
    seq: int
    worker: str | None
    taken_from: str | None
    lease_holds: bool | None
    has_vertex_deadline: bool
    has_secrets: bool
    has_started: bool
    has_finished: bool


@dataclass
class JobModel:
    """The states of one job. Each order tells whether it takes effect, and if so what there is then."""

    status: Status = Status.QUEUED
    fence: int = 0
    attempts: int = 0
    worker: str | None = None
    taken_from: str | None = None
    lease_holds: bool | None = None
    has_started: bool = False
    deadline_is_over: bool = False
    vertex_is_late: bool = False
    events: list[str] = field(default_factory=lambda: ["warning"])
    finished: list[int] = field(default_factory=list)
    """Visits in the order in which they finished."""
    intended: list[int] = field(default_factory=list)

    @property
    def row(self) -> Row:
        is_over = self.status in TERMINAL
        return Row(
            status=self.status,
            fence=self.fence,
            attempts=self.attempts,
            seq=len(self.events),
            worker=self.worker,
            taken_from=self.taken_from,
            lease_holds=self.lease_holds,
            has_vertex_deadline=self.lease_holds is not None,
            has_secrets=not is_over,
            has_started=self.has_started,
            has_finished=is_over,
        )

    @property
    def is_lost(self) -> bool:
        return self.status is Status.IN_PROGRESS and not self.lease_holds

    @property
    def is_overdue(self) -> bool:
        is_to_move = self.status in (Status.QUEUED, Status.IN_PROGRESS)
        return is_to_move and (self.deadline_is_over or self.vertex_is_late)

    @property
    def holds_key(self) -> bool:
        return self.status in HOLDS_KEY

    @property
    def unclear(self) -> list[int]:
        return [visit for visit in self.intended if visit not in self.finished]

    def owns(self, fence: int) -> bool:
        """Whether a pass may write. That its lease has run out takes nothing from it until somebody takes the job."""
        return self.status is Status.IN_PROGRESS and fence == self.fence

    def claim(self, worker: str) -> bool:
        if self.status is not Status.QUEUED:
            return False
        self.status, self.has_started = Status.IN_PROGRESS, True
        self.fence += 1
        self.attempts += 1
        self.taken_from, self.worker = self.worker, worker
        if self.fence == 1:
            self.events.append("build_start")
        self._renew()
        return True

    def announce(self, fence: int, *events: str) -> bool:
        if not self.owns(fence):
            return False
        self.events += events
        self._renew()
        return True

    def intend(self, fence: int, visit: int) -> bool:
        if not self.announce(fence):
            return False
        self.intended.append(visit)
        return True

    def finish_vertex(self, fence: int, visit: int, *events: str) -> bool:
        if not self.announce(fence, *events):
            return False
        self.attempts = 1
        self.finished.append(visit)
        return True

    def end(self, fence: int, status: Status, *events: str) -> bool:
        """The pass brings the job to its end."""
        if not self.announce(fence, *events):
            return False
        self._end(status)
        return True

    def release(self, fence: int, *, cut_off: bool) -> bool:
        if not self.owns(fence):
            return False
        self.status = Status.QUEUED
        self.attempts -= 1
        self.worker = self.worker if cut_off else None
        self._disown()
        return True

    def heartbeat(self, fence: int) -> bool:
        if not self.owns(fence):
            return False
        self.lease_holds = True
        return True

    def requeue(self) -> bool:
        if not self.is_lost:
            return False
        self.status = Status.QUEUED
        self.fence += 1
        self._disown()
        return True

    def give_up(self) -> bool:
        if not self.is_lost:
            return False
        self._end_from_outside(Status.FAILED, "worker_lost")
        return True

    def stop(self) -> bool:
        if self.status in TERMINAL:
            return False
        self._end_from_outside(Status.CANCELLED, "cancelled")
        return True

    def time_out(self) -> bool:
        if not self.is_overdue:
            return False
        self._end_from_outside(Status.TIMED_OUT, "timed_out")
        return True

    def _renew(self) -> None:
        self.lease_holds, self.vertex_is_late = True, False

    def _disown(self) -> None:
        self.lease_holds, self.vertex_is_late = None, False

    def _end(self, status: Status) -> None:
        self.status, self.worker = status, None
        self._disown()

    def _end_from_outside(self, status: Status, event: str) -> None:
        self.fence += 1
        self.events.append(event)
        self._end(status)
