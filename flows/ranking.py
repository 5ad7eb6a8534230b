"""How well texts answer a question, by the words that they share with it (BM25)."""

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_SATURATION, _LENGTH = 1.2, 0.75
"""How soon more of the same word counts less, and how much a long text counts less; the usual values."""


def rank(question: str, texts: Sequence[str], count: int) -> list[tuple[int, float]]:
    """The places of at most `count` texts that share a word with the question, and their scores, the best first; of two
    alike the later one. Price: a walk over every word of every text, beside the loop where they are many."""
    wanted = set(_words(question))
    found = [Counter(word for word in _words(text) if word in wanted) for text in texts]
    weights = {word: _weight(sum(word in one for one in found), len(texts)) for word in wanted}
    average = sum(map(len, texts)) / len(texts) if texts else 0.0
    scores = [
        (place, sum(weights[word] * _counted(times, len(texts[place]), average) for word, times in one.items()))
        for place, one in enumerate(found)
        if one
    ]
    return sorted(scores, key=lambda scored: (scored[1], scored[0]), reverse=True)[:count]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _weight(holders: int, texts: int) -> float:
    """What a word tells: the more, the fewer texts hold it."""
    return math.log(1 + (texts - holders + 0.5) / (holders + 0.5))


def _counted(times: int, length: int, average: float) -> float:
    return times * (_SATURATION + 1) / (times + _SATURATION * (1 - _LENGTH + _LENGTH * length / average))
