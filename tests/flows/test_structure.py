"""The schema table of the editor as a JSON Schema, and records held against it."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flows.structure import SchemaRefused, fitted, json_schema
from flows.values import Table


def row(name: str = "a", type: str = "str", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "description": f"What {name} is", "multiple": "False", **more}


def test_every_row_is_an_entry_that_may_be_null() -> None:
    schema = json_schema([row("a", "int"), row("b", "bool", multiple="True")])
    Draft202012Validator.check_schema(schema)
    assert schema == {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "What a is"},
            "b": {
                "anyOf": [{"type": "array", "items": {"type": "boolean"}}, {"type": "null"}],
                "description": "What b is",
            },
        },
        "required": ["a", "b"],
        "additionalProperties": False,
    }


def test_rows_may_come_as_a_table() -> None:
    table = Table(("name", "type"), (("a", "float"), ("b", None)))
    assert json_schema(table)["properties"].keys() == {"a", "b"}


@pytest.mark.parametrize("multiple", [True, "true", "True", "1", False, "False", "", None])
def test_many_are_said_in_any_of_the_editors_ways(multiple: Any) -> None:
    kind = json_schema([row(multiple=multiple)])["properties"]["a"]["anyOf"][0]["type"]
    assert kind == ("array" if multiple in (True, "true", "True", "1") else "string")


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], "no rows"),
        (None, "no rows"),
        ([row(" ")], "row 1 of the schema has no name"),
        ([row(), row()], "two rows of the schema are called 'a'"),
        ([row(type="date")], "the type 'date' of 'a' is none of str, int"),
        ([row(f"n{number}") for number in range(501)], "more than 500 rows"),
        (["a"], "must be a table"),
        ("a", "must be a table"),
    ],
)
def test_rows_that_describe_nothing_are_refused(rows: Any, fault: str) -> None:
    with pytest.raises(SchemaRefused, match=fault):
        json_schema(rows)


FITTING: dict[str, Any] = {"str": "x", "int": 1, "float": 1.5, "bool": True, "dict": {"x": 1}, "list": [1]}


@pytest.mark.parametrize("type", FITTING)
def test_each_type_takes_its_own_values_and_null_and_no_others(type: str) -> None:
    """A whole number is a number too."""
    schema = json_schema([row(type=type)])
    assert fitted({"a": None}, schema) == {"a": None}
    for given, value in FITTING.items():
        if given == type or (given, type) == ("int", "float"):
            assert fitted({"a": value}, schema) == {"a": value}
        else:
            with pytest.raises(ValueError, match=r"^a: "):
                fitted({"a": value}, schema)


def test_other_names_of_types_mean_the_same() -> None:
    assert json_schema([row(type=" Boolean ")]) == json_schema([row(type="bool")])
    assert json_schema([row(type="number")]) == json_schema([row(type="float")])


def test_what_is_left_out_is_null_and_what_is_made_up_is_left_out() -> None:
    schema = json_schema([row("a"), row("b", "int", multiple="True")])
    assert fitted({"a": "x", "c": 1}, schema) == {"a": "x", "b": None}
    with pytest.raises(ValueError, match=r"^b\.1: 'two' is not of type 'integer'"):
        fitted({"b": [1, "two"]}, schema)
