"""The routes under /api/v1/variables: a user's secrets, which go in and do not come out (rule 12)."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.errors import NameTaken, TooMany
from storage.variables import (
    MOST,
    VariableView,
    create_variable,
    delete_variable_by_id,
    list_variables,
    rotate_variable,
)
from web.access import canonical
from web.bodies import read_model
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit_account
from web.texts import GlobalName, GlobalValue


class VariableBody(BaseModel):
    """`POST /api/v1/variables/`. What else Langflow's client sends is ignored."""

    model_config = ConfigDict(extra="ignore")

    name: GlobalName
    value: GlobalValue = Field(repr=False)


class VariableDetail(BaseModel):
    """A variable without its value."""

    id: str
    name: str
    type: Literal["Credential"] = "Credential"
    created_at: datetime
    updated_at: datetime


class VariablePatch(BaseModel):
    """`PATCH /api/v1/variables/{variable_id}`. A variable keeps its name."""

    model_config = ConfigDict(extra="ignore")

    value: GlobalValue = Field(repr=False)


async def variables(request: Request) -> Response:
    """GET /api/v1/variables/: the caller's variables by name, without their values."""
    services, caller = await admit_account(request)
    found = await run_in_threadpool(list_variables, services.store.database, caller.user_id)
    return json_response([_shown(variable) for variable in found])


async def post_variable(request: Request) -> Response:
    """POST /api/v1/variables/: stores a value under a new name; 201, or 409 for a name that is there."""
    services, caller = await admit_account(request)
    body = await read_model(request, VariableBody, services.limits.max_body_bytes)
    return json_response(await run_in_threadpool(_create, services, caller, body), 201)


async def patch_variable(request: Request) -> Response:
    """PATCH /api/v1/variables/{variable_id}: another value for the same name."""
    services, caller = await admit_account(request)
    body = await read_model(request, VariablePatch, services.limits.max_body_bytes)
    variable_id = request.path_params["variable_id"]
    return json_response(await run_in_threadpool(_rotate, services, caller, variable_id, body.value))


async def remove_variable(request: Request) -> Response:
    """DELETE /api/v1/variables/{variable_id}: deletes a variable; 204."""
    services, caller = await admit_account(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["variable_id"])
    return Response(status_code=204)


def _create(services: Services, caller: Caller, body: VariableBody) -> dict[str, object]:
    store = services.store
    try:
        created = create_variable(store.database, store.secrets, caller.user_id, body.name, body.value, caller.actor)
    except NameTaken as taken:
        raise Refusal(409, "Name taken", "NAME_TAKEN", str(taken), name=taken.name) from None
    except TooMany as many:
        raise Refusal(422, "Too many variables", "TOO_MANY_VARIABLES", str(many), limit=MOST) from None
    return _shown(created)


def _rotate(services: Services, caller: Caller, variable_id: str, value: str) -> dict[str, object]:
    store = services.store
    meant = canonical(variable_id)
    rotated = rotate_variable(store.database, store.secrets, caller.user_id, meant, value, caller.actor)
    if rotated is None:
        raise _variable_not_found(variable_id)
    return _shown(rotated)


def _delete(services: Services, caller: Caller, variable_id: str) -> None:
    if not delete_variable_by_id(services.store.database, caller.user_id, canonical(variable_id), caller.actor):
        raise _variable_not_found(variable_id)


def _variable_not_found(variable_id: str) -> Refusal:
    """Missing, or not this caller's: the answer is the same (I9)."""
    message = f"Variable {variable_id} not found."
    return Refusal(404, "Variable not found", "VARIABLE_NOT_FOUND", message, variable_id=variable_id)


def _shown(variable: VariableView) -> dict[str, object]:
    return VariableDetail.model_validate(variable, from_attributes=True).model_dump()
