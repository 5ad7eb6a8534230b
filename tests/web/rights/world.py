"""What belongs to the owner, made anew for every call, so that no call finds what another one left."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import httpx

from tests.making import approval_flow, echo_flow, ingesting_flow
from tests.reading import FLOWS, WORKFLOWS
from tests.web.rights.principals import SHARED, People, Principal


@dataclass(frozen=True)
class World:
    """The owner's things. Each is made when it is first asked for."""

    http: httpx.Client
    proxy: httpx.Client
    people: People

    def send(self, principal: Principal, method: str, url: str, **body: Any) -> httpx.Response:
        """What somebody sends, and what they get."""
        client = self.proxy if principal is Principal.END_USER else self.http
        client.cookies.clear()
        return client.request(method, url, headers=dict(self.people.headers[principal]), **body)

    def by_owner(self, method: str, url: str, **body: Any) -> Any:
        """What the owner gets, who may do everything here."""
        answer = self.send(Principal.OWNER, method, url, **body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def store(self, data: Mapping[str, Any], **fields: Any) -> str:
        """A flow of the owner's, shared with everybody as far as they are named for."""
        flow_id = str(self.by_owner("POST", FLOWS, json={"name": "a flow", "data": data, **fields})["id"])
        for principal, level in SHARED.items():
            self.by_owner("POST", f"{FLOWS}{flow_id}/shares", json={"user": principal.value, "level": level})
        return flow_id

    @cached_property
    def flow_id(self) -> str:
        return self.store(echo_flow(), access_type="PUBLIC")

    @cached_property
    def share_id(self) -> str:
        return str(self.by_owner("GET", f"{FLOWS}{self.flow_id}/shares")[0]["id"])

    @cached_property
    def job_id(self) -> str:
        """A job that has ended."""
        return str(self.by_owner("POST", WORKFLOWS, json={"flow_id": self.flow_id, "input_value": "x"})["job_id"])

    @cached_property
    def project_id(self) -> str:
        return str(self.by_owner("POST", "/api/v1/projects/", json={"name": "a project"})["id"])

    @cached_property
    def key_id(self) -> str:
        return str(self.by_owner("POST", "/api/v1/api_key/", json={"name": "another"})["id"])

    @cached_property
    def variable_id(self) -> str:
        body = {"name": str(uuid4()), "value": "a value"}
        return str(self.by_owner("POST", "/api/v1/variables/", json=body)["id"])

    @cached_property
    def file_id(self) -> str:
        return str(self.by_owner("POST", "/api/v2/files", files={"file": ("a.txt", "a text")})["id"])

    @cached_property
    def knowledge_base(self) -> str:
        """The name of a knowledge base with a text."""
        name = str(uuid4())
        body = {"flow_id": self.store(ingesting_flow(name))}
        assert self.by_owner("POST", WORKFLOWS, json=body)["status"] == "completed"
        return name

    @cached_property
    def asking(self) -> dict[str, Any]:
        """A job that waits for a person: its human request."""
        flow_id = self.store(approval_flow())
        job_id = self.by_owner("POST", WORKFLOWS, json={"flow_id": flow_id, "input_value": "x"})["job_id"]
        found: dict[str, Any] = self.by_owner("GET", f"{WORKFLOWS}/{job_id}/pending")[0]
        return found
