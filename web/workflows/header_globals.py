"""Globals of a run that come with headers (contract 1.1)."""

from collections.abc import Mapping

from starlette.requests import Request

from web.bodies import validated
from web.workflows.schemas import GivenGlobals

GLOBAL_HEADER = "x-langflow-global-var-"


def with_header_globals(request: Request, given: Mapping[str, str]) -> dict[str, str]:
    """The globals of the body, and those that headers bring. Refuses with 422 what the body could not have held."""
    brought = _header_globals(request)
    if not brought:
        return dict(given)
    return validated({"globals": {**brought, **given}}, GivenGlobals, "header").globals


def _header_globals(request: Request) -> dict[str, str]:
    """The globals that headers bring, their names upper-cased."""
    return {
        name.removeprefix(GLOBAL_HEADER).upper(): value
        for name, value in request.headers.items()
        if name.startswith(GLOBAL_HEADER) and name != GLOBAL_HEADER
    }
