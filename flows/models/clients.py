"""The one place that makes a model, which speaks its provider's protocol through an HTTP client that is given to it.

The providers' libraries read the environment, unless they are told everything: headers that it adds for them would go
to whatever endpoint a flow names. Their imports take a second, and only flows with a model pay for it.
"""

from collections.abc import Callable, Mapping
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, TypeAlias

from flows.extras import extra
from flows.models.providers import ANTHROPIC, GOOGLE, OLLAMA, OPENAI, provider_named
from flows.values import LanguageModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model
    from pydantic_ai.profiles.openai import OpenAIModelProfile

_Make: TypeAlias = "Callable[[LanguageModel, str, AsyncClient], Model]"


def make_model(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "Model":
    """The model that a handle names. Raises `ProviderUnknown`, or `ExtraMissing` when its library is not installed."""
    return _MAKERS[provider_named(handle.provider).name](handle, key, http_client)


def _openai(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "Model":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=_openai_client(handle, key, http_client))
    return OpenAIChatModel(handle.name, provider=provider, profile=_whole_answers())


def _ollama(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "Model":
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(openai_client=_openai_client(handle, key, http_client))
    return OllamaModel(handle.name, provider=provider, profile=_whole_answers())


def _whole_answers() -> "OpenAIModelProfile":
    """An answer that ends without saying why is one that broke off."""
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    return OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)


def _openai_client(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=handle.base_url, api_key=key, http_client=http_client, max_retries=0)
    client.organization = client.project = None
    client._custom_headers = {}
    return client


def _anthropic(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "Model":
    with extra("anthropic"):
        from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    from flows.models.whole_answers import WholeAnswers

    client = AsyncAnthropic(base_url=handle.base_url, api_key=key, http_client=http_client, max_retries=0)
    client._custom_headers = {}
    return WholeAnswers(AnthropicModel(handle.name, provider=AnthropicProvider(anthropic_client=client)))


def _google(handle: LanguageModel, key: str, http_client: "AsyncClient") -> "Model":
    with extra("google"):
        from google.genai import Client
        from google.genai.types import HttpOptions, HttpRetryOptions
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    from flows.models.whole_answers import WholeAnswers

    # Beside the client that it is given it makes some of its own: these trust nobody, and so reach nobody. It also
    # saves a tenth of a second, in which each of them would read all that there is to trust.
    trusting_nobody = SSLContext(PROTOCOL_TLS_CLIENT)
    options = HttpOptions(
        base_url=handle.base_url,
        httpx_async_client=http_client,
        retry_options=HttpRetryOptions(attempts=1),
        client_args={"verify": trusting_nobody},
        async_client_args={"verify": trusting_nobody, "ssl": trusting_nobody},
    )
    client = Client(vertexai=False, api_key=key, http_options=options)
    return WholeAnswers(GoogleModel(handle.name, provider=GoogleProvider(client=client)))


_MAKERS: Mapping[str, _Make] = {
    OPENAI.name: _openai,
    ANTHROPIC.name: _anthropic,
    GOOGLE.name: _google,
    OLLAMA.name: _ollama,
}
