"""What whoever runs a job may still do with its flow, read in the very statement that begins a pass (I9)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Label, Row, literal_column

from storage.levels import Access, Trust

RUNNER: tuple[Label[Any], ...] = tuple(
    literal_column(f"(SELECT {what})").label(name)
    for name, what in {
        "flow_owner": "flows.user_id FROM flows WHERE flows.id = jobs.flow_id",
        "share_level": "level FROM flow_shares s WHERE s.flow_id = jobs.flow_id AND s.user_id = jobs.user_id",
        "runner_is_active": "is_active FROM users WHERE users.id = jobs.user_id",
        "runner_is_superuser": "is_superuser FROM users WHERE users.id = jobs.user_id",
    }.items()
)
"""What a statement on `jobs` returns of the runner. Written out, for SQLAlchemy leaves out the names of tables where it
writes RETURNING for SQLite."""


@dataclass(frozen=True)
class Runner:
    """Whoever runs a job. `owns_flow` also says that it is no stored flow but one that came with the run."""

    access: Access
    owns_flow: bool

    @classmethod
    def of(cls, row: Row[Any]) -> "Runner":
        """From a row that has `RUNNER` and the job's `user_id`."""
        owns_flow = row.flow_owner is None or row.flow_owner == row.user_id
        if not row.runner_is_active:
            return cls(Access.NONE, owns_flow)
        is_superuser = bool(row.runner_is_superuser)
        return cls(Access.granted(owns=owns_flow, is_superuser=is_superuser, level=row.share_level), owns_flow)

    @property
    def may_run(self) -> bool:
        return self.access >= Access.EXECUTE

    def trusted(self, granted: Trust) -> Trust:
        """How far they are trusted now, who were trusted so far when they asked."""
        return Trust.CONFINED if granted is Trust.FULL and self.access < Access.WRITE else granted
