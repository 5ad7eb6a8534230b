"""What is told of the routes under /api/v1/flows: flows, and with whom they are shared."""

from collections.abc import Mapping

from web.flow_management import flows, get_flow, patch_flow, post_flow, put_flow, remove_flow, upload_flow
from web.flow_schemas import FlowBody, FlowDetail, FlowPatch, FlowsQuery
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag
from web.shares import ShareBody, ShareDetail, put_share, remove_share, shares

OF_A_FLOW = ("FLOW_NOT_FOUND",)
OF_A_FLOW_OR_PROJECT = (*OF_A_FLOW, "PROJECT_NOT_FOUND")
OF_ITS_OWNER = {403: ("FLOW_OWNER_REQUIRED",), 404: OF_A_FLOW}
OF_ITS_CHANGE = {403: ("FLOW_WRITE_FORBIDDEN", "FLOW_OWNER_REQUIRED"), 404: OF_A_FLOW}
OF_A_DEFINITION = {400: ("INVALID_FLOW_DATA",), 409: ("NAME_TAKEN",), 422: ("TOO_MANY_FLOWS",)}

FLOWS: Mapping[Endpoint, Operation] = {
    flows: Operation(
        Tag.FLOWS,
        query=FlowsQuery,
        answers={200: Answer("The flows that the caller may see.", list[FlowDetail])},
    ),
    post_flow: Operation(
        Tag.FLOWS,
        admits=Admits.ACCOUNTS,
        body=FlowBody,
        answers={201: Answer("The flow is stored.", FlowDetail)},
        refuses=OF_A_DEFINITION,
    ),
    upload_flow: Operation(
        Tag.FLOWS,
        admits=Admits.ACCOUNTS,
        body=FlowBody,
        is_upload=True,
        answers={201: Answer("The flows are stored.", list[FlowDetail])},
        refuses={**OF_A_DEFINITION, 400: ("INVALID_FLOW_DATA", "MISSING_PARAMETER")},
    ),
    get_flow: Operation(
        Tag.FLOWS,
        answers={200: Answer("The flow.", FlowDetail)},
        refuses={404: OF_A_FLOW},
    ),
    patch_flow: Operation(
        Tag.FLOWS,
        admits=Admits.ACCOUNTS,
        body=FlowPatch,
        answers={200: Answer("The flow as it is now.", FlowDetail)},
        refuses={**OF_ITS_CHANGE, 400: ("INVALID_FLOW_DATA",), 404: OF_A_FLOW_OR_PROJECT, 409: ("NAME_TAKEN",)},
    ),
    put_flow: Operation(
        Tag.FLOWS,
        admits=Admits.ACCOUNTS,
        body=FlowBody,
        answers={
            200: Answer("The flow as it is now.", FlowDetail),
            201: Answer("There was none; the flow is stored.", FlowDetail),
        },
        refuses={**OF_A_DEFINITION, **OF_ITS_CHANGE, 404: OF_A_FLOW_OR_PROJECT},
    ),
    remove_flow: Operation(
        Tag.FLOWS,
        admits=Admits.ACCOUNTS,
        answers={204: Answer("The flow is deleted.")},
        refuses={**OF_ITS_OWNER, 409: ("FLOW_HAS_LIVE_JOBS",)},
    ),
    shares: Operation(
        Tag.SHARING,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The shares of the flow.", list[ShareDetail])},
        refuses=OF_ITS_OWNER,
    ),
    put_share: Operation(
        Tag.SHARING,
        admits=Admits.ACCOUNTS,
        body=ShareBody,
        answers={201: Answer("The share as it is now.", ShareDetail)},
        refuses={**OF_ITS_OWNER, 422: ("UNKNOWN_USER", "TOO_MANY_SHARES")},
    ),
    remove_share: Operation(
        Tag.SHARING,
        admits=Admits.ACCOUNTS,
        answers={204: Answer("The share is taken back.")},
        refuses={**OF_ITS_OWNER, 404: (*OF_A_FLOW, "SHARE_NOT_FOUND")},
    ),
}
