"""The values that travel along edges: Message, Data, Table, LanguageModel, Tool and plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pydantic import JsonValue

Json: TypeAlias = JsonValue


@dataclass(frozen=True, slots=True)
class Source:
    """The vertex that a message came from, as it is shown beside the message."""

    id: str | None = None
    display_name: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a model call cost."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def dump(self) -> dict[str, int]:
        """The key set of the contract."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A text and who said it. `files` are URLs, or paths that the flow's owner uploaded."""

    text: str
    sender: str = ""
    sender_name: str = ""
    session_id: str = ""
    context_id: str = ""
    files: tuple[str, ...] = ()
    source: Source = Source()
    usage: Usage | None = None
    content_blocks: tuple[Mapping[str, Json], ...] = ()
    """How its author came to it, as Langflow's pages draw it: the tools that an agent called."""


@dataclass(frozen=True, slots=True)
class Data:
    """A record of plain JSON; `text_key` names the entry that stands for it where text is wanted."""

    data: Mapping[str, Json] = field(default_factory=dict)
    text_key: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain JSON, all with the same `columns`."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Json, ...], ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row of a table needs one cell for each of its columns")

    def records(self) -> list[dict[str, Json]]:
        """The rows as one mapping each, columns in order."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Which model to call. The key does not travel: it is read from the fields of `vertex_id` when it is used."""

    vertex_id: str
    name: str
    base_url: str
    provider: str = "openai"
    """By the name that it has in `flows.models.providers`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A vertex that an agent may call."""

    vertex_id: str


Value: TypeAlias = Message | Data | Table | LanguageModel | Tool | Json

PORT_ALIASES = {"Data": "JSON", "DataFrame": "Table", "Text": "Message"}
"""Two names of one port type (contract 7.2)."""


def port_types(names: tuple[str, ...]) -> frozenset[str]:
    """The port types with their aliases folded, so that `Data` meets `JSON` and `DataFrame` meets `Table`."""
    return frozenset(PORT_ALIASES.get(name, name) for name in names)
