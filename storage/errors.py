"""What can go wrong with what is stored.

StorageError
├── QueueFull            the bound on queued jobs is reached
├── IdempotencyConflict  the key belongs to another request
├── IdempotencyKeyBusy   too many simultaneous requests fight over one key
├── NameTaken            an endpoint name or variable name exists already
│   └── FlowIdTaken      somebody has a flow of this id, or had one that others ran
├── FileTooLarge         a file has more bytes than one may have
├── FileTypeRefused      a file is of a kind that is not taken
├── TooMany              a user has as many of something as they may
├── NoSuchUser           nobody has the name that was given
├── UnfitName            a text cannot be the name of a user
├── UnfitPassword        a text cannot be a password
├── AccountInactive      somebody proved who they are, and may do nothing
├── LastSuperuser        the last active superuser cannot be deactivated
├── NotResumable         a human request is not open (any more)
├── RunForbidden         whoever runs a job may not run its flow any more
├── NotPaused            a job does not stand still because somebody paused it
├── LiveJobs             a flow cannot be deleted while jobs of it live
├── BootstrapKeyRevoked  the key that the settings give was revoked
├── SecretUnreadable     an encrypted value cannot be decrypted with the keys at hand
├── SchemaUnknown        the database is not at the revision this program knows
└── EvictingRedis        the Redis may drop keys, and queued work with them

PassLost (BaseException) the pass no longer owns its job: control flow, not an error
"""

from collections.abc import Collection, Mapping
from typing import Any


class StorageError(Exception):
    """Something is wrong with what is stored."""


class QueueFull(StorageError):
    """As many jobs are queued as PENSTOCK_MAX_QUEUED allows."""


class IdempotencyConflict(StorageError):
    """The idempotency key was used for a different request, the job `job_id`."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"The idempotency key belongs to job {job_id}, which was asked for something else.")


class IdempotencyKeyBusy(StorageError):
    """Requests with one idempotency key start and end too fast for this one to take hold of a job."""


class NameTaken(StorageError):
    """The name `name` exists already and must be unique."""

    def __init__(self, name: str, kind: str = "name") -> None:
        self.name = name
        super().__init__(f"The {kind} {name!r} is taken. Choose another one.")


class FlowIdTaken(NameTaken):
    """A flow has the id `name`, or had it when somebody else ran it, who would lose sight of what it did."""

    def __init__(self, flow_id: str) -> None:
        super().__init__(flow_id, "id")


class NoSuchUser(StorageError):
    """Nobody has the name `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no user {name!r}. `penstock users list` shows who there is.")


class FileTooLarge(StorageError):
    """A file has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"A file may have {limit} bytes at most.")


class FileTypeRefused(StorageError):
    """A file whose name ends with `suffix` is not taken."""

    def __init__(self, suffix: str, taken: Collection[str]) -> None:
        self.suffix = suffix
        super().__init__(f"Files that end with {suffix!r} are not taken. Send one of {', '.join(sorted(taken))}.")


class TooMany(StorageError):
    """A user has as many of something as they may; the message says of what."""


class UnfitName(StorageError):
    """The name of a user is 1 to 128 characters long, without blanks and control characters."""


class UnfitPassword(StorageError):
    """A password is 8 to 1,024 characters long."""


class AccountInactive(StorageError):
    """Somebody proved who they are, but their account is not active."""


class LastSuperuser(StorageError):
    """The last active superuser cannot be deactivated. Make another one first."""


class NotResumable(StorageError):
    """A human request is not open (any more); the message says why, and `winner` who answered, what and when."""

    def __init__(self, message: str, winner: Mapping[str, Any] | None = None) -> None:
        self.winner = winner
        super().__init__(message)


class RunForbidden(StorageError):
    """Whoever runs this job may not run its flow any more."""


class NotPaused(StorageError):
    """The job is not paused. To answer a human request, give its request_id and a decision."""


class LiveJobs(StorageError):
    """The flow cannot be deleted while jobs of it are queued, running or suspended, some of which are `job_ids`."""

    def __init__(self, job_ids: Collection[str]) -> None:
        self.job_ids = list(job_ids)
        super().__init__("Jobs of this flow are still queued, running or suspended. Stop them first.")


class BootstrapKeyRevoked(StorageError):
    """PENSTOCK_BOOTSTRAP_KEY was revoked. Choose another one."""


class SecretUnreadable(StorageError):
    """An encrypted value cannot be decrypted. Start with the PENSTOCK_SECRET_KEY it was encrypted with."""


class SchemaUnknown(StorageError):
    """The database is not at the revision that this program knows; the message says what to run."""


class EvictingRedis(StorageError):
    """The Redis may drop keys when its memory is full, and queued work with them; the message says what to set."""


class PassLost(BaseException):
    """The pass no longer owns its job: it was stopped, or another worker took it over (rule 2).

    A `BaseException`, so that no component can catch it by mistake. If you caught it, let it rise: whatever you
    write now would be refused.
    """
