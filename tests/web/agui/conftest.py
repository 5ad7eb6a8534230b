"""A Penstock whose model a test scripts and whose steps it holds, and the AG-UI client beside it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database
from tests.deployments import embedded
from tests.journeys.conftest import QUICK
from tests.journeys.employing import Agency
from tests.journeys.gated import SETTING, Gate
from tests.model_wires import OPENAI
from tests.node.agui_client import Agent, AguiClient
from tests.reading import Client
from tests.scripted_models import ScriptedModels
from tests.shapes import Exported
from tests.web.agui.telling import Calling, Teller

LIMITS = {"PENSTOCK_INPUT_DEADLINE_SECONDS": "3600", "PENSTOCK_MODEL_RETRIES": "0"}


@pytest.fixture(scope="session")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with ScriptedModels([OPENAI.says("nothing")]) as models:
        asked = {"PENSTOCK_MODEL_BASE_URL": models.url, "PENSTOCK_MODEL_NAME": "stub-model"}
        with embedded(tmp_path_factory.mktemp("agui"), {**QUICK, **SETTING, **LIMITS, **asked}) as deployment:
            yield Agency(deployment, models)


@pytest.fixture(scope="session")
def teller(agency: Agency, agui_client: AguiClient) -> Iterator[Teller]:
    with closing(Client(agency.deployment.url)) as client:
        yield Teller(client, agui_client)


@pytest.fixture(scope="session")
def beside(agency: Agency) -> Iterator[Database]:
    """The database of the Penstock, for what only time or bad luck would do to a run."""
    with closing(Database(agency.deployment.database_url)) as opened:
        yield opened


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate that opens with the end of the test at the latest."""
    held = Gate(tmp_path)
    yield held
    held.open()


@pytest.fixture
def calling(agency: Agency, teller: Teller, agui_client: AguiClient) -> Calling:
    """Stores a flow, and gives an agent that is it."""

    def call(exported: Exported, query: str = "", key: str | None = None) -> Agent:
        url = f"{agency.deployment.url}/api/v2/agui/{teller.client.store(exported)}{query}"
        return agui_client.agent(url, key)

    return call
