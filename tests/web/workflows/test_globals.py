"""Globals that headers bring are bounded as those of the body are (contract 1.1)."""

from collections.abc import Mapping

import pytest

from storage.database import Database
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_invalid, changes_nothing

PREFIX = "X-Langflow-Global-Var-"


def headers(count: int) -> dict[str, str]:
    return {f"{PREFIX}N{number}": "x" for number in range(count)}


INVALID: Mapping[str, tuple[dict[str, str], str, tuple[str, ...]]] = {
    "a long name": ({f"{PREFIX}{'n' * 257}": "x"}, "string_too_long", ("globals", "N" * 257, "[key]")),
    "a long value": ({f"{PREFIX}N": "x" * 65_537}, "string_too_long", ("globals", "N")),
    "too many": (headers(101), "too_long", ("globals",)),
    "too many with those of the body": (headers(100), "too_long", ("globals",)),
}


@pytest.mark.parametrize(("sent", "kind", "place"), INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("mode", ["sync", "stream", "background"])
def test_globals_that_do_not_fit(
    client: Client,
    stored: Database,
    echo: str,
    sent: dict[str, str],
    kind: str,
    place: tuple[str, ...],
    mode: str,
) -> None:
    """Refused in every mode, with the kind and the place of the fault, before anything is stored."""
    body = {"flow_id": echo, "mode": mode, "globals": {"OWN": "x"}}
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, json=body, headers=sent)
    assert_invalid(answer, kind, "header", *place)


def test_globals_on_the_bounds_are_taken(client: Client, echo: str) -> None:
    """The longest name and value, and as many as there may be; a name of the body stands before one of a header."""
    sent = {**headers(98), f"{PREFIX}{'n' * 256}": "x" * 65_536}
    body = {"flow_id": echo, "mode": "background", "globals": {"OWN": "x", "N0": "of the body"}}
    accepted = client.http.post(WORKFLOWS, json=body, headers=sent)
    assert accepted.status_code == 200, accepted.text
    client.events(accepted.json()["job_id"])
    globals = accepted.json()["globals"]
    assert len(globals) == 100
    assert (globals["N" * 256], globals["N0"]) == ("x" * 65_536, "of the body")


def test_a_header_without_a_name_is_no_global(client: Client, echo: str) -> None:
    answer = client.http.post(WORKFLOWS, json={"flow_id": echo}, headers={PREFIX: "x"})
    assert answer.json()["globals"] == {}
