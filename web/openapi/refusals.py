"""How requests are refused: the bodies of refusals, and their codes with what each means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict


class RefusalDetail(BaseModel):
    """Why a request is refused: `code` for programs, `message` for people. Some codes bring more fields."""

    model_config = ConfigDict(extra="allow")

    error: str
    code: str
    message: str


class Refused(BaseModel):
    """A request turned down; nothing was changed."""

    detail: RefusalDetail


class RefusedInText(BaseModel):
    """A request turned down, where the contract has a text only."""

    detail: str


class Fault(BaseModel):
    """One thing that does not fit, and where it is."""

    type: str
    loc: list[str | int]
    msg: str
    ctx: dict[str, Any] | None = None


class Unfit(BaseModel):
    """A body, query or path that does not fit its schema: every fault."""

    detail: list[Fault]


@dataclass(frozen=True)
class Code:
    """One code: what it means, and the fields that come with it."""

    means: str
    brings: tuple[str, ...] = ()


CODES: Mapping[str, Code] = {
    "API_KEY_NOT_FOUND": Code("There is no such key of the caller's.", ("api_key_id",)),
    "ARCHIVE_TOO_LARGE": Code("What is in the archive has too many bytes.", ("limit",)),
    "BODY_TIMEOUT": Code("The body did not come in time."),
    "CREDENTIALS_UNREADABLE": Code("What proves who calls cannot be checked here."),
    "DATABASE_ERROR": Code("The database did not answer; nothing was changed. Try again."),
    "DUPLICATE_REQUEST": Code("The idempotency key belongs to another request.", ("job_id",)),
    "END_USER_IDENTITY_REQUIRED": Code("The proxy must name the end user, and did not, or not well."),
    "EXECUTION_TIMEOUT": Code("The run took longer than it was allowed to.", ("job_id", "flow_id")),
    "FILE_NOT_FOUND": Code("There is no such file for the caller, or for this run.", ("file_id or path",)),
    "EXECUTION_ERROR": Code("The run failed.", ("job_id", "flow_id", "error_detail")),
    "FLOW_EXECUTE_FORBIDDEN": Code("The caller may see the flow, and not run it.", ("flow_id",)),
    "FLOW_HAS_LIVE_JOBS": Code("Jobs of the flow are not over yet.", ("flow_id", "job_ids")),
    "FLOW_NOT_FOUND": Code("There is no such flow for the caller.", ("flow_id",)),
    "FLOW_OWNER_REQUIRED": Code("Only the owner of the flow may do that.", ("flow_id",)),
    "FLOW_WRITE_FORBIDDEN": Code("The caller may see the flow, and not change it.", ("flow_id",)),
    "HEADERS_TOO_LARGE": Code("The headers have too many bytes together.", ("limit",)),
    "HUMAN_INPUT_REQUIRED": Code("The flow asks people, of which this route cannot tell.", ("flow_id",)),
    "INPUT_TYPE_REFUSED": Code("Whoever may not change the flow gives an input to its chat only.", ("fields",)),
    "INTERNAL_SERVER_ERROR": Code("A defect of the server, which its log tells of."),
    "INTERRUPT_NOT_FOUND": Code("The thread has no such interrupt for the caller.", ("interrupt_id",)),
    "INVALID_ARCHIVE": Code("The archive cannot be read, or holds something else than flows."),
    "INVALID_DECISION": Code("The decision does not fit what was asked, which stays open.", ("errors",)),
    "INVALID_FLOW_DATA": Code("The definition of the flow cannot run."),
    "INVALID_REQUEST_OVERRIDES": Code("The tweaks are nested too deeply.", ("field",)),
    "JOB_CANCELLED": Code("The run was stopped.", ("job_id", "flow_id")),
    "JOB_FAILED": Code("The job has failed; the answer itself is in order.", ("job_id", "flow_id", "error_detail")),
    "JOB_NOT_FOUND": Code("There is no such job for the caller.", ("job_id",)),
    "KNOWLEDGE_BASE_NOT_FOUND": Code("There is no such knowledge base of the caller's.", ("name",)),
    "MISSING_PARAMETER": Code("Something that must be given was not."),
    "MODE_UNSUPPORTED_FIELDS": Code("Modes `stream` and `background` do not take these.", ("fields",)),
    "NAME_TAKEN": Code("There is one of this name already.", ("name",)),
    "NOT_AN_ANSWERER": Code("The request is for other people to answer.", ("job_id", "request_id")),
    "NOT_FOR_END_USERS": Code("It belongs to the service that calls for an end user."),
    "NOT_PAUSABLE": Code("The job is over.", ("job_id",)),
    "NOT_RESUMABLE": Code("The job does not wait for this, or somebody else was first.", ("job_id",)),
    "NO_FLOWS": Code("There are no flows in the file."),
    "PAYLOAD_TOO_LARGE": Code("The body has too many bytes.", ("limit",)),
    "PROJECT_HAS_LIVE_JOBS": Code("Jobs of flows in the project are not over yet.", ("project_id", "job_ids")),
    "PROJECT_NOT_FOUND": Code("There is no such project of the caller's.", ("project_id",)),
    "QUERY_TOO_LONG": Code("The query has too many bytes.", ("limit",)),
    "RATE_LIMITED": Code("Too many requests within a minute; `Retry-After` says when it is over."),
    "REQUEST_OVERRIDES_UNAVAILABLE": Code("What was given with the run cannot be decrypted here.", ("job_id",)),
    "RESERVED_NAME": Code("Only sessions and keys of end users have `::` in them."),
    "SECRETS_UNAVAILABLE": Code("What is needed cannot be decrypted here."),
    "SERVICE_BUSY": Code("This is more than the server takes on now; `Retry-After` says when to try again."),
    "SHARE_NOT_FOUND": Code("The flow has no such share.", ("share_id",)),
    "SYNC_MODE_UNSUPPORTED_FIELDS": Code("Mode `sync` does not take these.", ("fields",)),
    "TOO_MANY_API_KEYS": Code("The caller has as many keys as one may.", ("limit",)),
    "TOO_MANY_FILES": Code("The caller, or the flow, has as many files as one may.", ("limit",)),
    "TOO_MANY_FLOWS": Code("There would be more flows than one user, or one upload, may have.", ("limit",)),
    "TOO_MANY_PROJECTS": Code("The caller has as many projects as one may.", ("limit",)),
    "TOO_MANY_SHARES": Code("The flow has as many shares as one may.", ("limit",)),
    "TOO_MANY_STREAMS": Code("The caller follows as many streams as one user may."),
    "TOO_MANY_VARIABLES": Code("The caller has as many variables as one may.", ("limit",)),
    "TWEAKS_REFUSED": Code("These fields may not be overridden.", ("fields",)),
    "UNKNOWN_OUTPUT_IDS": Code("These are no terminal components of the flow.", ("available",)),
    "UNKNOWN_STREAM_PROTOCOL": Code("Nothing here speaks this protocol.", ("available",)),
    "UNKNOWN_USER": Code("There is nobody of this name.", ("user",)),
    "UNSUPPORTED_FILE_TYPE": Code("Files of this type are not taken.", ("available",)),
    "VARIABLE_NOT_FOUND": Code("There is no such variable of the caller's.", ("variable_id",)),
}
