"""Agent: a model that calls the tools it is given until it has an answer."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import BeforeValidator, Field

from flows.agents.brief import Answer, Brief, Schema
from flows.agents.own_tools import CALCULATE, CURRENT_DATE
from flows.component import Component, Effect, Outputs, Port, Text
from flows.context import VertexContext
from flows.models.choice import ModelFields, choose
from flows.models.providers import KEY_VARIABLES
from flows.structure import fitted, json_schema
from flows.text import to_text
from flows.values import Data, Json, Message, Source, Tool

SHOWN_BY = ("ChatOutput",)
RESPONSE, STRUCTURED = "response", "structured_response"
RESULTS = "results"
"""The entry of an answer that holds its records, when there are several."""
MAX_TURNS = 1_000


def _tools(given: Any) -> Any:
    """The tools that edges brought. The editor stores an empty text where there are none, and nothing that a caller
    sends makes a vertex a tool."""
    brought = given if isinstance(given, list | tuple) else [given]
    return [one for one in brought if isinstance(one, Tool)]


class AgentFields(ModelFields):
    input_value: Any = ""
    system_prompt: Text = ""
    tools: Annotated[tuple[Tool, ...], BeforeValidator(_tools)] = ()
    n_messages: int = Field(100, ge=0)
    max_iterations: int = Field(15, ge=1, le=MAX_TURNS)
    max_tokens: int = Field(0, ge=0)
    add_calculator_tool: bool = True
    add_current_date_tool: bool = True
    format_instructions: Text = ""
    output_schema: Any = None
    context_id: Text = ""


class Agent(Component[AgentFields]):
    """Asks its model, makes the calls of tools that it wants, and asks again, until there is an answer.

    Every turn of the model and every result of a tool is kept: after a crash it goes on from there, and no finished
    call is made again. Calls for which `tools_metadata` names `approval_actions` wait for a person. What a tool fails
    with is told to the model.
    """

    types = ("Agent",)
    inputs = AgentFields
    outputs: ClassVar = {RESPONSE: Port(("Message",)), STRUCTURED: Port(("Data", "JSON"))}
    actions: ClassVar = {"message_response": RESPONSE, "json_response": STRUCTURED}
    effect = Effect.IDEMPOTENT
    variables = KEY_VARIABLES

    async def build(self, inputs: AgentFields, context: VertexContext) -> Outputs:
        # The import takes a second; only flows with an agent pay for it.
        from flows.agents.asking import ask_agent

        leads_to = context.surroundings.leads_to
        outputs: dict[str, Any] = {}
        if RESPONSE in leads_to or STRUCTURED not in leads_to:
            brief = _brief(inputs, context)
            outputs[RESPONSE] = _message(await ask_agent(brief, context), brief, context)
        if STRUCTURED in leads_to:
            answer = await ask_agent(*_for_record(inputs, context, outputs.get(RESPONSE)))
            outputs[STRUCTURED] = _record(answer, inputs)
        return outputs


def _brief(inputs: AgentFields, context: VertexContext) -> Brief:
    given = inputs.input_value
    own = [CALCULATE] if inputs.add_calculator_tool else []
    return Brief(
        model=choose(inputs, context),
        instructions=inputs.system_prompt,
        asked=given if isinstance(given, Message) else Message(to_text(given)),
        tools=inputs.tools,
        own_tools=[*own, CURRENT_DATE] if inputs.add_current_date_tool else own,
        remembers=inputs.n_messages,
        max_turns=inputs.max_iterations,
        max_tokens=inputs.max_tokens or None,
        shown_by=context.surroundings.first_behind(RESPONSE, SHOWN_BY),
    )


def _for_record(inputs: AgentFields, context: VertexContext, answered: Message | None) -> tuple[Brief, VertexContext]:
    """What is asked for the structured answer: the agent itself, or where there is an answer in words already, that the
    records be read out of it."""
    schema = _schema(inputs)
    brief = replace(_brief(inputs, context), schema=schema, shown_by=None)
    if schema is not None:
        brief = replace(brief, instructions=f"{brief.instructions}\n\n{inputs.format_instructions}".strip())
    if answered is None:
        return brief, context
    brief = replace(brief, asked=Message(answered.text), tools=(), own_tools=(), remembers=0)
    return brief, context.within(STRUCTURED, context.surroundings)


def _schema(inputs: AgentFields) -> Schema | None:
    """An object with all records that match the rows of the schema table; None without rows."""
    if not inputs.output_schema:
        return None
    record = json_schema(inputs.output_schema)
    results = {"type": "array", "items": record, "description": "All that match, each once."}
    return {"type": "object", "properties": {RESULTS: results}, "required": [RESULTS]}


def _message(answer: Answer, brief: Brief, context: VertexContext) -> Message:
    return Message(
        answer.text,
        session_id=context.run.session_id,
        source=Source(context.vertex_id, context.surroundings.display_name, brief.model.name),
        usage=answer.usage,
        content_blocks=answer.blocks,
    )


def _record(answer: Answer, inputs: AgentFields) -> Data:
    """The record, or all of them as `results`; what the answer says where it is no JSON, as Langflow has it."""
    if answer.record is None:
        return _read(answer.text)
    schema = json_schema(inputs.output_schema)
    given = answer.record.get(RESULTS, answer.record)
    records: list[Json] = [fitted(one, schema) for one in _listed(given) if isinstance(one, dict)]
    if len(records) == 1 and isinstance(records[0], dict):
        return Data(records[0])
    return Data({RESULTS: records})


def _listed(given: Json) -> list[Json]:
    return given if isinstance(given, list) else [given]


def _read(text: str) -> Data:
    try:
        read = orjson.loads(text.strip().removeprefix("```json").removesuffix("```"))
    except orjson.JSONDecodeError:
        return Data({"content": text}, text_key="content")
    if isinstance(read, dict):
        return Data(read)
    return Data({RESULTS: read})
