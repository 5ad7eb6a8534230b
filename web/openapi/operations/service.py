"""What is told of the routes by which the service tells of itself."""

from collections.abc import Mapping

from web.health import Health, Readiness, health, ready
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag
from web.openapi.serving import docs_file, docs_page, openapi_document

SERVICE: Mapping[Endpoint, Operation] = {
    health: Operation(
        Tag.SERVICE,
        admits=Admits.ANYBODY,
        answers={200: Answer("The process answers.", Health)},
    ),
    ready: Operation(
        Tag.SERVICE,
        admits=Admits.ANYBODY,
        answers={
            200: Answer("The process can do its work, or store it.", Readiness),
            503: Answer("The database does not answer.", Readiness),
        },
    ),
    openapi_document: Operation(
        Tag.SERVICE,
        admits=Admits.ANYBODY,
        answers={
            200: Answer("The document.", dict[str, object], headers={"ETag": "Which document it is."}),
            304: Answer("The client has it already."),
        },
    ),
    docs_page: Operation(
        Tag.SERVICE,
        admits=Admits.ANYBODY,
        answers={200: Answer("The page.", media_type="text/html")},
    ),
    docs_file: Operation(
        Tag.SERVICE,
        admits=Admits.ANYBODY,
        answers={200: Answer("A script, a style or a picture.", media_type="*/*"), 304: Answer("The client has it.")},
        tells=(404,),
    ),
}
