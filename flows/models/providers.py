"""The providers of models that are known here: what each is called, where it is, and whose key it gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

OPENAI_BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""What an endpoint is sent that asks for no key."""


class ProviderUnknown(ValueError):
    """A flow names a provider that is not known here; the message lists those that are."""

    def __init__(self, title: str) -> None:
        known = ", ".join(provider.title for provider in PROVIDERS.values())
        super().__init__(
            f"the provider {title!r} is not known here; known are {known}. For one that speaks OpenAI's protocol "
            "choose OpenAI and give its base URL."
        )


@dataclass(frozen=True)
class Provider:
    """One provider. `title` is Langflow's name for it."""

    name: str
    title: str
    base_url: str
    """Its own endpoint, asked where a flow names none."""
    key_variable: str | None = None
    """The variable of a user, and of the environment, that holds a key for it; None when it asks for none."""
    path: str = ""
    """What stands behind its host and port, for base URLs that were given without."""
    fetches_images: bool = True
    """Whether it can be shown an image by its URL."""

    def endpoint(self, base_url: str) -> str:
        """A base URL in the one form in which endpoints are compared."""
        parts = urlsplit(base_url.strip())
        return urlunsplit(parts._replace(path=parts.path.rstrip("/") or self.path))


OPENAI = Provider("openai", "OpenAI", OPENAI_BASE_URL, "OPENAI_API_KEY")
ANTHROPIC = Provider("anthropic", "Anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY")
GOOGLE = Provider(
    "google",
    "Google Generative AI",
    "https://generativelanguage.googleapis.com",
    "GOOGLE_API_KEY",
    fetches_images=False,
)
OLLAMA = Provider("ollama", "Ollama", "http://localhost:11434/v1", path="/v1", fetches_images=False)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (OPENAI, ANTHROPIC, GOOGLE, OLLAMA)}
"""By the name under which they are stored."""

KEY_VARIABLES = tuple(provider.key_variable for provider in PROVIDERS.values() if provider.key_variable)
"""The variables that hold keys where a template has none."""

_OTHER_TITLES = {"google": GOOGLE, "gemini": GOOGLE, "google gemini": GOOGLE, "openai-compatible": OPENAI}


def provider_titled(title: str) -> Provider:
    """The provider that a flow names, in whatever case. Raises `ProviderUnknown`."""
    wanted = title.strip().casefold()
    titled = {provider.title.casefold(): provider for provider in PROVIDERS.values()}
    found = titled.get(wanted) or _OTHER_TITLES.get(wanted)
    if found is None:
        raise ProviderUnknown(title)
    return found


def provider_named(name: str) -> Provider:
    """The provider of a stored model. Raises `ProviderUnknown`."""
    if name not in PROVIDERS:
        raise ProviderUnknown(name)
    return PROVIDERS[name]
