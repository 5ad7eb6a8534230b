"""Streams that are open when a right is lost (fault F14), and those that a token opens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from storage.database import Database
from storage.secrets import Secrets
from storage.users import activate, deactivate
from tests.making import approval_flow
from tests.reading import FLOWS, PATIENCE, WORKFLOWS, Frame, frames, until
from tests.web.rights.principals import TEST, Principal
from tests.web.rights.world import World


class Waiting:
    """A job of the executor's that waits for a person, and what happens around it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.flow_id = world.store(approval_flow())
        answer = world.send(Principal.EXECUTOR, "POST", WORKFLOWS, json={"flow_id": self.flow_id, "input_value": "x"})
        self.job_id = answer.json()["job_id"]
        self.request_id = answer.json()["human_request"]["request_id"]

    @contextmanager
    def followed(self, url: str, headers: dict[str, str]) -> Iterator[Iterator[Frame]]:
        with (
            httpx.Client(base_url=self.world.http.base_url, timeout=PATIENCE, headers=headers) as client,
            client.stream("GET", url) as stream,
        ):
            assert stream.status_code == 200, stream.read()
            yield frames(stream)

    def answer(self) -> None:
        """A superuser decides, so that something happens in the log."""
        body = {"request_id": self.request_id, "decision": {"action_id": "approve"}}
        url = f"{WORKFLOWS}/{self.job_id}/resume"
        assert self.world.send(Principal.SUPERUSER, "POST", url, json=body).is_success

    def unshare(self) -> None:
        shares = self.world.by_owner("GET", f"{FLOWS}{self.flow_id}/shares")
        [share_id] = [one["id"] for one in shares if one["user"] == Principal.EXECUTOR]
        self.world.by_owner("DELETE", f"{FLOWS}{self.flow_id}/shares/{share_id}")


def lose_nothing(waiting: Waiting, kept: Database) -> None:
    """The stream goes on."""


def lose_the_share(waiting: Waiting, kept: Database) -> None:
    waiting.unshare()


def lose_the_account(waiting: Waiting, kept: Database) -> None:
    deactivate(kept, waiting.world.people.user_ids[Principal.EXECUTOR], TEST)


@pytest.mark.parametrize("by_token", [False, True], ids=["by key", "by token"])
@pytest.mark.parametrize(
    ("lose", "sees_the_end"), [(lose_nothing, True), (lose_the_share, False), (lose_the_account, False)]
)
def test_a_stream_ends_before_the_next_event_when_its_reader_has_lost_the_right(
    world: World, kept: Database, lose: Callable[[Waiting, Database], None], sees_the_end: bool, by_token: bool
) -> None:
    waiting = Waiting(world)
    headers = dict(world.people.headers[Principal.EXECUTOR])
    url = f"{WORKFLOWS}/{waiting.job_id}/events"
    if by_token:
        url = world.send(Principal.EXECUTOR, "POST", f"{WORKFLOWS}/{waiting.job_id}/stream-token").json()["url"]
        headers = {}
    with waiting.followed(f"{url}{'&' if by_token else '?'}on_suspend=follow", headers) as stream:
        until(stream, "human_input_required")
        try:
            lose(waiting, kept)
            waiting.answer()
            seen = [frame.event for frame in stream]
        finally:
            activate(kept, world.people.user_ids[Principal.EXECUTOR], TEST)
    assert ("end" in seen) is sees_the_end
    assert ("human_input_resolved" in seen) is sees_the_end


def test_the_state_of_the_graph_is_not_shown_on_to_who_may_only_run(world: World) -> None:
    """A stream that shows it ends when its reader may change the flow no more; whoever comes back reads on without."""
    flow_id = world.store(approval_flow())
    body = {"flow_id": flow_id, "input_value": "x", "mode": "background"}
    job_id = world.send(Principal.WRITER, "POST", WORKFLOWS, json=body).json()["job_id"]
    headers = world.people.headers[Principal.WRITER]
    with (
        httpx.Client(base_url=world.http.base_url, timeout=PATIENCE, headers=headers) as client,
        client.stream("GET", f"{WORKFLOWS}/{job_id}/events?on_suspend=follow") as stream,
    ):
        read = frames(stream)
        assert "vertices_sorted" in [frame.event for frame in until(read, "human_input_required")]
        lowered = {"user": Principal.WRITER.value, "level": "execute"}
        world.by_owner("POST", f"{FLOWS}{flow_id}/shares", json=lowered)
        [asked] = world.send(Principal.WRITER, "GET", f"{WORKFLOWS}/{job_id}/pending").json()
        decision = {"request_id": asked["request_id"], "decision": {"action_id": "approve"}}
        assert world.send(Principal.WRITER, "POST", f"{WORKFLOWS}/{job_id}/resume", json=decision).is_success
        assert "vertices_sorted" not in [frame.event for frame in read]
    again = world.send(Principal.WRITER, "GET", f"{WORKFLOWS}/{job_id}/events?on_suspend=follow")
    told = [frame.event for frame in frames(again)]
    assert told[-1] == "end"
    assert "vertices_sorted" not in told


def test_a_token_opens_the_events_of_its_job_and_nothing_else(world: World) -> None:
    """F13."""
    token = world.send(Principal.OWNER, "POST", f"{WORKFLOWS}/{world.job_id}/stream-token").json()["token"]
    other_job = World(world.http, world.proxy, world.people).job_id
    paths = [
        f"{WORKFLOWS}/{world.job_id}/events",
        f"{WORKFLOWS}/{other_job}/events",
        f"{WORKFLOWS}/{world.job_id}",
        f"{WORKFLOWS}/{world.job_id}/pending",
    ]
    found = [world.send(Principal.ANONYMOUS, "GET", f"{path}?stream_token={token}").status_code for path in paths]
    assert found == [200, 401, 403, 403]


@pytest.mark.parametrize("token", ["", "x", "gAAAAAB-not-of-ours"])
def test_a_token_of_nobody_opens_nothing(world: World, token: str) -> None:
    answer = world.send(Principal.OWNER, "GET", f"{WORKFLOWS}/{world.job_id}/events?stream_token={token}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token"})


def test_a_token_of_another_server_opens_nothing(world: World) -> None:
    claim = {"user_id": world.people.user_ids[Principal.OWNER], "end_user": "alice"}
    made_up = Secrets(["yO2cXbEYMJNr2qW1Kh8Tn1bGZ4k0wq4q1dGuyzHlE9c="]).seal(claim, f"stream:{world.job_id}").decode()
    url = f"{WORKFLOWS}/{world.job_id}/events?stream_token={made_up}"
    assert world.send(Principal.ANONYMOUS, "GET", url).status_code == 401
