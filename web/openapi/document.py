"""The document: every route of the application, described by the models that it works with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import orjson
from starlette.routing import BaseRoute, Route

from web.openapi.answering import answers
from web.openapi.operation import Admits, Endpoint, Operation, Tag
from web.openapi.refusals import Refused, RefusedInText, Unfit
from web.openapi.schemas import Mode, Schema, Schemas, parameters, referred
from web.openapi.security import SCHEMES, security

TITLE = "Penstock"
ABOUT = (
    "Runs Langflow flows as durable jobs. The API is Langflow's v2 Workflow API with additions; a client of that works "
    "unchanged.\n\n"
    "A refusal is `{detail: {error, code, message, ...}}`: programs go by `code`. What does not fit its schema is "
    "refused with 422 and a list of every fault."
)
_UUID: Schema = {"type": "string", "format": "uuid"}
_TEXT: Schema = {"type": "string", "minLength": 1}
_NAMED = re.compile(r"\{(\w+)(?::path)?\}")
_PLACE = re.compile(r"^(?:GET|POST|PUT|PATCH|DELETE)(?: /\S*)?(?: \([^)]*\))?(?::\s*|\.$)")
_REFERENCES = re.compile(r"\s*\((?:contract|fault|rule|I\d)[^)]*\)|\s*Added(?: to the contract)?\.$")
"""What docstrings say to those who work on the server: the rule that something comes from."""


@dataclass(frozen=True)
class _Described:
    path: str
    method: str
    endpoint: Endpoint
    operation: Operation
    name: str


class Description:
    """The document of an application's routes, made when somebody first asks for it."""

    def __init__(self, routes: Sequence[BaseRoute], operations: Mapping[Endpoint, Operation]) -> None:
        self._routes = routes
        self._operations = operations

    @cached_property
    def encoded(self) -> bytes:
        return orjson.dumps(self.document)

    @cached_property
    def etag(self) -> str:
        return f'"{blake2b(self.encoded, digest_size=16).hexdigest()}"'

    @cached_property
    def document(self) -> dict[str, Any]:
        """OpenAPI 3.1. Raises `KeyError` for an endpoint that nothing is told of."""
        described = list(self._described())
        schemas = Schemas(pair for one in described for pair in _types(one.operation))
        paths: dict[str, Any] = {}
        for one in described:
            paths.setdefault(_NAMED.sub(r"{\1}", one.path), {})[one.method.lower()] = _operation(one, schemas)
        components = referred(paths, schemas.components)
        return {
            "openapi": "3.1.0",
            "info": {"title": TITLE, "version": version("penstock"), "description": ABOUT},
            "tags": [{"name": tag} for tag in Tag],
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": SCHEMES},
        }

    def _described(self) -> Iterator[_Described]:
        """Every route and method. An endpoint with several paths has a number in its later names."""
        times: dict[str, int] = {}
        for route in self._routes:
            assert isinstance(route, Route), "nothing is mounted"
            for method in sorted((route.methods or set()) - {"HEAD"}):
                name = route.endpoint.__name__
                times[name] = times.get(name, 0) + 1
                numbered = name if times[name] == 1 else f"{name}_{times[name]}"
                yield _Described(route.path, method, route.endpoint, self._operations[route.endpoint], numbered)


def _types(operation: Operation) -> Iterator[tuple[Any, Mode]]:
    for taken in (operation.body, operation.query, operation.path):
        if taken is not None:
            yield taken, "validation"
    for answer in operation.answers.values():
        for given in (answer.model, answer.events):
            if given is not None:
                yield given, "serialization"
    for refused in (Refused, RefusedInText, Unfit):
        yield refused, "serialization"


def _operation(one: _Described, schemas: Schemas) -> Schema:
    operation = one.operation
    named = _NAMED.findall(one.path)
    taken = [*_path(operation, named, schemas), *_query(operation, schemas), *_headers(operation)]
    body = _body(operation, schemas)
    return {
        "operationId": one.name,
        "tags": [operation.tag],
        **_told(one.endpoint),
        "security": security(operation.admits, one.method),
        **({"parameters": taken} if taken else {}),
        **({"requestBody": body} if body else {}),
        "responses": answers(operation, schemas, has_path=bool(named) and operation.admits is not Admits.ANYBODY),
    }


def _told(endpoint: Endpoint) -> dict[str, str]:
    """The first sentence of the docstring, and all of it; without the path that it may begin with."""
    said = " ".join((endpoint.__doc__ or "").split())
    told = _REFERENCES.sub("", _PLACE.sub("", said)).strip()
    told = told[:1].upper() + told[1:]
    return {"summary": re.split(r"(?<=\w)[.;:](?:\s|$)", told)[0], "description": told}


def _path(operation: Operation, named: Sequence[str], schemas: Schemas) -> list[Schema]:
    if operation.path is not None:
        return parameters(_resolved(schemas, schemas.of(operation.path, "validation")), "path")
    return [
        {"name": name, "in": "path", "required": True, "schema": _UUID if name.endswith("_id") else _TEXT}
        for name in named
    ]


def _query(operation: Operation, schemas: Schemas) -> list[Schema]:
    if operation.query is None:
        return []
    return parameters(_resolved(schemas, schemas.of(operation.query, "validation")), "query")


def _headers(operation: Operation) -> list[Schema]:
    return [
        {"name": name, "in": "header", "description": means, "schema": {"type": "string"}}
        for name, means in operation.headers.items()
    ]


def _body(operation: Operation, schemas: Schemas) -> Schema:
    content: Schema = {}
    if operation.body is not None:
        content["application/json"] = {"schema": schemas.of(operation.body, "validation")}
        if operation.is_body_form:
            content["application/x-www-form-urlencoded"] = content["application/json"]
    if operation.is_upload:
        file = {"type": "string", "format": "binary"}
        form = {"type": "object", "required": ["file"], "properties": {"file": file}}
        content["multipart/form-data"] = {"schema": form}
    return {"required": not operation.is_body_optional, "content": content} if content else {}


def _resolved(schemas: Schemas, schema: Schema) -> Schema:
    """A schema itself, where there is a reference to it."""
    reference: str | None = schema.get("$ref")
    return schema if reference is None else schemas.components[reference.rpartition("/")[2]]
