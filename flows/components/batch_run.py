"""BatchRunComponent: the same question about every row of a table."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

import orjson

from flows.component import Component, Effect, Outputs, Port, Text
from flows.context import VertexContext
from flows.errors import FlowError
from flows.models.asking import ModelCall
from flows.models.choice import ModelFields, choose, key_for
from flows.models.providers import KEY_VARIABLES
from flows.reading.tabular import rows_of
from flows.text import MAX_TEXT, to_text
from flows.values import Json, LanguageModel, Table, Usage

AT_ONCE = 8
"""Rows that a model is asked about side by side."""
MAX_ROWS = 10_000
"""Rows of one table (I10): each is a request that costs money."""
INDEX = "batch_index"
METADATA = "metadata"


class BatchRunFields(ModelFields):
    df: Any
    column_name: Text = ""
    system_message: Text = ""
    output_column_name: Text = "model_response"
    enable_metadata: bool = False


class BatchRun(Component[BatchRunFields]):
    """Asks a model about the text of one column, or about whole rows, and adds a column with the answers.

    A row that fails fails the vertex with its number. What was answered is kept: after a crash only the rows under way
    are asked about again, which costs money, not harm. When the tokens of its run are used up and somebody lets it
    finish, the rows that are left have no answer.
    """

    types = ("BatchRunComponent",)
    inputs = BatchRunFields
    outputs: ClassVar = {"batch_results": Port(("Table",))}
    effect = Effect.IDEMPOTENT
    variables = KEY_VARIABLES

    async def build(self, inputs: BatchRunFields, context: VertexContext) -> Outputs:
        table = rows_of(inputs.df)
        if len(table.rows) > MAX_ROWS:
            raise ValueError(f"the table has {len(table.rows)} rows, and a batch {MAX_ROWS} at most.")
        texts = list(texts_of(table, inputs.column_name.strip()))
        answers = await Batch(inputs, context, texts).run()
        return {"batch_results": answered(table, texts, answers, inputs)}


class RowFailed(FlowError):
    """The model failed at a row."""

    def __init__(self, number: int, rows: int, reason: str) -> None:
        super().__init__(f"row {number} of {rows}: {reason}")


class Batch:
    """The questions of one visit, and their answers so far; None where there is none yet."""

    def __init__(self, inputs: BatchRunFields, context: VertexContext, texts: Sequence[str]) -> None:
        self._inputs = inputs
        self._context = context
        self._texts = texts
        kept = [context.kept(_step(place)) for place in range(len(texts))]
        self._answers = [answer if isinstance(answer, str) else None for answer in kept]
        self._room = MAX_TEXT - sum(len(answer or "") for answer in self._answers)

    async def run(self) -> Sequence[str | None]:
        """All answers, or those that the run could pay for. Raises `RowFailed`, the other questions then given up."""
        if not self._texts:
            return ()
        handle = choose(self._inputs, self._context)
        left = deque(place for place, answer in enumerate(self._answers) if answer is None)
        asked: dict[asyncio.Task[str], int] = {}
        try:
            while left or asked:
                while left and len(asked) < AT_ONCE and self._context.tools.budget.used_up is None:
                    place = left.popleft()
                    asked[asyncio.create_task(self._ask(handle, place))] = place
                if asked:
                    await self._take_some(asked)
                elif not self._context.may_call_model():
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return self._answers

    async def _take_some(self, asked: dict[asyncio.Task[str], int]) -> None:
        """Waits for the next answers, and keeps them, before it raises what went wrong with others."""
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(done, key=lambda task: task.exception() is not None):
            place = asked.pop(task)
            try:
                self._answers[place] = task.result()
            except Exception as error:
                raise RowFailed(place + 1, len(self._texts), str(error)) from error
            self._context.keep(_step(place), self._answers[place])
            self._context.progress(sum(answer is not None for answer in self._answers), len(self._texts), "rows")

    async def _ask(self, handle: LanguageModel, place: int) -> str:
        call = ModelCall(
            model=handle,
            api_key=key_for(handle, self._context),
            system=self._inputs.system_message,
            prompt=self._texts[place],
            idempotency_key=f"{self._context.idempotency_key}:{place}",
        )
        pieces: list[str] = []
        async with aclosing(self._context.tools.models.stream(call)) as answer:
            async for piece in answer:
                if isinstance(piece, Usage):
                    self._context.spend(piece)
                    continue
                pieces.append(piece)
                self._room -= len(piece)
                if self._room < 0:
                    raise ValueError(f"the answers grow beyond {MAX_TEXT} characters together")
        return "".join(pieces)


def texts_of(table: Table, column: str) -> Iterator[str]:
    """What is asked about each row: its text in a column; without one, the whole row in TOML.

    Raises `ValueError` for a column that is not there.
    """
    if column and column not in table.columns:
        raise ValueError(f"the table has no column {column!r}; it has {', '.join(map(repr, table.columns))}.")
    for record in table.records():
        yield to_text(record[column]) if column else "\n".join(_section(*cell) for cell in record.items())


def answered(table: Table, texts: Sequence[str], answers: Sequence[str | None], inputs: BatchRunFields) -> Table:
    """The rows with their answers, their numbers from 0, and on request what was asked and answered at what length."""
    rows = []
    columns = dict.fromkeys((*table.columns, inputs.output_column_name, INDEX))
    if inputs.enable_metadata:
        columns[METADATA] = None
    for number, (record, text, answer) in enumerate(zip(table.records(), texts, answers, strict=True)):
        record |= {inputs.output_column_name: answer, INDEX: number}
        if inputs.enable_metadata:
            record[METADATA] = _metadata(inputs, text, answer)
        rows.append(tuple(record[name] for name in columns))
    return Table(tuple(columns), tuple(rows))


def _metadata(inputs: BatchRunFields, text: str, answer: str | None) -> dict[str, Json]:
    return {
        "has_system_message": bool(inputs.system_message),
        "input_length": len(text),
        "response_length": len(answer or ""),
        "processing_status": "skipped" if answer is None else "success",
    }


def _step(place: int) -> str:
    return f"row {place}"


def _section(name: str, cell: Json) -> str:
    return f"[{_quoted(name)}]\nvalue = {_quoted(to_text(cell))}\n"


def _quoted(text: str) -> str:
    """A text as JSON and TOML both write it."""
    return orjson.dumps(text).decode().replace("\x7f", "\\u007f")
