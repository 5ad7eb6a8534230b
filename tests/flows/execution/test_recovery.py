"""flows/execution/recovery.py: what is told when a pass goes on where an earlier one was cut off."""

from collections.abc import Mapping, Sequence

import pytest

from flows.events import remove_message, run_recovered
from flows.execution.recovery import abandoned_messages, recovery_events


def test_messages_go_before_the_vertices_that_show_them_again_are_named() -> None:
    assert recovery_events(["b", "c"], 3, ["m2", "m1"]) == [
        remove_message("m2"),
        remove_message("m1"),
        run_recovered(["b", "c"], 3),
    ]


def test_a_recovery_names_its_vertices_and_its_attempt() -> None:
    [event] = recovery_events(["b", "c"], 2, [])
    assert event.data == {"vertices": ["b", "c"], "attempt": 2}
    assert not event.terminal


@pytest.mark.parametrize(
    ("open_messages", "finished", "abandoned"),
    [
        ({}, ["a"], []),
        ({"m1": "a"}, [], ["m1"]),
        ({"m1": "a"}, ["a"], []),
        ({"m1": "a", "m2": "b", "m3": "c"}, ["b"], ["m1", "m3"]),
    ],
)
def test_only_what_nobody_will_go_on_filling_is_abandoned(
    open_messages: Mapping[str, str], finished: Sequence[str], abandoned: Sequence[str]
) -> None:
    """A message whose vertex finished is whole: whoever shows it completes it under the same id."""
    assert abandoned_messages(open_messages, finished) == abandoned
