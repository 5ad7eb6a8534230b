"""The events of AG-UI 1.0 that a run becomes, as they stand on the wire: camelCase, and nothing that is null.

Plain mappings: the models of `ag_ui.core`, by which the tests read them, take twenty times as long for each token.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

WireEvent: TypeAlias = Mapping[str, Any]


def run_started(thread_id: str, run_id: str) -> WireEvent:
    return {"type": "RUN_STARTED", "threadId": thread_id, "runId": run_id}


def run_finished(thread_id: str, run_id: str, outcome: Mapping[str, Any] | None) -> WireEvent:
    """The end of a run that has not failed; without an outcome it has completed."""
    ended = {"type": "RUN_FINISHED", "threadId": thread_id, "runId": run_id}
    return ended if outcome is None else {**ended, "outcome": outcome}


def run_error(message: str, code: str | None = None) -> WireEvent:
    failed = {"type": "RUN_ERROR", "message": message}
    return failed if code is None else {**failed, "code": code}


def text_start(message_id: str) -> WireEvent:
    return {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}


def text_content(message_id: str, delta: str) -> WireEvent:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": delta}


def text_end(message_id: str) -> WireEvent:
    return {"type": "TEXT_MESSAGE_END", "messageId": message_id}


def tool_start(call_id: str, name: str, parent_id: str) -> WireEvent:
    return {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": name, "parentMessageId": parent_id}


def tool_args(call_id: str, delta: str) -> WireEvent:
    return {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": delta}


def tool_end(call_id: str) -> WireEvent:
    return {"type": "TOOL_CALL_END", "toolCallId": call_id}


def tool_result(call_id: str, content: str) -> WireEvent:
    ids = {"messageId": f"{call_id}:result", "toolCallId": call_id}
    return {"type": "TOOL_CALL_RESULT", **ids, "content": content, "role": "tool"}


def state_snapshot(snapshot: Mapping[str, Any]) -> WireEvent:
    return {"type": "STATE_SNAPSHOT", "snapshot": snapshot}


def state_delta(patch: Sequence[Mapping[str, Any]]) -> WireEvent:
    """A JSON Patch (RFC 6902)."""
    return {"type": "STATE_DELTA", "delta": patch}


def step_started(name: str) -> WireEvent:
    return {"type": "STEP_STARTED", "stepName": name}


def step_finished(name: str) -> WireEvent:
    return {"type": "STEP_FINISHED", "stepName": name}


def custom(name: str, value: Any) -> WireEvent:
    """What AG-UI has no word for."""
    return {"type": "CUSTOM", "name": name, "value": value}
