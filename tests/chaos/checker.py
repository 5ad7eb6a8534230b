"""Judges a run that is over: pure functions over its evidence, one for each thing that must hold."""

from collections.abc import Sequence

from tests.chaos.evidence import Evidence
from tests.chaos.invariants import decisions, effects, jobs, logs
from tests.chaos.invariants.violation import Check, Violation
from tests.chaos.measures import recoveries_keep_their_time

DECISIONS: Sequence[Check] = (
    decisions.one_is_accepted,
    decisions.losers_hear_of_the_winner,
    decisions.all_are_told_once,
    decisions.all_are_applied,
    decisions.decided_jobs_go_on,
)
INVARIANTS: Sequence[Check] = (
    jobs.jobs_end,
    jobs.one_terminal_event,
    jobs.ends_stay,
    jobs.failures_have_a_reason,
    logs.results_belong_to_their_pass,
    logs.tokens_belong_to_their_pass,
    logs.frames_are_a_prefix,
    logs.frames_are_the_same,
    logs.watchers_get_everything,
    *DECISIONS,
    effects.vertices_end_once,
    effects.nothing_begins_after_its_end,
    effects.nothing_begins_after_the_job,
    effects.once_begins_once,
    effects.keys_are_kept,
    effects.nothing_begins_after_a_stop,
    effects.nothing_begins_in_a_pause,
    effects.stopped_jobs_stay_stopped,
    logs.nothing_is_missing,
    logs.completed_jobs_are_whole,
    jobs.keys_have_one_job,
    jobs.stops_have_one_effect,
    jobs.answers_are_promised,
)
"""What holds however slow the machine is."""
CHECKS: Sequence[Check] = (*INVARIANTS, recoveries_keep_their_time)


def check(evidence: Evidence, checks: Sequence[Check] = CHECKS) -> list[Violation]:
    """Every violation, in the order of the checks."""
    return [violation for one in checks for violation in one(evidence)]
