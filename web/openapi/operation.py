"""What is told of a route beside its path: what it takes, who may call it, what it answers, how it refuses.

ROUTES says where a route is, and the docstring of its endpoint what it does; the operation says the rest.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Tag(StrEnum):
    """The chapters of the page."""

    RUNS = "Runs"
    HUMAN_REQUESTS = "Human requests"
    FLOWS = "Flows"
    PROJECTS = "Projects"
    SHARING = "Sharing"
    FILES = "Files"
    MEMORY = "Messages and knowledge"
    VARIABLES = "Variables"
    PEOPLE = "People and keys"
    SERVICE = "Service"


class Admits(StrEnum):
    """Whom a route lets in, in the words of `web.services`."""

    ANYBODY = "anybody"
    """Asks nobody who they are, and looks nothing up."""
    VISITORS = "visitors"
    """Asks nobody who they are, and uses the database."""
    CALLERS = "callers"
    """`admit`."""
    ACCOUNTS = "accounts"
    """`admit_account`: not the people for whom a service calls."""
    FOLLOWERS = "followers"
    """`admit_follower`: by a stream token too."""


@dataclass(frozen=True)
class Answer:
    """One way in which a route answers when it does what it was asked. Without any content it has no body."""

    means: str
    model: Any = None
    """The type of its JSON; a pydantic model, or a list or union of such."""
    events: Any = None
    """The type of one event's data, when it is a stream of server-sent events."""
    media_type: str | None = None
    """Of content that is neither, as a file's."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What each header says."""


@dataclass(frozen=True)
class Operation:
    """Everything about a route that its path and its endpoint's docstring do not tell."""

    tag: Tag
    answers: Mapping[int, Answer]
    admits: Admits = Admits.CALLERS
    body: type[BaseModel] | None = None
    """What the JSON of the request is read as: the model that the endpoint reads it with."""
    is_body_optional: bool = False
    """Whether a request without a body says the same as an empty one."""
    is_body_form: bool = False
    """Whether that may come as a urlencoded form too."""
    is_upload: bool = False
    """Whether a form with one `file` is taken; beside the JSON, if there is a body."""
    query: type[BaseModel] | None = None
    path: type[BaseModel] | None = None
    """What the path's parameters are read as; ids are UUIDs without it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the request, beside those of the credentials: what each says."""
    refuses: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """The codes of `CODES` by status, beside those that follow from what it takes and whom it admits."""
    tells: Sequence[int] = ()
    """The statuses of refusals whose detail is a text, beside those that follow (contract 1.0, 6.1)."""
