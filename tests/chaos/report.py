"""What a run is told in: figures, and what did not hold."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from flows.component import Effect
from tests.chaos import measures
from tests.chaos.evidence import Evidence
from tests.chaos.history import Purpose
from tests.chaos.invariants import effects
from tests.chaos.invariants.violation import Violation
from tests.chaos.measures import Resumed, spread
from tests.chaos.plan import LEASE_SECONDS, FaultKind

LOSSES = "I11"


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    name: str
    value: str


@dataclass(frozen=True)
class Report:
    """The figures of one run, and every violation."""

    title: str
    figures: Sequence[Figure]
    violations: Sequence[Violation]

    @property
    def exit_code(self) -> int:
        return 1 if self.violations else 0


def report(evidence: Evidence, violations: Sequence[Violation]) -> Report:
    """The report of a run that was judged."""
    moments = evidence.moments
    figures = [
        *_jobs(evidence),
        *_clients(evidence),
        *_faults(evidence),
        *_times(evidence),
        *_effects(evidence),
        Figure("losses (jobs, milestones)", str(sum(violation.invariant == LOSSES for violation in violations))),
        Figure("violations", str(len(violations))),
        Figure("duration", f"{moments.over_at - moments.began_at:.0f} s"),
    ]
    return Report(f"{moments.set_up}, seed {moments.seed}", figures, violations)


def table(found: Report) -> Table:
    """The figures for a terminal."""
    shown = Table(title=found.title, title_justify="left")
    shown.add_column("figure", no_wrap=True)
    shown.add_column("value", justify="right", no_wrap=True)
    for figure in found.figures:
        shown.add_row(figure.name, figure.value)
    return shown


def markdown(found: Report) -> str:
    """The figures for a page, and the violations."""
    rows = [f"| {figure.name} | {figure.value} |" for figure in found.figures]
    broken = [f"- {violation}" for violation in found.violations]
    return "\n".join([f"### {found.title}", "", "| figure | value |", "|---|---:|", *rows, "", *broken])


def _jobs(evidence: Evidence) -> Iterator[Figure]:
    acknowledged = {call.job_id for call in evidence.accepted}
    states = Counter(job.status for job in evidence.contents.jobs)
    yield Figure("jobs", str(len(evidence.contents.jobs)))
    yield Figure("jobs no client heard of (answer lost)", str(len(evidence.jobs.keys() - acknowledged)))
    for state, count in states.most_common():
        yield Figure(f"jobs {state}", str(count))


def _clients(evidence: Evidence) -> Iterator[Figure]:
    submits = [call for call in evidence.calls if call.purpose is Purpose.SUBMIT]
    yield Figure("requests", str(len(evidence.calls)))
    yield Figure("requests without an answer", str(sum(call.status is None for call in evidence.calls)))
    yield Figure("requests answered 503", str(sum(call.status == 503 for call in evidence.calls)))
    yield Figure("submits", str(len(submits)))
    decisions = [call for calls in evidence.decisions.values() for call in calls]
    accepted, refused = (sum(call.status == status for call in decisions) for status in (200, 409))
    yield Figure("jobs paused for a while", str(len(evidence.pauses)))
    yield Figure("human requests", str(len(evidence.contents.requests)))
    yield Figure("decisions accepted, and refused", f"{accepted}, {refused}")
    yield Figure("events seen by clients", str(sum(len(frames) for frames in evidence.watched.values())))
    connections = sum(frames[-1].connection for frames in evidence.watched.values())
    yield Figure("watchers, and connections they needed", f"{len(evidence.watched)}, {connections}")


def _faults(evidence: Evidence) -> Iterator[Figure]:
    kinds = Counter(fault.kind for fault in evidence.faults)
    yield Figure("faults", str(len(evidence.faults)))
    for kind in FaultKind:
        if kinds[kind]:
            yield Figure(kind, str(kinds[kind]))
    yield Figure("programs that ended by themselves", str(len(evidence.deaths)))


def _times(evidence: Evidence) -> Iterator[Figure]:
    killed = measures.recoveries(evidence)
    yield Figure("lease", f"{LEASE_SECONDS:g} s")
    yield from _spreads("next pass after kill -9", killed)
    yield from _spreads("next pass after SIGTERM", measures.hand_ons(evidence))
    yield from _spreads("next pass after a freeze", measures.recoveries(evidence, FaultKind.FREEZE_WORKER))
    yield Figure("all ended after the last fault", f"{measures.settling_seconds(evidence):.1f} s")


def _spreads(name: str, resumed: Sequence[Resumed]) -> Iterator[Figure]:
    alone = [one for one in resumed if one.is_alone]
    for which, some in (
        (name, alone),
        (f"{name}, not alone", [one for one in resumed if not one.is_alone]),
    ):
        if found := spread([one.seconds for one in some]):
            yield Figure(which, f"{found.count}: p50 {found.median:.2f} s, max {found.worst:.2f} s")


def _effects(evidence: Evidence) -> Iterator[Figure]:
    begins = Counter(line.effect for line in evidence.begins)
    for effect in Effect:
        duplicates = measures.repeated(evidence, effect)
        yield Figure(f"vertices begun, and duplicates: {effect}", f"{begins[effect]}, {duplicates}")
    yield Figure("begun late, let through before a freeze", str(effects.excused(evidence)))
    yield Figure("last begin of a vertex after a stop", f"{measures.latest_begin_after_a_stop(evidence):.2f} s")
