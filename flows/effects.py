"""What building a vertex, or calling it as a tool, does to the world."""

from enum import StrEnum


class Effect(StrEnum):
    """What it does, and so what may happen to one that a crash interrupted (rule 6)."""

    PURE = "pure"
    """Nothing: it runs again."""
    IDEMPOTENT = "idempotent"
    """Something that the same idempotency key does only once: it runs again under that key."""
    ONCE = "once"
    """Something that must not happen twice: stored before it begins, and when it was interrupted never repeated."""
