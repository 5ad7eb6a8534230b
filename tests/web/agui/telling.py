"""Runs as an AG-UI client is told of them: recorded as they are answered, read by the client as it is published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.node.agui_client import Agent, AguiClient, Outcome
from tests.reading import WORKFLOWS, Client, Frame, frames
from tests.shapes import Exported


@dataclass(frozen=True)
class Wire:
    """How a run is told."""

    protocol: str = "agui"
    exposed: bool = True


WIRES = [Wire(protocol, exposed) for protocol in ("agui", "agui-interrupt") for exposed in (True, False)]
Calling: TypeAlias = Callable[..., Agent]
"""Stores a flow, and gives an `HttpAgent` that talks to it."""
ENDS = ("RUN_FINISHED", "RUN_ERROR")


@dataclass(frozen=True)
class Told:
    """A run to its end, as each wire tells it, and the client takes it."""

    by_wire: Mapping[Wire, Outcome]

    def __getitem__(self, wire: Wire) -> Outcome:
        return self.by_wire[wire]

    @property
    def full(self) -> Outcome:
        """With the state of the graph, in `agui`."""
        return self[Wire()]

    @property
    def statuses(self) -> Mapping[str, str]:
        return statuses(self.full)


class Teller:
    """A Penstock, and a client that is told what runs there."""

    def __init__(self, client: Client, node: AguiClient) -> None:
        self.client = client
        self._node = node

    def submit(self, exported: Exported, wire: Wire = Wire(), **body: Any) -> str:
        """Starts a run; its job id."""
        wanted = {"stream_protocol": wire.protocol, "expose_graph_state": wire.exposed, "input_value": "Go"}
        return self.client.submit(self.client.store(exported), **{**wanted, **body})

    def body(self, job_id: str, after: str | None = None, **query: str) -> bytes:
        """What a client is sent that attaches after a cursor, to the end of the stream."""
        headers = {"Last-Event-ID": after} if after else {}
        answer = self.client.http.get(f"{WORKFLOWS}/{job_id}/events", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.content

    def half_said(self, job_id: str) -> bytes:
        """What a client of a run is sent, up to the first piece of a text."""
        sent: list[Frame] = []
        with self.client.http.stream("GET", f"{WORKFLOWS}/{job_id}/events") as answer:
            for frame in frames(answer):
                sent.append(frame)
                if frame.json["type"] == "TEXT_MESSAGE_CONTENT":
                    break
        return b"".join(f"data: {frame.data}\nid: {frame.id}\n\n".encode() for frame in sent)

    def read(self, *bodies: bytes) -> Outcome:
        """What the client makes of one stream, if it takes it without a word."""
        return checked(self._node.read(*bodies).valid())

    def told(self, job_id: str, wire: Wire = Wire()) -> Outcome:
        """A run up to now, told from its start."""
        return self.read(self.body(job_id, **narrowed(wire)))

    def over(self, job_id: str) -> Told:
        """A run to its end, told from its start on every wire: the same messages on all of them, with the state of the
        graph for whoever may see it, and no end but one."""
        told = {wire: self.told(job_id, wire) for wire in WIRES}
        for wire, outcome in told.items():
            assert outcome.messages == told[Wire()].messages, wire
            assert [type for type in outcome.types if type in ENDS] == [outcome.types[-1]], wire
            assert outcome.types.count("RUN_STARTED") == 1, wire
            assert bool(statuses(outcome)) is wire.exposed, wire
            assert wire.exposed or not outcome.custom("langflow.event"), wire
        return Told(told)


def narrowed(wire: Wire) -> Mapping[str, str]:
    """The query with which a run, that was submitted with all of its state, is told on a wire."""
    query = {"stream_protocol": wire.protocol}
    return query if wire.exposed else {**query, "expose_graph_state": "false"}


def statuses(outcome: Outcome) -> Mapping[str, str]:
    """The status of each node, as the client has it in the end."""
    return {id: node["status"] for id, node in (outcome.state or {}).get("nodes", {}).items()}


def checked(outcome: Outcome) -> Outcome:
    """What holds of every stream, however far it came: each text and each call begins once, and is answered once."""
    once("TEXT_MESSAGE_START", "messageId", outcome)
    once("TOOL_CALL_START", "toolCallId", outcome)
    once("TOOL_CALL_RESULT", "toolCallId", outcome)
    return outcome


def once(type: str, key: str, outcome: Outcome) -> None:
    found = [event[key] for event in outcome.of(type)]
    assert len(found) == len(set(found)), f"{type} more than once: {found}"


def last_id(body: bytes) -> str:
    """The cursor of the last frame."""
    return body.decode().rstrip().rpartition("id: ")[2]


def job_of(teller: Teller, agent: Agent) -> str:
    """The newest job of a thread."""
    answer = teller.client.http.get(f"{WORKFLOWS}/jobs", params={"session_id": agent.thread_id})
    job_id: str = answer.json()["jobs"][0]["job_id"]
    return job_id
