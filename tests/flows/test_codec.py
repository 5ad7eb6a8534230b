"""flows/codec.py: what is stored comes back equal, and what would not is refused with its path."""

import math
from collections.abc import Mapping
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.codec import MAX_DEPTH, decode_outputs, encode_outputs
from flows.errors import ValueWithoutCodec
from flows.values import Data, Json, LanguageModel, Message, Source, Table, Usage, Value
from tests.flows.searching import search

texts = st.text()
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
json_values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
sources = st.builds(Source, st.none() | texts, st.none() | texts, st.none() | texts)
usages = st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40))
messages = st.builds(
    Message, texts, texts, texts, texts, texts, st.lists(texts, max_size=3).map(tuple), sources, st.none() | usages
)
records = st.builds(Data, st.dictionaries(texts, json_values, max_size=4), texts)
models = st.builds(LanguageModel, texts, texts, texts)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(texts, max_size=3, unique=True))
    row = st.tuples(*(json_values for _ in columns))
    return Table(tuple(columns), tuple(draw(st.lists(row, max_size=3))))


values = messages | records | tables() | models | json_values


@search
@given(st.dictionaries(st.sampled_from(["text", "data", "model"]), values))
def test_what_is_stored_comes_back_equal(outputs: Mapping[str, Value]) -> None:
    """Equal in its types too: `repr` tells 1 from 1.0 and from True."""
    assert repr(decode_outputs(encode_outputs(outputs))) == repr(dict(outputs))


def test_the_stored_form_is_tagged_json() -> None:
    """Old rows must open for ever: this form may gain tags, and never change."""
    stored = orjson.loads(encode_outputs({"data": Data({"n": 1}), "plain": [1]}))
    assert stored == {"data": {"data": {"data": {"n": 1}, "text_key": "text"}}, "plain": {"json": [1]}}


@pytest.mark.parametrize(
    "look_alike", [{"message": {"text": "x"}}, {"json": 1}, {"data": {"data": {}}}, {"unknown": None}, {}]
)
def test_plain_json_that_looks_tagged_stays_plain(look_alike: dict[str, Any]) -> None:
    assert decode_outputs(encode_outputs({"out": look_alike})) == {"out": look_alike}


@pytest.mark.parametrize("edge_case", [2**63 - 1, -(2**63), -0.0, 5e-324, "", "\x00", "\U0010ffff", [[]], {"": {}}])
def test_the_extremes_that_fit_come_back(edge_case: Value) -> None:
    assert repr(decode_outputs(encode_outputs({"out": edge_case}))) == repr({"out": edge_case})


def test_a_tuple_comes_back_as_a_list() -> None:
    assert decode_outputs(encode_outputs({"out": {"pair": (1, 2)}})) == {"out": {"pair": [1, 2]}}  # type: ignore[dict-item]


UNSTORABLE: dict[str, tuple[Any, str]] = {
    "not a number": (math.nan, "out"),
    "infinity": ([1.0, math.inf], "out[1]"),
    "a large integer": (2**70, "out"),
    "the first integer too large": (2**63, "out"),
    "the first integer too small": ({"n": -(2**63) - 1}, "out.n"),
    "a lone surrogate": ({"text": ["a", "\ud800"]}, "out.text[1]"),
    "a lone surrogate in a key": ({"x": {"\udfff": 1}}, "out.x"),
    "a key that is no text": ([{1: "one"}], "out[0]"),
    "a set": ({"tags": {1, 2}}, "out.tags"),
    "bytes": ([{"raw": b"x"}], "out[0].raw"),
    "an object": (object(), "out"),
    "a class": (dict, "out"),
    "a set inside a record": (Data(cast("Any", {"a": [{"b": {1}}]})), "out.data.a[0].b"),
    "not a number in a table": (Table(("n",), ((1.0,), (math.nan,))), "out.rows[1][0]"),
    "a surrogate in a message": (Message("\ud83d"), "out.text"),
    "a message inside plain JSON": ({"inner": Message("x")}, "out.inner"),
}


@pytest.mark.parametrize("case", UNSTORABLE)
def test_a_value_without_codec_is_refused_with_its_path(case: str) -> None:
    value, path = UNSTORABLE[case]
    with pytest.raises(ValueWithoutCodec) as caught:
        encode_outputs({"fine": "x", "out": value})
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: a value of type ")


class _Subclassed(Message):
    """A message of a component author's own kind."""


MISSHAPEN: dict[str, Any] = {
    "a message whose text is a number": Message(5),  # type: ignore[arg-type]
    "a record that is a list": Data([1, 2]),  # type: ignore[arg-type]
    "a table whose columns are one text": Table("ab"),  # type: ignore[arg-type]
    "a model without a name": LanguageModel("m", None, ""),  # type: ignore[arg-type]
    "a subclass": _Subclassed("x"),
}


@pytest.mark.parametrize("case", MISSHAPEN)
def test_a_value_that_would_not_come_back_is_refused_when_it_is_stored(case: str) -> None:
    """Not when a later pass restores it, for then the job could never go on."""
    with pytest.raises(ValueWithoutCodec):
        encode_outputs({"out": MISSHAPEN[case]})


@pytest.mark.parametrize("levels", [300, 2_000])
def test_a_value_nested_too_deep_is_refused(levels: int) -> None:
    value: Json = []
    for _ in range(levels):
        value = [value]
    for nested in (value, Data({"deep": value})):
        with pytest.raises(ValueWithoutCodec):
            encode_outputs({"out": nested})


def test_a_value_nested_as_deep_as_it_may_comes_back() -> None:
    value: Json = "core"
    for _ in range(MAX_DEPTH):
        value = [value]
    assert decode_outputs(encode_outputs({"out": value})) == {"out": value}


@pytest.mark.parametrize(
    "stored",
    ['{"out": {"pickle": "gASV"}}', '{"out": {"message": {"txt": 1}}}', '{"out": {"builtins.dict": {}}}'],
)
def test_a_tag_or_shape_that_is_not_known_is_never_guessed(stored: str) -> None:
    with pytest.raises(ValueWithoutCodec):
        decode_outputs(stored)
