"""Which flows somebody may not even see, for the queries of what hangs on flows (I9)."""

from sqlalchemy import ColumnElement, exists

from storage.tables import Flow, FlowShare, User, table_of

_flows, _shares, _users = (table_of(table).c for table in (Flow, FlowShare, User))


def is_hidden(flow_id: ColumnElement[str], user_id: str) -> ColumnElement[bool]:
    """Whether a flow is there that a user neither owns nor shares, unless they are a superuser, who sees all. One that
    was deleted hides nothing: what it did stays readable for whoever ran it."""
    shared = exists().where(_shares.flow_id == _flows.id, _shares.user_id == user_id)
    sees_all = exists().where(_users.id == user_id, _users.is_superuser)
    return exists().where(_flows.id == flow_id, _flows.user_id != user_id, ~shared, ~sees_all)
