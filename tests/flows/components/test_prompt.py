"""Prompt: a template whose variables are fields of their own."""

import pytest

from flows.values import Data, Message, Value
from tests.flows.components.producing import produce
from tests.making import node


@pytest.mark.parametrize(
    ("template", "double", "text"),
    [
        ("Hi {name}!", False, "Hi Ada!"),
        ("{name}{name}", False, "AdaAda"),
        ("Hi { name }!", False, "Hi Ada!"),
        ("Hi {nobody}!", False, "Hi !"),
        ("Hi {{name}}!", False, "Hi {name}!"),
        ("{{{name}}}", False, "{Ada}"),
        ('{{"a": 1}}', False, '{"a": 1}'),
        ("a } or { alone", False, "a } or { alone"),
        ("", False, ""),
        ("Hi {{name}}!", True, "Hi Ada!"),
        ("Hi {name}!", True, "Hi {name}!"),
        ("Hi {{ nobody }}!", True, "Hi !"),
    ],
)
def test_variables_are_filled_and_braces_kept(template: str, double: bool, text: str) -> None:
    prompt = node("Prompt", "p", template=template, use_double_brackets=double, name="Ada")
    assert produce(prompt).outputs("p") == {"prompt": Message(text)}


@pytest.mark.parametrize(
    ("value", "text"), [(Message("Ada"), "Ada"), (Data({"text": "Ada"}), "Ada"), ({"n": 1}, '{"n":1}'), (None, "")]
)
def test_a_variable_takes_any_value_from_an_edge(value: Value, text: str) -> None:
    prompt = node("Prompt", "p", template="Hi {name}", name="nobody")
    assert produce(prompt, name=value).outputs("p") == {"prompt": Message(f"Hi {text}")}


def test_a_value_that_looks_like_a_variable_is_not_filled_again() -> None:
    prompt = node("Prompt", "p", template="{first}", first="{second}", second="x")
    assert produce(prompt).outputs("p") == {"prompt": Message("{second}")}


def test_the_older_type_name_is_the_same_component() -> None:
    prompt = node("Prompt", "p", template="Hi")
    prompt["data"]["type"] = "Prompt Template"
    assert produce(prompt).outputs("p") == {"prompt": Message("Hi")}
