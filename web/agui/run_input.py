"""What an AG-UI client sends: a conversation that goes on, or answers to the interrupts of a run."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any, TypeAlias

from ag_ui.core import DataSource, Message, ResumeEntry, RunAgentInput, TextPart, UserMessage
from pydantic import AfterValidator, BaseModel, Field

from storage.states import Mode
from web.bodies import validated
from web.texts import Name, without_nul
from web.workflows.schemas import RunBody

MOST_MESSAGES = 10_000
"""Messages of one conversation that a client may send again with each run (I10)."""


class AgentQuery(BaseModel):
    """What the address of an agent says beside its flow."""

    expose_graph_state: bool = False


def _of_storable_id(entry: ResumeEntry) -> ResumeEntry:
    """An answer to what a database can look for. Raises `ValueError`."""
    without_nul(entry.interrupt_id)
    return entry


Answers: TypeAlias = Annotated[list[Annotated[ResumeEntry, AfterValidator(_of_storable_id)]], Field(max_length=100)]


class AgentBody(RunAgentInput):
    """A `RunAgentInput`. Of the messages the last one of the user is asked: the flow remembers its sessions itself.
    `tools`, `context`, `state` and `forwardedProps` are not for a flow, and are ignored."""

    thread_id: Annotated[Name, Field(min_length=1)]
    run_id: Annotated[Name, Field(min_length=1)]
    messages: Annotated[list[Message], Field(max_length=MOST_MESSAGES)]
    resume: Answers | None = None

    @property
    def text(self) -> str:
        """What the user says."""
        content = self._asked
        if isinstance(content, str):
            return content
        return "\n".join(part.text for part in content if isinstance(part, TextPart))

    @property
    def files(self) -> list[str]:
        """What the user shows: URLs, what is sent in the message itself, and paths of uploaded files."""
        content = self._asked
        return [] if isinstance(content, str) else list(_files(content))

    def as_run(self, flow_id: str, protocol: str, exposes_graph: bool) -> RunBody:
        """The run of a flow on what the user says. Refuses with 422 what a run may not hold."""
        asked = {
            "flow_id": flow_id,
            "input_value": self.text,
            "session_id": self.thread_id,
            "mode": Mode.BACKGROUND,
            "stream_protocol": protocol,
            "expose_graph_state": exposes_graph,
            "files": self.files or None,
            "idempotency_key": self._key(flow_id),
        }
        return validated(asked, RunBody, "body")

    def _key(self, flow_id: str) -> str:
        """The same for every try of one run, so that it is begun once (I12)."""
        named = f"{flow_id}:{len(self.thread_id)}:{self.thread_id}:{self.run_id}"
        return f"agui:{sha256(named.encode()).hexdigest()}"

    @property
    def _asked(self) -> str | Sequence[Any]:
        said = [message for message in self.messages if isinstance(message, UserMessage)]
        return said[-1].content if said else ""


def _files(parts: Sequence[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, TextPart):
            continue
        source = part.source
        if isinstance(source, DataSource):
            yield f"data:{source.mime_type};base64,{source.value}"
        else:
            yield source.value
