"""What the editor exports of each component type: its fields and the port types of its outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Exported: TypeAlias = dict[str, Any]

TEXT: Exported = {"type": "str", "value": "", "input_types": ["Message"]}
FLAG: Exported = {"type": "bool", "value": True}
PLAIN: Exported = {"type": "str", "value": ""}


@dataclass(frozen=True)
class Shape:
    """What the editor exports of one component type: its name, its fields and the port types of its outputs."""

    display_name: str
    fields: Mapping[str, Exported]
    outputs: Mapping[str, Sequence[str]]


_SAID: Mapping[str, Exported] = {
    "session_id": TEXT,
    "context_id": TEXT,
    "should_store_message": FLAG,
}

SHAPES: Mapping[str, Shape] = {
    "ChatInput": Shape(
        "Chat Input",
        {
            "input_value": PLAIN,
            "sender": PLAIN | {"value": "User"},
            "sender_name": TEXT | {"value": "User"},
            "files": {"type": "file", "value": "", "list": True},
            **_SAID,
        },
        {"message": ["Message"]},
    ),
    "ChatOutput": Shape(
        "Chat Output",
        {
            "input_value": {"type": "other", "value": "", "input_types": ["Data", "DataFrame", "Message"]},
            "sender": PLAIN | {"value": "Machine"},
            "sender_name": TEXT | {"value": "AI"},
            "data_template": TEXT | {"value": "{text}"},
            "clean_data": FLAG,
            **_SAID,
        },
        {"message": ["Message"]},
    ),
    "TextInput": Shape("Text Input", {"input_value": TEXT}, {"text": ["Message"]}),
    "TextOutput": Shape("Text Output", {"input_value": TEXT}, {"text": ["Message"]}),
    "Pass": Shape("Pass", {"input_message": TEXT, "ignored_message": TEXT}, {"output_message": ["Message"]}),
    "Prompt": Shape(
        "Prompt",
        {"template": {"type": "prompt", "value": ""}, "use_double_brackets": FLAG | {"value": False}},
        {"prompt": ["Message"]},
    ),
    "ParserComponent": Shape(
        "Parser",
        {
            "input_data": {"type": "other", "value": "", "input_types": ["DataFrame", "Data"]},
            "mode": {"type": "tab", "value": "Parser"},
            "pattern": TEXT | {"value": "Text: {text}"},
            "sep": TEXT | {"value": "\n"},
        },
        {"parsed_text": ["Message"]},
    ),
    "ConditionalRouter": Shape(
        "If-Else",
        {
            "input_text": TEXT,
            "match_text": TEXT,
            "operator": PLAIN | {"value": "equals"},
            "case_sensitive": FLAG,
            "true_case_message": TEXT,
            "false_case_message": TEXT,
        },
        {"true_result": ["Message"], "false_result": ["Message"]},
    ),
    "HumanInput": Shape(
        "Human Input",
        {
            "prompt": TEXT,
            "decisions": {"type": "actionPicker", "value": ["Approve", "Reject"], "list": True},
            "enable_fallback": FLAG | {"value": False},
            "timeout": {"type": "duration", "value": {"value": 3, "unit": "Days"}, "show": False},
        },
        {"branch_approve": ["Message"], "branch_reject": ["Message"]},
    ),
    "LanguageModelComponent": Shape(
        "Language Model",
        {
            "input_value": TEXT,
            "system_message": TEXT,
            "model": {"type": "model", "value": None, "input_types": ["LanguageModel"]},
            "model_name": PLAIN,
            "base_url": PLAIN,
            "api_key": PLAIN | {"password": True, "load_from_db": True},
            "temperature": {"type": "slider", "value": 0.1},
            "max_tokens": {"type": "int", "value": 0},
        },
        {"text_output": ["Message"], "model_output": ["LanguageModel"]},
    ),
    "LoopComponent": Shape(
        "Loop",
        {"data": {"type": "other", "value": "", "input_types": ["DataFrame", "Table", "Data", "Message"]}},
        {"item": ["Data", "JSON"], "done": ["DataFrame", "Table"]},
    ),
    "Knowledge": Shape(
        "Knowledge",
        {
            "mode": {"type": "tab", "value": "Retrieve"},
            "knowledge_base": PLAIN,
            "input_df": {
                "type": "other",
                "value": "",
                "input_types": ["Message", "Data", "JSON", "DataFrame", "Table"],
            },
            "column_config": {
                "type": "table",
                "value": [{"column_name": "text", "vectorize": True, "identifier": True}],
                "input_types": ["DataFrame", "Table"],
            },
            "search_query": TEXT,
            "include_metadata": FLAG,
        },
        {"dataframe_output": ["JSON"], "retrieve_data": ["Table"]},
    ),
}
"""The component types that tests use, written down from the editor's exports and not from our own classes."""
