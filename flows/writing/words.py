"""Names as people read them."""

import re

_SEAMS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


def in_words(name: str) -> str:
    """`ChatInput` as `Chat Input`, `input_value` as `Input Value`."""
    return " ".join(word[:1].upper() + word[1:] for word in _SEAMS.sub(" ", name).split())
