"""How the figures are told: the median of the rounds with the spread beside it, as a table and as JSON."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.table import Table

from bench.measures import Sample


@dataclass(frozen=True)
class Figure:
    """One figure over all rounds."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    rounds: list[float]


def figures(rounds: Sequence[Sequence[Sample]]) -> list[Figure]:
    """The samples of all rounds by figure, in the order in which they were taken."""
    return [_figure([samples[index] for samples in rounds]) for index in range(len(rounds[0]))]


def table(title: str, found: Sequence[Figure]) -> Table:
    """The figures of one kind of server."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("figure")
    for column in ("median", "min .. max"):
        shown.add_column(column, justify="right")
    shown.add_column("unit")
    for figure in found:
        spread = f"{_number(figure.low)} .. {_number(figure.high)}"
        shown.add_row(figure.name, _number(figure.median), spread, figure.unit)
    return shown


def machine() -> dict[str, str | int | float]:
    """Where the figures come from, and how busy it was already."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "load_before": round(os.getloadavg()[0], 2),
    }


def write_json(file: Path, where: Mapping[str, str | int | float], found: Mapping[str, Sequence[Figure]]) -> None:
    """Writes everything, each round's values included."""
    servers = {server: [asdict(figure) for figure in measured] for server, measured in found.items()}
    file.write_bytes(orjson.dumps({"machine": where, "servers": servers}, option=orjson.OPT_INDENT_2))


def _figure(samples: Sequence[Sample]) -> Figure:
    values = [sample.value for sample in samples]
    return Figure(samples[0].name, samples[0].unit, statistics.median(values), min(values), max(values), values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
