"""Sharing a flow: bounds, and flows that are deleted meanwhile. What shares allow is tested in `test_rights.py`."""

import pytest
from sqlalchemy import insert

from storage.auditing import Action, Actor, Deed
from storage.database import Database
from storage.errors import TooMany
from storage.flow_store import FlowView, NewFlow, create_flow
from storage.levels import Level
from storage.sharing import MOST, share, shares_of, unshare
from storage.tables import FlowShare, User
from tests.storage.situations import NOON, another_user, contents

FLOW = "6e8f4a7e-8b0e-4b4e-9a57-0f6b0a3f6a11"
DEED = Deed(Action.FLOW_SHARED, FLOW, Actor("owner", "owner"))


@pytest.fixture
def flow(database: Database, user_id: str) -> FlowView:
    return create_flow(database, NewFlow(FLOW, user_id, "a flow", {"nodes": []}))


@pytest.mark.parametrize("with_public", [False, True])
def test_a_flow_that_does_not_exist_is_shared_with_nobody(database: Database, with_public: bool) -> None:
    """It may have been deleted a moment ago; nothing is stored or recorded."""
    name = None if with_public else another_user(database)
    before = contents(database)
    with pytest.raises(LookupError):
        share(database, FLOW, name, Level.READ, DEED)
    assert contents(database) == before


def test_a_flow_has_so_many_shares_and_no_more(database: Database, flow: FlowView) -> None:
    """Beyond them those that there are can be changed and taken back (I10)."""
    users = [{"id": str(n), "name": f"user {n}", "is_superuser": False, "created_at": NOON} for n in range(MOST)]
    row = {"flow_id": FLOW, "level": "read", "created_at": NOON, "created_by": flow.user_id}
    with database.durable() as connection:
        connection.execute(insert(User), users)
        connection.execute(insert(FlowShare), [{**row, "id": str(n), "user_id": str(n)} for n in range(MOST)])
    before = contents(database)
    with pytest.raises(TooMany, match="1000 shares"):
        share(database, FLOW, None, Level.READ, DEED)
    assert contents(database) == before
    assert share(database, FLOW, "user 7", Level.WRITE, DEED).level is Level.WRITE
    assert unshare(database, FLOW, "7", DEED)
    share(database, FLOW, None, Level.READ, DEED)
    assert len(shares_of(database, FLOW)) == MOST
