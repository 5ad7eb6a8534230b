"""What is told of every endpoint; a route that is added is described in the file of its subject."""

from collections.abc import Mapping

from web.openapi.operation import Endpoint, Operation
from web.openapi.operations.flows import FLOWS
from web.openapi.operations.human_requests import HUMAN_REQUESTS
from web.openapi.operations.keeping import KEEPING
from web.openapi.operations.people import PEOPLE
from web.openapi.operations.sdk import SDK
from web.openapi.operations.service import SERVICE
from web.openapi.operations.workflows import WORKFLOWS

OPERATIONS: Mapping[Endpoint, Operation] = {
    **WORKFLOWS,
    **HUMAN_REQUESTS,
    **FLOWS,
    **SDK,
    **KEEPING,
    **PEOPLE,
    **SERVICE,
}
