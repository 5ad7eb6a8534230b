"""What is told of the routes of what is kept for runs: files, messages, knowledge."""

from collections.abc import Mapping

from web.files import (
    FileDetail,
    FilesQuery,
    FlowFileDetail,
    files,
    get_file,
    post_file,
    post_flow_file,
    remove_file,
)
from web.knowledge_bases import KnowledgeBaseDetail, KnowledgePath, knowledge_bases, remove_knowledge_base
from web.messages import (
    FlowQuery,
    MessageIds,
    MessagesQuery,
    PageQuery,
    SessionPath,
    messages,
    remove_messages,
    remove_session,
    sessions,
)
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag
from web.protocols.langflow_messages import ChatMessage

OF_AN_UPLOAD = {
    400: ("MISSING_PARAMETER",),
    413: ("PAYLOAD_TOO_LARGE",),
    415: ("UNSUPPORTED_FILE_TYPE",),
    422: ("TOO_MANY_FILES",),
}

KEEPING: Mapping[Endpoint, Operation] = {
    files: Operation(
        Tag.FILES,
        query=FilesQuery,
        answers={200: Answer("The files.", list[FileDetail])},
        refuses={403: ("NOT_FOR_END_USERS", "FLOW_WRITE_FORBIDDEN"), 404: ("FLOW_NOT_FOUND",)},
    ),
    post_file: Operation(
        Tag.FILES,
        is_upload=True,
        answers={201: Answer("The file is stored.", FileDetail)},
        refuses=OF_AN_UPLOAD,
    ),
    get_file: Operation(
        Tag.FILES,
        answers={200: Answer("The bytes of the file, as the type that it was taken for.", media_type="*/*")},
        refuses={404: ("FILE_NOT_FOUND",)},
    ),
    remove_file: Operation(
        Tag.FILES,
        answers={204: Answer("The file is deleted.")},
        refuses={404: ("FILE_NOT_FOUND",)},
    ),
    post_flow_file: Operation(
        Tag.FILES,
        admits=Admits.ACCOUNTS,
        is_upload=True,
        answers={201: Answer("The file is stored.", FlowFileDetail)},
        refuses={**OF_AN_UPLOAD, 403: ("FLOW_WRITE_FORBIDDEN",), 404: ("FLOW_NOT_FOUND",)},
    ),
    messages: Operation(
        Tag.MEMORY,
        query=MessagesQuery,
        answers={200: Answer("The messages.", list[ChatMessage])},
    ),
    remove_messages: Operation(
        Tag.MEMORY,
        body=MessageIds,
        answers={204: Answer("There are no such messages any more.")},
    ),
    sessions: Operation(
        Tag.MEMORY,
        query=PageQuery,
        answers={200: Answer("The ids of the sessions.", list[str])},
    ),
    remove_session: Operation(
        Tag.MEMORY,
        path=SessionPath,
        query=FlowQuery,
        answers={204: Answer("There is no such session any more.")},
    ),
    knowledge_bases: Operation(
        Tag.MEMORY,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The knowledge bases.", list[KnowledgeBaseDetail])},
    ),
    remove_knowledge_base: Operation(
        Tag.MEMORY,
        admits=Admits.ACCOUNTS,
        path=KnowledgePath,
        answers={204: Answer("The knowledge base is deleted.")},
        refuses={404: ("KNOWLEDGE_BASE_NOT_FOUND",)},
    ),
}
