"""Every route and everybody who may come to it (I9, faults F2 and F10)."""

import pytest
from starlette.routing import Route

from tests.web.rights.principals import Principal
from tests.web.rights.rows import ROWS
from tests.web.rights.world import World
from web.routes import ROUTES

REFUSED = 400
_CELLS = [
    pytest.param(route, principal, id=f"{' '.join(route)} by {principal}") for route in ROWS for principal in Principal
]


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    """A route that is added must say what everybody gets from it."""
    routes = {(method, route.path) for route in ROUTES if isinstance(route, Route) for method in route.methods or ()}
    assert {(method, path) for method, path in routes if method != "HEAD"} == ROWS.keys()


@pytest.mark.parametrize(("route", "principal"), _CELLS)
def test_a_route_gives_each_what_is_theirs(
    world: World, lasting: World, route: tuple[str, str], principal: Principal
) -> None:
    row, method = ROWS[route], route[0]
    if method == "GET" or row.statuses[principal] >= REFUSED:
        world = lasting
    call = row.call(world)
    if row.is_stream:
        headers = dict(world.people.headers[principal])
        with world.http.stream(method, call.url, headers=headers, **call.body) as answer:
            assert answer.status_code == row.statuses[principal]
        return
    answer = world.send(principal, method, call.url, **call.body)
    assert answer.status_code == row.statuses[principal], answer.text
