"""A client that may never hear the answer, and then asks again."""

from contextlib import suppress

import httpx

from tests.reading import WORKFLOWS, Client
from tests.shapes import Exported


class Asking:
    """Wants one run of a flow, whatever becomes of its requests. `client` may be exchanged for another one."""

    def __init__(self, client: Client, exported: Exported) -> None:
        self.client = client
        self._flow_id = client.store(exported)
        self._job_id: str | None = None

    @property
    def job_id(self) -> str:
        assert self._job_id is not None, "no submit was answered"
        return self._job_id

    @property
    def is_answered(self) -> bool:
        return self._job_id is not None

    def submit(self) -> None:
        """Asks for the run, again under the same key when the answer was lost (I12)."""
        if self._job_id is None:
            with suppress(httpx.TransportError):
                self._job_id = self.client.submit(self._flow_id, input_value="hello", idempotency_key=self._flow_id)

    def stop(self) -> None:
        """Asks for the end of the run; the answer may be lost."""
        with suppress(httpx.TransportError):
            answer = self.client.stop(self.job_id)
            assert answer.status_code == 200, answer.text

    def jobs(self) -> list[str]:
        """Every job that there is of the flow."""
        answer = self.client.http.get(f"{WORKFLOWS}/jobs", params={"flow_id": self._flow_id})
        return [job["job_id"] for job in answer.json()["jobs"]]
