"""Which flows somebody may not even see, for the queries of what hangs on flows (I9)."""

from sqlalchemy import ColumnElement, exists

from storage.tables import Flow, FlowShare, table_of

_flows, _shares = table_of(Flow).c, table_of(FlowShare).c


def is_hidden(flow_id: ColumnElement[str], user_id: str) -> ColumnElement[bool]:
    """Whether a flow is there that a user neither owns nor shares. One that was deleted hides nothing: what it did
    stays readable for whoever ran it."""
    shared = exists().where(_shares.flow_id == _flows.id, _shares.user_id == user_id)
    return exists().where(_flows.id == flow_id, _flows.user_id != user_id, ~shared)
