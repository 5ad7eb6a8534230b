"""One flow, three ways to take its result, the same promises embedded and scaled."""

from tests.making import echo_flow
from tests.reading import Client, milestones

EVENTS = ["vertices_sorted", "build_start", "add_message", "end_vertex", "add_message", "end_vertex"]


def test_sync_answers_with_the_text(client: Client) -> None:
    """A sync run answers with the one text of its one output."""
    flow_id = client.store(echo_flow())
    answer = client.run(flow_id, input_value="hello").json()
    assert answer["status"] == "completed"
    assert answer["output"]["text"] == "hello"
    assert answer["output"]["reason"] == "single"
    assert answer["session_id"] == flow_id


def test_stream_tells_every_event_in_order(client: Client) -> None:
    """A stream has dense ids, the events of the contract in their order, and ends behind the terminal one."""
    flow_id = client.store(echo_flow())
    with client.streaming(flow_id, input_value="hello") as found:
        seen = list(found)
    assert [frame.id for frame in seen] == [str(seq) for seq in range(1, len(seen) + 1)]
    assert [frame.event for frame in seen] == [*EVENTS, "output", "end"]
    assert seen[-2].json["data"]["content"] == "hello"


def test_background_is_there_to_come_back_for(client: Client) -> None:
    """A background run is queued at once and its result is to be had later, under the same id."""
    flow_id = client.store(echo_flow())
    submitted = client.run(flow_id, mode="background", input_value="hello").json()
    events = client.events(submitted["job_id"])
    assert events[-1].event == "end"
    answer = client.http.get(submitted["links"]["status"]).json()
    assert answer["output"]["text"] == "hello"
    assert answer["job_id"] == submitted["job_id"]


def test_every_mode_leaves_the_same_job(client: Client) -> None:
    """Whatever the mode, the job, its log and its result are stored."""
    flow_id = client.store(echo_flow())
    client.run(flow_id, input_value="a", session_id="s")
    with client.streaming(flow_id, input_value="a", session_id="s") as found:
        list(found)
    client.events(client.submit(flow_id, input_value="a", session_id="s"))
    jobs = client.http.get("/api/v2/workflows/jobs", params={"flow_id": flow_id, "session_id": "s"}).json()["jobs"]
    assert [job["mode"] for job in jobs] == ["background", "stream", "sync"]
    for job in jobs:
        assert client.job(job["job_id"])["result"]["output"]["text"] == "a"
        assert len(milestones(client.events(job["job_id"]))) == job["last_event"]


def test_a_submit_can_be_repeated(client: Client) -> None:
    """The same request under the same key is one job, told truthfully; another request under it is refused (I12)."""
    flow_id = client.store(echo_flow())
    job_id = client.submit(flow_id, input_value="once", idempotency_key=f"key-{flow_id}")
    client.events(job_id)
    again = client.run(flow_id, mode="background", input_value="once", idempotency_key=f"key-{flow_id}").json()
    assert (again["job_id"], again["status"]) == (job_id, "completed")
    other = client.run(flow_id, mode="background", input_value="twice", idempotency_key=f"key-{flow_id}")
    assert (other.status_code, other.json()["detail"]["code"]) == (409, "DUPLICATE_REQUEST")
