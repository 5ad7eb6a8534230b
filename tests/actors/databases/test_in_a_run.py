"""A run asks the databases, and the search, that its process is configured with."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson

from storage.states import Status
from storage.store import Store
from tests.actors.workplace import QUICK, working
from tests.flows.components import test_sql, test_web_search
from tests.flows.outbound.site import Page, Site
from tests.making import edge, flow, node


def test_a_job_reads_a_file_in_the_operators_folder(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gates.db")) as connection:
        connection.execute("CREATE TABLE gates AS SELECT 'north' AS name")
        connection.commit()
    query, end = test_sql.sql(), node("ChatOutput", "out")
    exported = flow([query, end], [edge(query, "run_sql_query", end, "input_value")])
    with working(store, replace(QUICK, sql_folder=tmp_path)) as workplace:
        job_id = workplace.submit(exported)
        entries = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert "| north |" in str(entries)


def test_a_job_searches_where_the_operator_says(store: Store) -> None:
    found = {"results": [{"title": "North gate", "url": "https://a.example", "content": ""}]}
    search, end = test_web_search.web_search(search_mode="News"), node("ChatOutput", "out")
    exported = flow([search, end], [edge(search, "results", end, "input_value")])
    with (
        Site({"/search": Page(body=[orjson.dumps(found)])}) as site,
        working(store, replace(QUICK, search_endpoint=site.url("/search"))) as workplace,
    ):
        job_id = workplace.submit(exported)
        entries = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert "North gate" in str(entries)
