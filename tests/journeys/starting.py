"""The world that Langflow's starter projects need: a model, a search, web pages, a document, a database."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flows.components.articles import article
from tests.flows.outbound.site import Page, Site
from tests.flows.preprints import preprints
from tests.making import edge, flow, node, template
from tests.obliging_model import Obliging
from tests.reading import Client
from tests.scripted_models import ScriptedModels
from tests.shapes import Exported

DATABASE = "pricing.db"
BASE = "starters"
"""The knowledge base that the projects search."""
DOCUMENT = "Acme reports revenue of 12 million euros and a net income of 2 million euros for 2026."
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class World:
    """What a deployment is given, and where it finds it."""

    models: ScriptedModels
    site: Site
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "PENSTOCK_MODEL_BASE_URL": self.models.url,
            "PENSTOCK_MODEL_NAME": "stub-model",
            "PENSTOCK_SEARCH_URL": self.site.url("/search"),
            "PENSTOCK_ARXIV_URL": self.site.url("/arxiv"),
            "PENSTOCK_SQL_FOLDER": str(self.folder),
            "PENSTOCK_ALLOWED_HOSTS": "127.0.0.1",
        }


@contextmanager
def standing(folder: Path) -> Iterator[World]:
    """A world that stands while it is entered."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("CREATE TABLE plans (name TEXT, price INTEGER)")
        database.execute("INSERT INTO plans VALUES ('basic', 10)")
        database.commit()
    with ExitStack() as stack:
        site = stack.enter_context(Site({"/page": article("A page")}))
        result = {"title": "A page", "url": site.url("/page"), "content": "What it is about", "publishedDate": "2026"}
        site.pages["/arxiv"] = preprints(["Gates", "Weirs"])
        site.pages["/search"] = Page(200, JSON_TYPE, [json.dumps({"results": [result]}).encode()])
        arguments = {
            "urls": [site.url("/page")],
            "query": "SELECT name, price FROM plans",
            "search_query": "revenue",
            "expression": "2 * (3 + 4)",
            "timezone": "Europe/Berlin",
            "search_mode": "Web",
        }
        models = stack.enter_context(ScriptedModels(Obliging(arguments)))
        yield World(models, site, folder)


def filled_in(exported: Mapping[str, Any], path: str) -> dict[str, dict[str, Any]]:
    """The tweaks with what their users fill in in the projects before they run them: a file, a database, a base."""
    wanted: dict[str, dict[str, Any]] = {
        "File": {"path": [path]},
        "SQLComponent": {"database_url": f"sqlite:///{DATABASE}"},
        "Knowledge": {"knowledge_base": BASE},
    }
    nodes = [node for node in exported["data"]["nodes"] if node["data"].get("type") in wanted]
    return {node["id"]: wanted[node["data"]["type"]] for node in nodes}


def ingest(client: Client, exported: Exported) -> None:
    """Fills the knowledge base, with the node of a project that searches it."""
    told = node("TextInput", "text", input_value=DOCUMENT)
    knows = deepcopy(next(one for one in exported["data"]["nodes"] if one["data"].get("type") == "Knowledge"))
    for name, value in {"mode": "Ingest", "knowledge_base": BASE}.items():
        template(knows)[name]["value"] = value
    flow_id = client.store(flow([told, knows], [edge(told, "text", knows, "input_df")]))
    answer = client.run(flow_id).json()
    assert answer["status"] == "completed", answer


def upload(client: Client) -> str:
    """Uploads the document; the path under which runs read it."""
    answer = client.http.post("/api/v2/files", files={"file": ("report.txt", DOCUMENT.encode(), "text/plain")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["path"])
