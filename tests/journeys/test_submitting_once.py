"""One idempotency key is one job, however often and wherever it is sent (I12)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.journeys.checking import check_log
from tests.journeys.gated import Gate
from tests.reading import WORKFLOWS, Client

SIMULTANEOUS = 20


def test_simultaneous_submits_make_one_job(client: Client, other_client: Client, gate: Gate) -> None:
    """Twenty at each of two web processes at once are all answered with one job; a stop frees the key for another."""
    flow_id = client.store(gate.flow("Gated"))
    barrier = Barrier(2 * SIMULTANEOUS)

    def submit(to: Client) -> str:
        barrier.wait()
        return to.submit(flow_id, input_value="x", idempotency_key=flow_id)

    with ThreadPoolExecutor(2 * SIMULTANEOUS) as threads:
        [job_id] = set(threads.map(submit, [client, other_client] * SIMULTANEOUS))
    other_client.stop(job_id)
    again = client.submit(flow_id, input_value="x", idempotency_key=flow_id)
    gate.open()
    check_log(client.events(again), "completed")
    jobs = client.http.get(f"{WORKFLOWS}/jobs", params={"flow_id": flow_id}).json()["jobs"]
    assert [job["job_id"] for job in jobs] == [again, job_id]
