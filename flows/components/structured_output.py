"""StructuredOutput: a text becomes records of a given structure."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flows.component import Component, Effect, Outputs, Port, Text
from flows.context import VertexContext
from flows.extracting import Search, extract
from flows.models.choice import ModelFields, choose
from flows.models.providers import KEY_VARIABLES
from flows.reading.tabular import table_of
from flows.structure import json_schema
from flows.values import Data, Json

DEFAULT_PROMPT = (
    "You extract structured records from a text, as the tool describes them. Take in every one that fits; fill what is "
    "missing or unclear with null, and leave out exact duplicates."
)


class StructuredOutputFields(ModelFields):
    input_value: Text = ""
    system_prompt: Text = DEFAULT_PROMPT
    schema_name: Text = ""
    output_schema: Any = None


class StructuredOutput(Component[StructuredOutputFields]):
    """Lets a model find in a text what its schema asks for: one record, or all that are there. It puts out nothing
    when the tokens of its run are used up and somebody lets it finish.

    Running it again costs money, not harm.
    """

    types = ("StructuredOutput",)
    inputs = StructuredOutputFields
    outputs: ClassVar = {"structured_output": Port(("JSON",)), "dataframe_output": Port(("Table",))}
    effect = Effect.IDEMPOTENT
    variables = KEY_VARIABLES

    async def build(self, inputs: StructuredOutputFields, context: VertexContext) -> Outputs:
        schema = json_schema(inputs.output_schema)
        if not inputs.input_value.strip():
            raise ValueError("there is no text to find anything in. Connect something to Input Message.")
        handle = choose(inputs, context)
        if not context.may_call_model():
            return {}
        search = Search(inputs.input_value, inputs.system_prompt, schema, inputs.schema_name)
        records = await extract(search, handle, context)
        if not records:
            raise ValueError("the model found nothing in the text that fits the schema.")
        return {"structured_output": as_data(records), "dataframe_output": table_of(records)}


def as_data(records: Sequence[dict[str, Json]]) -> Data:
    """The one record, or all of them under `results`."""
    return Data(records[0] if len(records) == 1 else {"results": list(records)})
