"""What is stored of a request: in clear what anyone who may see the job may see, encrypted what may hold secrets."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from storage.secrets import Secrets


class JobRequest(BaseModel):
    """The part of a request that rests in clear."""

    model_config = ConfigDict(frozen=True)

    input_value: str = ""
    files: tuple[str, ...] = ()
    start_component_id: str | None = None
    stop_component_id: str | None = None
    is_remembered: bool = True
    """Whether its chat messages go into the memory of its session."""

    def stored(self) -> str:
        return self.model_dump_json()

    @classmethod
    def load(cls, stored: str) -> "JobRequest":
        return cls.model_validate_json(stored)


class Overrides(BaseModel):
    """The part of a request that may hold secrets (rule 12)."""

    model_config = ConfigDict(frozen=True)

    tweaks: dict[str, Any] = {}
    globals: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Overrides(…)"

    def seal(self, secrets: Secrets, job_id: str) -> bytes | None:
        """Encrypted and bound to the job; None when there is nothing to keep."""
        return secrets.seal(self.model_dump(), _binding(job_id)) if self.tweaks or self.globals else None

    @classmethod
    def open(cls, sealed: bytes | None, secrets: Secrets, job_id: str) -> "Overrides":
        """Raises `SecretUnreadable`."""
        return cls() if sealed is None else cls.model_validate(secrets.open(sealed, _binding(job_id)))


def _binding(job_id: str) -> str:
    return f"job:{job_id}"
