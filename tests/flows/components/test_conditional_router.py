"""ConditionalRouter (If-Else): one of two branches is taken."""

import pytest

from flows.errors import VertexFailed
from flows.values import Data, Message, Value
from tests.flows.components.producing import produce
from tests.making import node

HOLDS = [
    ("equals", "yes", "yes", True),
    ("equals", "yes", "Yes", False),
    ("equals", "", "", True),
    ("not equals", "yes", "no", True),
    ("not equals", "yes", "yes", False),
    ("contains", "say yes now", "yes", True),
    ("contains", "say", "yes", False),
    ("starts with", "yes please", "yes", True),
    ("starts with", "oh yes", "yes", False),
    ("ends with", "oh yes", "yes", True),
    ("ends with", "yes please", "yes", False),
    ("regex", "order 66", r"order \d+", True),
    ("regex", "an order 66", r"order \d+", False),
    ("less than", "2", "10", True),
    ("less than", "2", "2", False),
    ("less than or equal", "2", "2.0", True),
    ("less than or equal", "3", "2", False),
    ("greater than", "10", "9", True),
    ("greater than", "9", "9", False),
    ("greater than or equal", "9", "9", True),
    ("greater than or equal", "1e2", "99", True),
    ("greater than", "many", "9", False),
    ("less than", "many", "9", False),
    ("less than or equal", "9", "", False),
]


@pytest.mark.parametrize(("operator", "text", "match", "holds"), HOLDS)
def test_the_operator_decides_which_branch_is_taken(operator: str, text: str, match: str, holds: bool) -> None:
    """A text that is no number meets no numeric condition."""
    router = node("ConditionalRouter", "r", operator=operator, match_text=match)
    expected = "true_result" if holds else "false_result"
    assert produce(router, input_text=Message(text)).outputs("r") == {expected: Message(text)}


@pytest.mark.parametrize("operator", ["equals", "contains", "starts with", "ends with"])
def test_case_counts_only_where_the_field_says_so(operator: str) -> None:
    for case_sensitive, taken in ((True, "false_result"), (False, "true_result")):
        router = node("ConditionalRouter", "r", operator=operator, match_text="yes", case_sensitive=case_sensitive)
        assert list(produce(router, input_text="YES").outputs("r")) == [taken]


@pytest.mark.parametrize(("given", "taken"), [("yes", "true_result"), ("no", "false_result")])
def test_a_branch_may_have_a_message_of_its_own(given: str, taken: str) -> None:
    router = node("ConditionalRouter", "r", match_text="yes", true_case_message="Good.", false_case_message="Bad.")
    own = {"true_result": "Good.", "false_result": "Bad."}[taken]
    assert produce(router, input_text=given).outputs("r") == {taken: Message(own)}


def test_a_message_goes_down_its_branch_as_it_came() -> None:
    message = Message("yes", sender="User", session_id="other", files=("a.png",))
    assert produce(node("ConditionalRouter", "r", match_text="yes"), input_text=message).outputs("r") == {
        "true_result": message
    }


@pytest.mark.parametrize("value", ["yes", Data({"text": "yes"})])
def test_any_value_is_compared_by_its_text(value: Value) -> None:
    assert produce(node("ConditionalRouter", "r", match_text="yes"), input_text=value).outputs("r") == {
        "true_result": Message("yes")
    }


def test_an_unknown_operator_fails_and_the_known_ones_are_named() -> None:
    with pytest.raises(VertexFailed) as caught:
        produce(node("ConditionalRouter", "r", operator="resembles"), input_text="x")
    assert caught.value.reason == (
        "unknown operator 'resembles'; use one of equals, not equals, contains, starts with, ends with, less than, "
        "less than or equal, greater than, greater than or equal, regex"
    )


def test_a_pattern_that_is_none_fails() -> None:
    with pytest.raises(VertexFailed, match="the pattern '\\(' is not a regular expression: missing \\)"):
        produce(node("ConditionalRouter", "r", operator="regex", match_text="("), input_text="x")


def test_a_pattern_that_takes_for_ever_fails_its_vertex() -> None:
    """A pattern made to backtrack without end costs a second, not the process."""
    with pytest.raises(VertexFailed, match="takes too long"):
        produce(node("ConditionalRouter", "r", operator="regex", match_text="(a|aa)+$"), input_text="a" * 60 + "!")
