"""How much later a client sees an agent's tokens than the model has sent them."""

import re
import statistics
import time
from collections.abc import Iterator

from bench.measures import Bench, Sample
from bench.model import MARK

PACE = 400
"""Tokens in a second: more than models give."""
_SENT = re.compile(rf'"chunk":"{MARK}(\d+) "'.encode())


def tokens(bench: Bench) -> Iterator[Sample]:
    """Nothing else runs: from the moment the model sends a token to that in which a client of the stream has it, at the
    pace of a fast model; and how many come in a second from one that is faster than anybody."""
    delays = list(_delays(bench, f"{bench.sizes.tokens} {PACE}"))
    yield Sample("agent's token, added delay, p50", "ms", statistics.median(delays))
    yield Sample("agent's token, added delay, p99", "ms", statistics.quantiles(delays, n=100)[-1])
    began = time.perf_counter()
    count = sum(1 for _ in _delays(bench, f"{bench.sizes.tokens} 0"))
    yield Sample("agent's tokens at full speed", "1/s", count / (time.perf_counter() - began))


def _delays(bench: Bench, asked: str) -> Iterator[float]:
    """For each token of one run, its delay in milliseconds."""
    with bench.client() as client:
        for piece in client.stream(bench.agent, asked):
            now = time.monotonic_ns()
            for sent in _SENT.findall(piece):
                yield (now - int(sent)) / 1e6
