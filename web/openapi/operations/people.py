"""What is told of the routes of what belongs to a user: logins, keys, variables, the audit log."""

from collections.abc import Mapping

from web.accounts.api_keys import KeyBody, KeyList, KeyRevoked, NewKeyDetail, api_keys, post_api_key, remove_api_key
from web.accounts.audit import AuditPage, AuditQuery, audit_log
from web.accounts.login import LoggedOut, LoginBody, SessionDetail, WhoamiDetail, login, logout, session, whoami
from web.accounts.variables import (
    VariableBody,
    VariableDetail,
    VariablePatch,
    patch_variable,
    post_variable,
    remove_variable,
    variables,
)
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag

PEOPLE: Mapping[Endpoint, Operation] = {
    login: Operation(
        Tag.PEOPLE,
        admits=Admits.VISITORS,
        body=LoginBody,
        is_body_form=True,
        answers={
            200: Answer(
                "Signed in.", SessionDetail, headers={"Set-Cookie": "The login, for the browser; no script sees it."}
            )
        },
        refuses={429: ("RATE_LIMITED",)},
        tells=(401, 403),
    ),
    logout: Operation(Tag.PEOPLE, answers={200: Answer("Signed out.", LoggedOut)}),
    session: Operation(Tag.PEOPLE, answers={200: Answer("Who is signed in.", SessionDetail)}),
    whoami: Operation(Tag.PEOPLE, answers={200: Answer("Who calls.", WhoamiDetail)}),
    api_keys: Operation(
        Tag.PEOPLE,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The keys.", KeyList)},
    ),
    post_api_key: Operation(
        Tag.PEOPLE,
        admits=Admits.ACCOUNTS,
        body=KeyBody,
        answers={200: Answer("The new key.", NewKeyDetail)},
        refuses={422: ("TOO_MANY_API_KEYS",)},
    ),
    remove_api_key: Operation(
        Tag.PEOPLE,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The key is revoked.", KeyRevoked)},
        refuses={404: ("API_KEY_NOT_FOUND",)},
    ),
    audit_log: Operation(
        Tag.PEOPLE,
        admits=Admits.ACCOUNTS,
        query=AuditQuery,
        answers={200: Answer("A page of the log, the newest first.", AuditPage)},
    ),
    variables: Operation(
        Tag.VARIABLES,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The variables.", list[VariableDetail])},
    ),
    post_variable: Operation(
        Tag.VARIABLES,
        admits=Admits.ACCOUNTS,
        body=VariableBody,
        answers={201: Answer("The variable is stored.", VariableDetail)},
        refuses={409: ("NAME_TAKEN",), 422: ("TOO_MANY_VARIABLES",)},
    ),
    patch_variable: Operation(
        Tag.VARIABLES,
        admits=Admits.ACCOUNTS,
        body=VariablePatch,
        answers={200: Answer("The variable has the new value.", VariableDetail)},
        refuses={404: ("VARIABLE_NOT_FOUND",)},
    ),
    remove_variable: Operation(
        Tag.VARIABLES,
        admits=Admits.ACCOUNTS,
        answers={204: Answer("The variable is deleted.")},
        refuses={404: ("VARIABLE_NOT_FOUND",)},
    ),
}
