"""What a run may know of what was said before (I9)."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from actors import run_memory
from actors.hints import Hints
from actors.run_memory import RunMemory
from flows.errors import PassInterrupted
from flows.memory import SessionUnavailable, Speaker
from storage.database import Database
from storage.flow_store import store_version
from storage.log import EventLog
from storage.requests import JobRequest
from storage.states import Mode
from storage.submitting import NewJob, submit
from tests.actors.passes import a_claim
from tests.actors.test_recovering import told
from tests.actors.workplace import Workplace
from tests.making import edge, flow, node
from tests.shapes import TEXT, Shape
from tests.storage.conversations import said
from tests.storage.situations import JobMaker, claimed

HISTORY = Shape("Message History", {"session_id": TEXT}, {"messages_text": ["Message"], "dataframe": ["Table"]})


def test_a_run_recalls_its_session(log: EventLog, new_job: JobMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many messages as it asks for, and as one may."""
    said(log, claimed(log, new_job()), "a", "b", "c")
    memory = RunMemory(log.database, claimed(log, new_job()))
    assert [one.message.text for one in asyncio.run(memory.recall("a-session", 2))] == ["b", "c"]
    assert asyncio.run(memory.recall("a-session", 2, Speaker(name="Ben"))) == []
    monkeypatch.setattr(run_memory, "MAX_MESSAGES", 1)
    assert [one.message.text for one in asyncio.run(memory.recall("a-session", 2))] == ["c"]


@pytest.mark.parametrize("session_id", ["", "another-session", "a-session "])
def test_a_run_recalls_no_other_session(log: EventLog, new_job: JobMaker, session_id: str) -> None:
    memory = RunMemory(log.database, claimed(log, new_job()))
    with pytest.raises(SessionUnavailable, match="a run reads its own session only"):
        asyncio.run(memory.recall(session_id, 2))


def answered(workplace: Workplace, asked: str) -> str:
    """What a flow answers that repeats what was said before and then what it is asked."""
    said, before = node("ChatInput", "i"), node("Memory", "m", shape=HISTORY)
    prompt, answer = node("Prompt", "p", template="{before}|{now}", before="", now=""), node("ChatOutput", "o")
    edges = [
        edge(said, "message", prompt, "now"),
        edge(before, "messages_text", prompt, "before"),
        edge(prompt, "prompt", answer, "input_value"),
    ]
    job = NewJob(
        id=str(uuid4()),
        user_id=workplace.user_id,
        flow_id="a-flow",
        version_id=store_version(workplace.store.database, flow([said, before, prompt, answer], edges)),
        mode=Mode.BACKGROUND,
        session_id="a-session",
        request=JobRequest(input_value=asked).stored(),
    )
    submit(workplace.store.log, job, ())
    Hints(workplace.broker).send(job.id, job.mode)
    [(_, output)] = told(workplace.to_end(job.id), "output")
    return str(output["content"])


def test_a_flow_remembers_what_its_session_said(workplace: Workplace) -> None:
    assert answered(workplace, "one") == "|one"
    assert answered(workplace, "two") == "User: one\nAI: |one|two"


def test_a_database_that_is_away_interrupts_the_pass(tmp_path: Path) -> None:
    """The vertex does not fail for it."""
    away = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(PassInterrupted):
        asyncio.run(RunMemory(away, replace(a_claim(), session_id="s")).recall("s", 1))
    away.close()
