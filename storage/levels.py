"""What somebody may do with a flow, and how far whoever runs it is trusted (contract 6.5)."""

from enum import IntEnum, StrEnum


class Level(StrEnum):
    """What a share allows; each level includes those before it."""

    READ = "read"
    """See it, without its secrets, and the jobs that one has run of it."""
    EXECUTE = "execute"
    """Run it as it is stored."""
    WRITE = "write"
    """Change it, and run it changed."""


class Access(IntEnum):
    """What a user may do with a flow, all told."""

    NONE = 0
    READ = 1
    EXECUTE = 2
    WRITE = 3
    OWN = 4
    """Share and delete it too."""

    @classmethod
    def of(cls, level: str | None) -> "Access":
        """What a share allows; without one, nothing."""
        return cls.NONE if level is None else cls[Level(level).name]

    @classmethod
    def granted(cls, *, owns: bool, is_superuser: bool, level: str | None) -> "Access":
        """What somebody may do: everything with what they own, a superuser with everything, else what is shared."""
        return cls.OWN if owns or is_superuser else cls.of(level)


class Trust(StrEnum):
    """How far whoever runs a job may see into its flow."""

    FULL = "full"
    """As far as its owner: they may change it."""
    CONFINED = "confined"
    """They may run it: errors come without detail, the state of its graph is not shown."""
    PUBLIC = "public"
    """Nobody is known to run it: as confined, and it has no secrets at all (contract 6.3)."""
