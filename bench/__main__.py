"""`python -m bench`: starts real servers, measures them, prints a table for each."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.fanout import fanout
from bench.measures import FULL, MEASURES, QUICK, Sizes, one_round, prepare
from bench.model import running_model
from bench.pauses import resume, suspended
from bench.report import Figure, figures, machine, table, write_json
from bench.servers import allow_many_connections, embedded, scaled
from bench.services import missing
from bench.tokens import tokens


class Kind(StrEnum):
    """A way to deploy Penstock."""

    EMBEDDED = "embedded"
    SCALED = "scaled"


SERVERS: Mapping[Kind, Callable[[str], AbstractContextManager[int]]] = {Kind.EMBEDDED: embedded, Kind.SCALED: scaled}


def main(
    only: Annotated[Kind | None, typer.Option(help="Measure this kind of server only.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer runs and rounds: half a minute, wide spread.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write everything to this file.")] = None,
) -> None:
    """Measures how fast Penstock takes runs, ends them, and tells of them."""
    allow_many_connections()
    console, sizes, where = Console(), QUICK if quick else FULL, machine()
    console.print(f"{where}, {sizes.rounds} rounds")
    found: dict[str, list[Figure]] = {}
    for kind in [only] if only else Kind:
        if kind is Kind.SCALED and (lacking := missing()):
            console.print(f"scaled: skipped, because {', '.join(lacking)} is not installed")
            continue
        found[kind.value] = _measure(kind, sizes, console)
        console.print(table(kind, found[kind]))
    if json:
        write_json(json, where, found)


def _measure(kind: Kind, sizes: Sizes, console: Console) -> list[Figure]:
    rounds = []
    with running_model() as model, SERVERS[kind](model) as port, console.status(f"{kind}: warming up") as status:
        bench = prepare(port, sizes)
        for number in range(1, sizes.rounds + 1):
            status.update(f"{kind}: round {number} of {sizes.rounds}")
            rounds.append(one_round(bench, [*MEASURES, tokens, resume, fanout, suspended]))
    return figures(rounds)


if __name__ == "__main__":
    typer.run(main)
