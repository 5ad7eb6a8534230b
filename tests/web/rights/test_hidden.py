"""What is missing and what is not for the caller are answered with the same bytes (I9, fault F9)."""

import json
import re
from collections.abc import Mapping

import httpx
import pytest

from tests.reading import FLOWS
from tests.web.rights.principals import Principal
from tests.web.rights.rows import ROWS
from tests.web.rights.world import World

NOWHERE = "0b105ea0-ccef-46c8-844d-d57373370a52"
"""The id of nothing."""
_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CREATES = {("PUT", f"{FLOWS}{{flow_id}}")}
"""What is missing is made then, under the id that the caller chose."""
_HIDDEN = [
    pytest.param(route, principal, id=f"{' '.join(route)} by {principal}")
    for route, row in ROWS.items()
    if route not in _CREATES
    for principal in Principal
    if row.statuses[principal] == 404
]


@pytest.mark.parametrize(("route", "principal"), _HIDDEN)
def test_what_is_not_theirs_looks_as_if_it_were_not_there(
    lasting: World, route: tuple[str, str], principal: Principal
) -> None:
    call, method = ROWS[route].call(lasting), route[0]
    theirs = lasting.send(principal, method, call.url, **call.body)
    nowhere = json.loads(_ID.sub(NOWHERE, json.dumps(dict(call.body))))
    missing = lasting.send(principal, method, _ID.sub(NOWHERE, call.url), **nowhere)
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert _ID.sub(NOWHERE, theirs.text) == missing.text
    assert _headers(theirs) == _headers(missing)


def _headers(answer: httpx.Response) -> Mapping[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}
