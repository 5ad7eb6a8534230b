"""One call as a value: what is sent, how its answer is read, and whether it may be sent twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from penstock.client.errors import UnexpectedAnswer

T = TypeVar("T")

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
"""How long a server may think about an ordinary call."""


@dataclass(frozen=True)
class Request:
    """What is sent. `read_seconds` bounds the silence before and within the answer."""

    method: str
    path: str
    json: Any = field(default=None, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    read_seconds: float = READ_SECONDS

    def made(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """It in the hands of an HTTP client; parameters that are None are left out."""
        return http.build_request(
            self.method,
            self.path,
            json=self.json,
            params={name: value for name, value in self.params.items() if value is not None},
            headers=self.headers,
            timeout=httpx.Timeout(self.read_seconds, connect=CONNECT_SECONDS),
        )


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and the reading of its answer, which may raise a `PenstockError`."""

    request: Request
    read: Callable[[httpx.Response], T]
    repeatable: bool = True
    """Whether sending it twice has one effect (I12)."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of many things, and the call for more of them."""

    items: Sequence[T]
    next: Call["Page[T]"] | None = None


def path_of(template: str, *ids: str) -> str:
    """A path with ids in it, whatever somebody wrote as one."""
    return template.format(*(quote(id, safe="") for id in ids))


def as_a(kind: type[T]) -> Callable[[httpx.Response], T]:
    """Reads an answer as a model, or a list of them. Fields that are not known are ignored."""

    def read(response: httpx.Response) -> T:
        try:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                return kind.model_validate_json(response.content)
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = ".".join(map(str, fault["loc"]))
            told = f"The answer of {response.url} does not fit: `{place}`: {fault['msg']}"
            raise UnexpectedAnswer(f"{told}. Is it a Penstock of this version, or a newer client needed?") from None

    return read


def nothing(response: httpx.Response) -> None:
    """Reads an answer that says nothing but that it is done."""
