"""A browser's own `EventSource` follows a run, unmodified (I4)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Semaphore

import pytest

from tests.deployments import Deployment
from tests.journeys.browsing import Fact, Page, chromium
from tests.journeys.conftest import Deploy, settings_of
from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.reading import WORKFLOWS, Client, Frame

KEY = "a-first-key-that-is-long"
TOKENS = ("one ", "two ", "three ", "four")


@pytest.fixture
def page() -> Iterator[Page]:
    chromium()
    with Page().served() as page:
        yield page


@pytest.fixture
def elsewhere(deploying: Deploy, page: Page, stub: ModelStub) -> Iterator[Deployment]:
    """A Penstock that wants keys, and lets the page call."""
    settings = {"PENSTOCK_BOOTSTRAP_KEY": KEY, "PENSTOCK_CORS_ORIGINS": page.origin, **settings_of(stub)}
    with deploying("scaled", **settings) as deployment:
        yield deployment


@pytest.mark.real_services
def test_an_event_source_comes_back_by_itself(
    elsewhere: Deployment, page: Page, stub: ModelStub, tmp_path: Path
) -> None:
    """Over a killed server and a restarted one, a page elsewhere gets every event of a run once, tokens included, and
    goes when there is nothing more to come."""
    allowed = Semaphore(0)
    stub.tokens, stub.before_token = TOKENS, lambda index: allowed.acquire(timeout=60)
    web = elsewhere.webs[0]
    with closing(Client(web.url, KEY)) as client:
        job_id = client.submit(client.store(model_flow()), input_value="count")
        leave = client.http.post(f"{WORKFLOWS}/{job_id}/stream-token").json()
        with page.following(web.url + leave["url"], tmp_path):
            for token, end in zip(TOKENS, (web.kill, web.stop), strict=False):
                allowed.release()
                page.until(said(token))
                end()
                elsewhere.start()
            allowed.release(len(TOKENS))
            page.until(lambda fact: fact["is"] == "error" and fact["closed"])
        assert page.frames == client.events(job_id)
    assert "".join(frame.json["data"]["chunk"] for frame in page.frames if frame.event == "token") == "".join(TOKENS)
    assert page.frames[-1].event == "end"
    assert [fact["is"] for fact in page.seen].count("open") == 3


def said(token: str) -> Callable[[Fact], bool]:
    """Whether a fact is that a token came."""

    def is_it(fact: Fact) -> bool:
        frame = Frame(fact["id"], fact["data"]) if fact["is"] == "message" else None
        return frame is not None and frame.event == "token" and frame.json["data"]["chunk"] == token

    return is_it
