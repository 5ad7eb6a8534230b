"""flows/fields.py: what the annotations of a component's fields say to the editor."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, create_model

import flows.components
from flows.component import Inputs, Secret, Takes, Text
from flows.fields import ANYTHING, FieldShape, shapes_of
from flows.registry import discover
from flows.values import Data, LanguageModel, Message, Table


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    width: int = 1


def shape_of(annotation: Any, default: Any = ...) -> FieldShape:
    inputs = create_model("Made", __base__=Inputs, field=(annotation, default))
    return shapes_of(inputs)["field"]


@pytest.mark.parametrize(
    ("annotation", "type", "accepts", "is_list"),
    [
        (str, "str", (), False),
        (Text, "str", ("Message",), False),
        (Text | None, "str", ("Message",), False),
        (bool, "bool", (), False),
        (int, "int", (), False),
        (float | None, "float", (), False),
        (Secret, "str", (), False),
        (SecretStr, "str", (), False),
        (tuple[str, ...], "str", (), True),
        (tuple[str, ...] | str, "str", (), True),
        (Sequence[Text], "str", ("Message",), True),
        (list[int], "int", (), True),
        (dict[str, str], "dict", ("Data", "JSON"), False),
        (Mapping[str, Any] | None, "dict", ("Data", "JSON"), False),
        (Size, "dict", ("Data", "JSON"), False),
        (Message, "other", ("Message",), False),
        (Data | None, "other", ("Data", "JSON"), False),
        (Table | Data, "other", ("DataFrame", "Table", "Data", "JSON"), False),
        (LanguageModel, "other", ("LanguageModel",), False),
        (tuple[Message, ...], "other", ("Message",), True),
        (Message | str, "str", ("Message",), False),
        (Any, "other", ANYTHING, False),
        (object, "other", ANYTHING, False),
        (Annotated[Any, Takes("Message", "Data")], "other", ("Message", "Data"), False),
    ],
)
def test_an_annotation_says_what_a_field_takes(
    annotation: Any, type: str, accepts: tuple[str, ...], is_list: bool
) -> None:
    shape = shape_of(annotation)
    assert (shape.type, shape.accepts, shape.is_list) == (type, accepts, is_list)


@pytest.mark.parametrize(
    ("annotation", "options"),
    [(Literal["a", "b"], ("a", "b")), (Colour, ("red", "blue")), (list[Colour], ("red", "blue")), (str, ())],
)
def test_a_choice_says_its_options(annotation: Any, options: tuple[str, ...]) -> None:
    assert shape_of(annotation).options == options


@pytest.mark.parametrize(("annotation", "is_secret"), [(Secret, True), (SecretStr | None, True), (str, False)])
def test_a_secret_is_a_password_field_whose_default_nobody_is_shown(annotation: Any, is_secret: bool) -> None:
    shape = shape_of(annotation, "canary")
    assert (shape.is_secret, shape.default) == (is_secret, None if is_secret else "canary")


@pytest.mark.parametrize(
    ("annotation", "default", "stored"),
    [(int, 3, 3), (tuple[str, ...], ("a",), ["a"]), (Size, Size(), {"width": 1}), (Colour, Colour.RED, "red")],
)
def test_a_default_is_what_json_can_hold(annotation: Any, default: Any, stored: Any) -> None:
    shape = shape_of(annotation, default)
    assert (shape.default, shape.is_required) == (stored, False)


def test_what_has_no_default_is_required() -> None:
    shape = shape_of(int)
    assert (shape.default, shape.is_required) == (None, True)


def test_a_description_is_shown() -> None:
    assert shape_of(int, Field(1, description="How many.")).info == "How many."


@pytest.mark.parametrize("component", discover(flows.components), ids=lambda component: str(component.types[0]))
def test_the_fields_of_every_built_in_component_can_be_told(component: Any) -> None:
    """In the order in which they are written, and each default is one that the component takes."""
    shapes = shapes_of(component.inputs)
    assert list(shapes) == list(component.inputs.model_fields)
    defaults = {name: shape.default for name, shape in shapes.items() if shape.default is not None}
    needed = {name: "" for name, shape in shapes.items() if shape.is_required}
    component.inputs.model_validate({**defaults, **needed})
