"""What the settings say of models."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from flows.models.patience import Patience


@dataclass(frozen=True)
class ModelDefaults:
    """What is used where a flow names no model, endpoint or key."""

    name: str | None = None
    base_url: str | None = None
    """An endpoint that speaks OpenAI's protocol."""
    api_key: str | None = field(default=None, repr=False)
    """For that endpoint, or OpenAI's own where none is set."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By the name of a provider, for its own endpoint."""

    patience: Patience = Patience()

    @property
    def secrets(self) -> Collection[str]:
        """What may stand in no error."""
        return {key for key in (self.api_key, *self.keys.values()) if key}
