"""Lets a model find in a text the records that a schema describes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.context import VertexContext
from flows.errors import FlowError
from flows.models.choice import key_for
from flows.structure import Schema, fitted
from flows.values import Json, LanguageModel, Usage

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
    from pydantic_ai.models import Model, ModelRequestParameters

TRIES = 3
"""How often a model may try to give records that fit, told each time what was wrong."""
TOOL = "give_records"
_RECORDS = "records"
_ASKED_AGAIN = f"Answer by calling the tool {TOOL}."


class NothingFits(FlowError):
    """A model gave no records that fit the schema, however often it was asked; the message says what was wrong."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(
            f"the model {name!r} was asked {TRIES} times and gave nothing that fits the schema: {fault} "
            "Simplify the schema, or choose a model that can call tools."
        )


@dataclass(frozen=True)
class Search:
    """What is looked for: the text, what the model is told beside it, the schema of one record and its name."""

    text: str
    system: str
    schema: Schema
    name: str = ""


@dataclass(frozen=True)
class _Reading:
    """What a model's answer says: its records; or what is wrong with it, and how the model is told."""

    records: Sequence[dict[str, Json]] = ()
    fault: str | None = None
    told: "Sequence[ModelMessage]" = ()


async def extract(search: Search, handle: LanguageModel, context: VertexContext) -> Sequence[dict[str, Json]]:
    """The records, in the order in which the model gives them; what that costs is spent. Raises `ModelFailed`."""
    key, models = key_for(handle, context), context.tools.models
    try:
        return await _extract(search, models.model(handle, key), context)
    except Exception as error:
        raise models.explain(error, handle, key) from error


async def _extract(search: Search, model: "Model", context: VertexContext) -> Sequence[dict[str, Json]]:
    from pydantic_ai.messages import ModelRequest, SystemPromptPart, UserPromptPart

    told: list[ModelMessage] = [ModelRequest([SystemPromptPart(search.system), UserPromptPart(search.text)])]
    wanted, reading = _wanted(search), _Reading()
    for attempt in range(1, TRIES + 1):
        answer = await _ask(model, told, wanted, f"{context.idempotency_key}:{attempt}")
        context.spend(Usage(answer.usage.input_tokens, answer.usage.output_tokens))
        reading = _read(answer, search.schema)
        if reading.fault is None:
            return reading.records
        told += [answer, *reading.told]
    raise NothingFits(model.model_name, reading.fault or "")


async def _ask(
    model: "Model", told: "Sequence[ModelMessage]", wanted: "ModelRequestParameters", key: str
) -> "ModelResponse":
    """One answer. It is streamed, so that a long one is not taken for a model that says nothing."""
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.settings import ModelSettings

    settings = ModelSettings(extra_headers={"Idempotency-Key": key})
    async with model_request_stream(model, told, model_settings=settings, model_request_parameters=wanted) as stream:
        async for _ in stream:
            pass
        return stream.get()


def _wanted(search: Search) -> "ModelRequestParameters":
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    listed = {"type": "array", "items": search.schema}
    schema = {
        "type": "object",
        "properties": {_RECORDS: listed},
        "required": [_RECORDS],
        "additionalProperties": False,
    }
    name = f" of {search.name}" if search.name else ""
    description = f"Takes the records{name} that were found in the text, all of them at once."
    tool = ToolDefinition(name=TOOL, parameters_json_schema=schema, description=description, kind="output")
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


def _read(answer: "ModelResponse", schema: Schema) -> _Reading:
    from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart

    calls = answer.tool_calls
    if not calls:
        return _Reading(fault=_ASKED_AGAIN, told=[ModelRequest([UserPromptPart(_ASKED_AGAIN)])])
    try:
        return _Reading([fitted(record, schema) for call in calls for record in _records(call)])
    except ValueError as error:
        fault = f"{error}."
        returned = [ToolReturnPart(call.tool_name, fault, call.tool_call_id) for call in calls]
        return _Reading(fault=fault, told=[ModelRequest(returned)])


def _records(call: "ToolCallPart") -> Iterable[dict[str, Any]]:
    """What was given in one call. Raises `ValueError`."""
    if call.tool_name != TOOL:
        raise ValueError(f"there is no tool {call.tool_name!r}")
    try:
        given = call.args_as_dict(raise_if_invalid=True).get(_RECORDS)
    except (ValueError, AssertionError) as error:
        raise ValueError(f"the arguments are no JSON object: {error}") from None
    if not isinstance(given, list) or not all(isinstance(record, dict) for record in given):
        raise ValueError(f"`{_RECORDS}` must be a list of records")
    return given
