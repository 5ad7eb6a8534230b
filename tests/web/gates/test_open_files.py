"""A web process has room for as many streams as its settings promise, or says that it has not."""

import resource
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from web.gates.open_files import BESIDE, make_room

SOFT = 256


@pytest.fixture(autouse=True)
def narrow() -> Iterator[None]:
    """This process as many systems start one, with a low limit that it may raise itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_the_limit_is_raised_as_far_as_is_needed() -> None:
    """And never lowered."""
    with capture_logs() as told:
        make_room(100)
        raised = limit()
        make_room(1)
    assert (raised, limit(), told) == (100 + BESIDE, 100 + BESIDE, [])


def test_where_the_system_allows_less_it_is_said() -> None:
    """The process has what it may, and its log tells what to raise."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system sets no limit")
    with capture_logs() as told:
        make_room(hard)
    assert limit() == hard
    [warning] = told
    assert (warning["event"], warning["allowed"], warning["wanted"]) == ("too_few_open_files", hard, hard + BESIDE)


def test_a_server_makes_room_when_it_starts(inside: TestClient) -> None:
    """For the streams of users and of visitors."""
    assert inside.get("/health").status_code == 200
    assert limit() >= 1_000 + BESIDE
