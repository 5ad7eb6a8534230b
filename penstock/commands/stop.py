"""`penstock stop`: a job of a server that is to run no further."""

from penstock.console import answer
from penstock.server import Server


def stop(server: Server, job_id: str) -> None:
    """Stops a job, and says what became of it."""
    with server.client() as client:
        answer(client.stop(job_id).message)
