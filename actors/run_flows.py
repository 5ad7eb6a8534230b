"""The stored flows that one run may run inside its vertices (contract 6)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from actors.journal import interrupting
from flows.blocking import in_own_thread
from flows.library import FlowUnavailable, StoredFlow
from flows.secrets import hidden_secrets, without_secrets
from storage.accounts import account_of
from storage.claiming import Claimed
from storage.database import Database
from storage.flow_store import FlowView, find_flow, list_flows
from storage.graphs import Graphs
from storage.levels import Access, Trust
from storage.rights import FlowRights, flow_rights, public_rights


@dataclass(frozen=True)
class RunFlows:
    """The `FlowLibrary` of a run, or of a flow that runs inside one. Rights are checked at each finding (I9).

    A flow says by itself which others it runs, so both must be allowed to: whoever runs the job, and the owner of the
    flow that names the other. Who of them may not change the other flow runs it as it is stored, and whoever runs the
    job without may not see into it. In a run of the public all flows must be public, and have no secrets.
    """

    database: Database
    graphs: Graphs
    claimed: Claimed
    author: str
    """The owner of the flow whose vertices run others."""
    variable: Callable[[str], str | None]
    """What the flow itself may look up."""
    confided: set[str]
    """What may stand in no error; what the flows hide is added."""
    is_changeable: bool = True
    """Whether whoever runs the job may have changed that flow, and so what it fills in in others."""

    async def find(self, flow_id: str, name: str) -> StoredFlow:
        return await in_own_thread(self._find, flow_id, name)

    async def again(self, flow_id: str, version_id: str) -> StoredFlow:
        return await in_own_thread(self._again, flow_id, version_id)

    def _find(self, flow_id: str, name: str) -> StoredFlow:
        with interrupting():
            found = self._allowed(flow_id) or self._named(name)
        if found is None:
            raise FlowUnavailable(name or flow_id)
        return self._stored(found, found.flow.version_id)

    def _again(self, flow_id: str, version_id: str) -> StoredFlow:
        with interrupting():
            found = self._allowed(flow_id)
        if found is None:
            raise FlowUnavailable(flow_id)
        return self._stored(found, version_id)

    def _named(self, name: str) -> "_Allowed | None":
        """The one flow of the author that has a name."""
        ids = [flow.id for flow in list_flows(self.database, self.author) if flow.name == name] if name else []
        return self._allowed(ids[0]) if len(ids) == 1 else None

    def _allowed(self, flow_id: str) -> "_Allowed | None":
        if "\x00" in flow_id:
            # PostgreSQL cannot even be asked for it.
            return None
        runner, author = (self._rights(user_id, flow_id) for user_id in (self.claimed.user_id, self.author))
        needed = [runner, author]
        if self.claimed.trust is Trust.PUBLIC:
            runner = public_rights(self.database, flow_id)
            needed = [runner]
        if runner is None or not all(_may(one, Access.EXECUTE) for one in needed):
            return None
        return _Allowed(runner.flow, *(_may(one, Access.WRITE) for one in (runner, author)))

    def _rights(self, user_id: str, flow_id: str) -> FlowRights | None:
        account = account_of(self.database, user_id)
        return None if account is None else flow_rights(self.database, account, flow_id)

    def _stored(self, found: "_Allowed", version_id: str) -> StoredFlow:
        flow = found.flow
        with interrupting():
            graph = self.graphs.get(version_id)
        if self.claimed.trust is Trust.PUBLIC:
            graph = without_secrets(graph)
        self.confided.update(hidden_secrets(graph))
        is_own = flow.user_id == self.claimed.user_id
        variable = self.variable if is_own else _nothing
        library = replace(self, author=flow.user_id, variable=variable, is_changeable=found.runner_may_change)
        return StoredFlow(
            flow.id,
            version_id,
            flow.name,
            graph,
            variable,
            library,
            is_own=is_own,
            shares_session=is_own or flow.user_id == self.author,
            takes_fields=found.author_may_change and (found.runner_may_change or not self.is_changeable),
            is_told=found.runner_may_change,
        )


@dataclass(frozen=True)
class _Allowed:
    """A flow that may be run, and who may change it."""

    flow: FlowView
    runner_may_change: bool
    author_may_change: bool


def author_of(database: Database, claimed: Claimed) -> str:
    """The owner of the flow of a job."""
    if claimed.runner.owns_flow:
        return claimed.user_id
    with interrupting():
        flow = find_flow(database, claimed.flow_id)
    return claimed.user_id if flow is None else flow.user_id


def _may(rights: FlowRights | None, access: Access) -> bool:
    return rights is not None and rights.access >= access


def _nothing(name: str) -> str | None:
    return None
