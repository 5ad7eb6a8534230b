"""What happens in a run, decided before it begins: a pure function of the seed and the size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from storage.states import Mode
from tests.chaos.flows import FlowKind

LEASE_SECONDS = 3.0
HEARTBEAT_SECONDS = 1.0
SWEEP_SECONDS = 1.0
MAX_ATTEMPTS = 5
RECOVERY_SECONDS = LEASE_SECONDS + 5
"""Within how long the next pass of a job whose worker was killed begins: the promise."""
REST_SECONDS = RECOVERY_SECONDS
"""How long nothing happens after a single fault, so that what it alone costs can be measured."""
SHORT_REST_SECONDS = 2.0
"""How long nothing happens after several faults at once."""
FIRST_AT = 1.5


class SetUp(StrEnum):
    """How Penstock is deployed."""

    EMBEDDED = "embedded"
    SCALED = "scaled"


class FaultKind(StrEnum):
    """What is done to Penstock and to what it stands on. A worker of the embedded set-up is its one process."""

    KILL_WORKER = "worker killed (kill -9)"
    FREEZE_WORKER = "worker frozen for longer than its lease"
    DEPLOY_WORKER = "worker deployed (SIGTERM)"
    KILL_WEB = "web process killed (kill -9)"
    DEPLOY_WEB = "web process deployed (SIGTERM)"
    BOUNCE_REDIS = "Redis killed and restarted"
    FLUSH_REDIS = "Redis emptied (FLUSHALL)"
    FREEZE_REDIS = "Redis frozen"
    SWALLOW_REDIS = "replies of Redis swallowed"
    BOUNCE_DATABASE = "PostgreSQL killed and restarted"
    CUT_DATABASE = "all connections to PostgreSQL terminated"
    SWALLOW_DATABASE = "replies of PostgreSQL swallowed"
    LOCK_JOBS = "jobs locked for writing"


WORKERS = {SetUp.EMBEDDED: ("web",), SetUp.SCALED: ("worker-1", "worker-2", "worker-3")}
WEBS = {SetUp.EMBEDDED: ("web",), SetUp.SCALED: ("web-1", "web-2")}
REDIS, DATABASE = "redis", "database"

TARGETS: Mapping[SetUp, Mapping[FaultKind, Sequence[str]]] = {
    SetUp.EMBEDDED: {
        FaultKind.KILL_WORKER: WORKERS[SetUp.EMBEDDED],
        FaultKind.FREEZE_WORKER: WORKERS[SetUp.EMBEDDED],
        FaultKind.DEPLOY_WORKER: WORKERS[SetUp.EMBEDDED],
        FaultKind.LOCK_JOBS: (DATABASE,),
    },
    SetUp.SCALED: {
        FaultKind.KILL_WORKER: WORKERS[SetUp.SCALED],
        FaultKind.FREEZE_WORKER: WORKERS[SetUp.SCALED],
        FaultKind.DEPLOY_WORKER: WORKERS[SetUp.SCALED],
        FaultKind.KILL_WEB: WEBS[SetUp.SCALED],
        FaultKind.DEPLOY_WEB: WEBS[SetUp.SCALED],
        FaultKind.BOUNCE_REDIS: (REDIS,),
        FaultKind.FLUSH_REDIS: (REDIS,),
        FaultKind.FREEZE_REDIS: (REDIS,),
        FaultKind.SWALLOW_REDIS: (REDIS,),
        FaultKind.BOUNCE_DATABASE: (DATABASE,),
        FaultKind.CUT_DATABASE: (DATABASE,),
        FaultKind.SWALLOW_DATABASE: (DATABASE,),
        FaultKind.LOCK_JOBS: (DATABASE,),
    },
}
"""The faults of each set-up, and what each may be done to."""

_LASTS: Mapping[FaultKind, tuple[float, float]] = {
    FaultKind.KILL_WORKER: (0.5, 3),
    FaultKind.FREEZE_WORKER: (1.1 * LEASE_SECONDS, 2.3 * LEASE_SECONDS),
    FaultKind.DEPLOY_WORKER: (0, 1),
    FaultKind.KILL_WEB: (0.5, 2),
    FaultKind.DEPLOY_WEB: (0, 1),
    FaultKind.BOUNCE_REDIS: (1, 5),
    FaultKind.FLUSH_REDIS: (0, 0),
    FaultKind.FREEZE_REDIS: (2, 5),
    FaultKind.SWALLOW_REDIS: (2, 4),
    FaultKind.BOUNCE_DATABASE: (0.5, 3),
    FaultKind.CUT_DATABASE: (0, 0),
    FaultKind.SWALLOW_DATABASE: (2, 4),
    FaultKind.LOCK_JOBS: (1, 7),
}
_HOW_OFTEN: Mapping[FlowKind, int] = {
    FlowKind.CHAIN: 1,
    FlowKind.FAN: 1,
    FlowKind.ROUTER: 1,
    FlowKind.MODEL: 2,
    FlowKind.STEPS: 2,
    FlowKind.LONG_STEPS: 3,
    FlowKind.WIDE_STEPS: 2,
    FlowKind.ONCE_STEPS: 3,
    FlowKind.ASKING: 3,
    FlowKind.ASKING_MANY: 2,
}
"""Flows that last come more often: they are what faults hit."""
_AS_OFTEN: Mapping[FaultKind, int] = {FaultKind.KILL_WORKER: 2, FaultKind.FREEZE_WORKER: 2}
"""Faults that come more often than others in the same time."""
MEASURED = (FaultKind.KILL_WORKER, FaultKind.FREEZE_WORKER, FaultKind.DEPLOY_WORKER)
"""Faults after which it is measured how soon jobs go on."""
LATEST_DECISION = 3.0
"""Seconds after which a human request is decided at the latest."""
LONG_LOCK_SECONDS = 11.5
"""Longer than any writer waits for its turn."""


@dataclass(frozen=True)
class PlannedJob:
    """One run that clients ask for: with a key `copies` times at once, and again after a lost answer."""

    number: int
    at: float
    flow: FlowKind
    mode: Mode
    key: str | None
    copies: int
    watchers: int
    stop_after: float | None
    """Seconds from its acceptance until it is stopped; None for a run that is left alone."""
    stops: int
    """How often it is stopped at once."""
    pause_after: float | None
    """Seconds from its acceptance until it is paused; None for a run that is not."""
    paused_seconds: float
    """How long it is paused."""


@dataclass(frozen=True)
class PlannedDecision:
    """What is decided on one human request, so many seconds after it is known: by one client for each action, by all of
    them at once."""

    after: float
    actions: tuple[str, ...]


@dataclass(frozen=True)
class PlannedFault:
    """One fault: when it begins within its group, what it is done to, how long it lasts without what coming back
    takes."""

    after: float
    kind: FaultKind
    target: str
    seconds: float


@dataclass(frozen=True)
class FaultGroup:
    """Faults that may overlap, and how long nothing is done when all that they hit stands again."""

    faults: tuple[PlannedFault, ...]
    rest: float

    @property
    def seconds(self) -> float:
        """How long it takes at least, the rest included."""
        return max(fault.after + fault.seconds for fault in self.faults) + self.rest


@dataclass(frozen=True)
class Plan:
    """A whole run; times are seconds. Groups of faults follow each other, for as long as jobs are asked for."""

    seed: int
    set_up: SetUp
    seconds: float
    jobs: tuple[PlannedJob, ...]
    groups: tuple[FaultGroup, ...]

    @property
    def faults(self) -> list[PlannedFault]:
        return [fault for group in self.groups for fault in group.faults]

    def decision(self, number: int, vertex_id: str, choices: Sequence[str]) -> PlannedDecision:
        """What is decided on every request of a vertex of a planned job, which offers these choices."""
        at_random = Random(f"{self.seed} {self.set_up} {number} {vertex_id}")
        wanted, clients = at_random.choice(choices), at_random.randint(1, 4)
        others = (at_random.choice((wanted, at_random.choice(choices))) for _ in range(clients - 1))
        return PlannedDecision(at_random.choice((0.0, at_random.uniform(0, LATEST_DECISION))), (wanted, *others))


def make_plan(seed: int, set_up: SetUp, jobs: int, seconds: float) -> Plan:
    """The run of a seed: so many jobs, and as many groups of faults as fit into so many seconds."""
    at_random = Random(f"{seed} {set_up} jobs")
    times = sorted(at_random.uniform(0, seconds) for _ in range(jobs))
    planned = tuple(_job(number, at, at_random) for number, at in enumerate(times, 1))
    groups = tuple(_groups(Random(f"{seed} {set_up} faults"), set_up, seconds))
    return Plan(seed, set_up, seconds, planned, groups)


def _job(number: int, at: float, at_random: Random) -> PlannedJob:
    mode = at_random.choices((Mode.BACKGROUND, Mode.STREAM, Mode.SYNC), (6, 2, 2))[0]
    key = f"key-{number}" if at_random.random() < 0.6 else None
    stopped = mode is not Mode.SYNC and at_random.random() < 0.2
    paused = mode is not Mode.SYNC and at_random.random() < 0.2
    return PlannedJob(
        number=number,
        at=at,
        flow=at_random.choices(list(_HOW_OFTEN), list(_HOW_OFTEN.values()))[0],
        mode=mode,
        key=key,
        copies=at_random.choice((1, 1, 2, 3)) if key else 1,
        watchers=at_random.choice((1, 2, 3)),
        stop_after=at_random.uniform(0.05, 3) if stopped else None,
        stops=at_random.choice((1, 2)),
        pause_after=at_random.uniform(0.05, 1) if paused else None,
        paused_seconds=at_random.uniform(0.5, 4),
    )


def _groups(at_random: Random, set_up: SetUp, seconds: float) -> Iterator[FaultGroup]:
    """As many groups as there is time for; in a short run with shorter rests."""
    dealt = _dealt(at_random, [kind for kind in TARGETS[set_up] for _ in range(_AS_OFTEN.get(kind, 1))])
    at = FIRST_AT
    while at < seconds:
        faults = tuple(_group(next(dealt), set_up, at_random))
        rest = REST_SECONDS if len(faults) == 1 else SHORT_REST_SECONDS
        group = FaultGroup(faults, rest * min(1.0, seconds / 60))
        yield group
        at += group.seconds


def _dealt(at_random: Random, kinds: Sequence[FaultKind]) -> Iterator[Sequence[FaultKind]]:
    """Groups of one to three kinds, again and again: each kind as often as it stands there before all come again. What
    is measured comes alone as well."""
    while True:
        shuffled = at_random.sample(kinds, len(kinds))
        groups = [[kind] for kind in MEASURED]
        while shuffled:
            size = at_random.choices((1, 2, 3), (4, 4, 2))[0]
            groups.append(shuffled[:size])
            del shuffled[:size]
        yield from at_random.sample(groups, len(groups))


def _group(kinds: Sequence[FaultKind], set_up: SetUp, at_random: Random) -> Iterator[PlannedFault]:
    """Faults that begin at about the same time, each done to something else."""
    hit: set[str] = set()
    for index, kind in enumerate(kinds):
        fault = _fault(at_random.uniform(0, 1.5) * index, kind, set_up, at_random)
        if fault.target not in hit:
            hit.add(fault.target)
            yield fault


def _fault(after: float, kind: FaultKind, set_up: SetUp, at_random: Random) -> PlannedFault:
    seconds = at_random.uniform(*_LASTS[kind])
    if kind is FaultKind.LOCK_JOBS and at_random.random() < 0.15:
        seconds = LONG_LOCK_SECONDS
    return PlannedFault(after, kind, at_random.choice(TARGETS[set_up][kind]), seconds)
