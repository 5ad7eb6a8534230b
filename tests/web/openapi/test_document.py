"""The document tells of everything, and of nothing else."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from starlette.routing import Route

import web
from flows.events import EventType
from web.flow_schemas import FlowPath
from web.openapi.operation import Endpoint
from web.openapi.operations import OPERATIONS
from web.openapi.refusals import CODES
from web.openapi.streams import EVENTS
from web.protocols import PROTOCOLS
from web.routes import ROUTES

WEB = Path(web.__file__).parent
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")
READERS = ("read_model", "validated", "validated_query")
"""The functions that take a model as their second argument."""


def routes() -> set[tuple[str, str]]:
    found = {(method, route.path) for route in ROUTES if isinstance(route, Route) for method in route.methods or ()}
    return {(method.lower(), re.sub(r":\w+}", "}", path)) for method, path in found if method != "HEAD"}


def trees() -> Iterator[ast.AST]:
    """The source of the room, but for what describes it and the protocols, whose events are written as codes are."""
    for file in WEB.rglob("*.py"):
        if not {"openapi", "protocols"} & set(file.parts):
            yield from ast.walk(ast.parse(file.read_text()))


def codes_by_status(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (status, code)
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        for code in re.findall(r"^\* `(\w+)`", answer["description"], re.MULTILINE)
    }


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """The document is one of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described(document: dict[str, Any]) -> None:
    """Every route and method is in the document, and nothing in it is without a route."""
    told = {(method, path) for path, operations in document["paths"].items() for method in operations}
    assert told == routes()
    assert OPERATIONS.keys() == {route.endpoint for route in ROUTES if isinstance(route, Route)}


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    """Each has a name of its own, a summary and a description, without what is for those who work on the server."""
    told = [one for operations in document["paths"].values() for one in operations.values()]
    assert len({one["operationId"] for one in told}) == len(told)
    for one in told:
        assert one["summary"], one["operationId"]
        assert one["description"], one["operationId"]
        assert not re.search(r"\((contract|fault|rule|I\d)", one["description"]), one["description"]


def test_every_type_of_event_is_described(document: dict[str, Any]) -> None:
    """The events of the protocol `langflow` are those that a job may have, each with a model."""
    schemas = document["components"]["schemas"].values()
    told = {schema["properties"]["event"].get("const") for schema in schemas if "event" in schema.get("properties", ())}
    assert {str(event) for event in EventType} <= told


def test_every_protocol_is_described() -> None:
    assert EVENTS.keys() == PROTOCOLS.keys()


def test_every_code_is_described(document: dict[str, Any]) -> None:
    """Every code in the source is in the document, and every one that is described is in the source."""
    written = {node.value for node in trees() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    codes = {text for text in written if CODE.fullmatch(text)}
    assert codes == {code for _, code in codes_by_status(document)} == CODES.keys()


def test_every_refusal_has_its_status(document: dict[str, Any]) -> None:
    """The status that a code is written with in the source is one that it is told of with."""
    written = {
        (str(node.args[0].value), str(node.args[2].value))
        for node in trees()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal"
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[2], ast.Constant)
    }
    assert len(written) > 20
    assert written <= codes_by_status(document)


@pytest.mark.parametrize("endpoint", OPERATIONS, ids=lambda endpoint: endpoint.__name__)
def test_a_route_reads_the_models_that_are_told(endpoint: Endpoint) -> None:
    """The model that an operation is described with is the very one that its endpoint reads a request with."""
    operation = OPERATIONS[endpoint]
    told = {model for model in (operation.body, operation.query, operation.path) if model is not None}
    assert told == read_by(endpoint) - {FlowPath}


def read_by(endpoint: Endpoint) -> set[type[BaseModel]]:
    """The models that an endpoint, or what it uses of its own file, reads with."""
    module = sys.modules[endpoint.__module__]
    found: set[type[BaseModel]] = set()
    wanted, seen = [endpoint.__name__], set[str]()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        for node in ast.walk(ast.parse(inspect.getsource(getattr(module, name)))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS:
                found.add(getattr(module, ast.unparse(node.args[1])))
            elif isinstance(node, ast.Name) and node.id not in seen and _is_function_of(module, node.id):
                wanted.append(node.id)
    return found


def _is_function_of(module: ModuleType, name: str) -> bool:
    function = vars(module).get(name)
    return name.startswith("_") and inspect.isfunction(function) and function.__module__ == module.__name__
