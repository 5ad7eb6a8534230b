"""What a route answers and how it refuses, by status."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from web.openapi.operation import Admits, Answer, Operation
from web.openapi.refusals import CODES, Refused, RefusedInText, Unfit
from web.openapi.schemas import Schema, Schemas

OF_ALL = {414: ("QUERY_TOO_LONG",), 431: ("HEADERS_TOO_LARGE",), 500: ("INTERNAL_SERVER_ERROR",)}
OF_THE_DATABASE = {503: ("DATABASE_ERROR", "SECRETS_UNAVAILABLE")}
OF_CALLERS = {401: ("END_USER_IDENTITY_REQUIRED",), 429: ("RATE_LIMITED",), 503: ("CREDENTIALS_UNREADABLE",)}
OF_ACCOUNTS = {403: ("NOT_FOR_END_USERS",)}
OF_BODIES = {408: ("BODY_TIMEOUT",), 413: ("PAYLOAD_TOO_LARGE",)}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "string"}},
}
MAY_BE_TRIED_AGAIN = (429, 503)
REASONS: Mapping[int, str] = {
    400: "Not understood",
    401: "Not known",
    403: "Not allowed",
    404: "Not there",
    408: "Took too long",
    409: "In the way of something",
    413: "Too large",
    414: "Query too long",
    415: "Of no type that is taken",
    422: "Does not fit",
    429: "Too often, or too much at once",
    431: "Headers too large",
    500: "Failed",
    503: "Not now",
}


def answers(operation: Operation, schemas: Schemas, *, has_path: bool) -> dict[str, Schema]:
    """The answers of a route, and its refusals, by status."""
    codes, texts = _codes(operation), _texts(operation, has_path=has_path)
    unfit = {422} if operation.body or operation.query or operation.path else set()
    statuses = sorted({*operation.answers, *codes, *texts, *unfit})
    return {str(status): _one(operation, schemas, status, codes.get(status, ()), texts, unfit) for status in statuses}


def _one(
    operation: Operation, schemas: Schemas, status: int, codes: Sequence[str], texts: Collection[int], unfit: set[int]
) -> Schema:
    answer = operation.answers.get(status)
    kinds: list[Schema] = []
    if answer is not None and answer.model is not None:
        kinds.append(schemas.of(answer.model, "serialization"))
    if codes:
        kinds.append(_refused(schemas, codes))
    if status in texts:
        kinds.append(schemas.of(RefusedInText, "serialization"))
    if status in unfit:
        kinds.append(schemas.of(Unfit, "serialization"))
    content: Schema = {}
    if kinds:
        content["application/json"] = {"schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}
    if answer is not None and answer.events is not None:
        content["text/event-stream"] = {"schema": _event(schemas.of(answer.events, "serialization"))}
    if answer is not None and answer.media_type is not None:
        content[answer.media_type] = {"schema": {}}
    told = {"description": _description(answer, status, codes)}
    headers = _headers(answer, status)
    return {**told, **({"headers": headers} if headers else {}), **({"content": content} if content else {})}


def _event(data: Schema) -> Schema:
    """One event of a stream as OpenAPI 3.2 tells it; 3.1 does not say what the schema of a stream stands for."""
    told = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    cursor = {"type": "string", "description": "Where the client is now: what it sends as `Last-Event-ID`."}
    return {"type": "object", "properties": {"data": told, "id": cursor}}


def _codes(operation: Operation) -> dict[int, list[str]]:
    """The codes of all refusals by status: those that follow from what a route takes and whom it admits, then its
    own."""
    groups: list[Mapping[int, Sequence[str]]] = [OF_ALL]
    if operation.admits is not Admits.ANYBODY:
        groups.append(OF_THE_DATABASE)
    if operation.admits not in (Admits.ANYBODY, Admits.VISITORS):
        groups.append(OF_CALLERS)
    if operation.admits is Admits.ACCOUNTS:
        groups.append(OF_ACCOUNTS)
    if operation.body or operation.is_upload:
        groups.append(OF_BODIES)
    found: defaultdict[int, list[str]] = defaultdict(list)
    for group in (*groups, operation.refuses):
        for status, codes in group.items():
            found[status] += [code for code in codes if code not in found[status]]
    return {status: codes for status, codes in found.items() if codes}


def _texts(operation: Operation, *, has_path: bool) -> set[int]:
    """The statuses whose refusals may be a text: of credentials, of forms, of a path that leads nowhere."""
    known = {401, 403} if operation.admits not in (Admits.ANYBODY, Admits.VISITORS) else set()
    return {*operation.tells, *known, *({400} if operation.is_upload else ()), *({404} if has_path else ())}


def _refused(schemas: Schemas, codes: Sequence[str]) -> Schema:
    own = {"properties": {"detail": {"properties": {"code": {"enum": list(codes)}}}}}
    return {"allOf": [schemas.of(Refused, "serialization"), own]}


def _description(answer: Answer | None, status: int, codes: Sequence[str]) -> str:
    lines = [answer.means if answer is not None else f"{REASONS[status]}."]
    if answer is not None and answer.events is not None:
        lines.append("The schema of `text/event-stream` is that of one event; its `data` is JSON.")
    lines += [f"* `{code}`: {CODES[code].means}{_brought(CODES[code].brings)}" for code in codes]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).strip()


def _brought(fields: Sequence[str]) -> str:
    return f" Brings {', '.join(f'`{field}`' for field in fields)}." if fields else ""


def _headers(answer: Answer | None, status: int) -> dict[str, Any]:
    own = answer.headers if answer is not None else {}
    told: dict[str, Any] = {name: {"description": means, "schema": {"type": "string"}} for name, means in own.items()}
    return {**told, **(RETRY_AFTER if status in MAY_BE_TRIED_AGAIN else {})}
