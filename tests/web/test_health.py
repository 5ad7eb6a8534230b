"""What /ready tells: the parts, and whether anybody does the work."""

from typing import Any

from tests.actors.workplace import eventually
from tests.reading import Client


def ready(client: Client) -> dict[str, Any]:
    answer = client.http.get("/ready")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_server_at_work(client: Client, echo: str) -> None:
    """Its threads, when a job was last taken, that nothing waits, and that somebody looks after what stands still."""
    client.run(echo, input_value="x")
    eventually(lambda: work(client)["last_sweep"] is not None)
    found = ready(client)
    assert [found[name] for name in ("database", "stream", "workers")] == ["ok", "ok", "ok"]
    standing = work(client)
    assert (standing["workers"], standing["threads"], standing["stuck_threads"]) == (1, 8, 0)
    assert (standing["queued"], standing["oldest_queued"]) == (0, None)


def work(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = ready(client)["work"]
    return found
