"""What goes wrong with models, told so that whoever reads it knows what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flows.errors import FlowError
from flows.models.patience import LONGEST_WAIT, Patience
from flows.models.providers import NO_KEY, PROVIDERS
from flows.redaction import REDACTED
from flows.values import LanguageModel

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelAPIError, ModelConnectionError

MAX_QUOTED = 300
"""Characters of a provider's own words."""

BROKE_OFF = "its answer broke off. Run it again."
UNREADABLE = (
    "its answer cannot be used. Where it is no answer of a model at all, check that the base URL is the one that its "
    "provider gives."
)


class ModelFailed(FlowError):
    """A model call failed; the message says why, what to do, and what the provider said."""


def told(error: Exception, handle: LanguageModel, key: str, patience: Patience) -> ModelFailed:
    """The failure that an error of a model is. What this program refused itself is told as it is."""
    if isinstance(error, ModelFailed):
        return error
    own = next((cause for cause in _causes(error) if isinstance(cause, FlowError)), None)
    if own is not None:
        return ModelFailed(str(own))
    where = f"The model {handle.name!r} at {handle.base_url}"
    return ModelFailed(f"{where} failed: {_reason(error, handle, key, patience)}{_details(error, key)}")


def _reason(error: Exception, handle: LanguageModel, key: str, patience: Patience) -> str:
    from pydantic_ai import exceptions as known

    match error:
        case known.ModelAuthenticationError():
            return _unknown_key(handle, key)
        case known.ModelNotFoundError():
            return "it knows no such model, or nothing is at this address. Check the model's name and the base URL."
        case known.ModelContextWindowExceededError():
            return "it is told more than it can read. Send less, or choose a model that reads more."
        case known.ModelQuotaExceededError():
            return "its account has no credit or quota left. Raise it with the provider, or give another key."
        case known.ModelConnectionError():
            return _unconnected(error, patience)
        case known.ModelRateLimitError() | known.ModelUnavailableError() | known.ModelServerError():
            return _unwilling(error, patience)
        case known.ModelHTTPError(status_code=status):
            return f"it refuses the request ({status}). Change in the flow what its words name."
        case known.ModelAPIError() if not isinstance(error.__cause__, ValueError):
            return BROKE_OFF
        case known.UserError():
            return "the request cannot be made. Change in the flow what is named here."
        case known.ContentFilterError():
            return "its provider holds the answer back for what it, or the question, says. Ask otherwise."
        case known.OutputTokenLimitExceeded():
            return "its answer is longer than it may be. Raise max_tokens, or ask for less."
        case known.UnexpectedModelBehavior() | known.ModelAPIError() | ValueError():
            return UNREADABLE
    return "it could not go on."


def _unknown_key(handle: LanguageModel, key: str) -> str:
    provider = PROVIDERS.get(handle.provider)
    variable = f" or the variable {provider.key_variable}" if provider and provider.key_variable else ""
    if key == NO_KEY:
        return f"it asks for a key, and there is none for it. Give one in the field api_key{variable}."
    return f"it does not take the key. Check the one in the field api_key{variable}, and what that key may use."


def _unwilling(error: "ModelAPIError", patience: Patience) -> str:
    from pydantic_ai.exceptions import ModelRateLimitError

    limited = isinstance(error, ModelRateLimitError)
    why = "it is asked too much at once" if limited else "it is out of order"
    if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
        return f"{why}, and asks to wait {error.retry_after:.0f} s, which is too long to wait here. Run it again then."
    times = f", also when asked again {patience.retries} times" if patience.retries and not error.in_stream else ""
    remedy = ", or raise the limit with the provider" if limited else ""
    return f"{why}{times}. Run it again later{remedy}."


def _unconnected(error: "ModelConnectionError", patience: Patience) -> str:
    from pydantic_ai.exceptions import ModelTimeoutError

    if error.phase in ("connect", "pool"):
        return "it cannot be reached. Check the base URL, and that something answers there."
    if isinstance(error, ModelTimeoutError):
        return (
            f"nothing came from it for {patience.wait_seconds:g} s, or its answer did not end. Run it again, or raise "
            "PENSTOCK_MODEL_TIMEOUT_SECONDS."
        )
    return BROKE_OFF


def _details(error: Exception, key: str) -> str:
    """What the provider said of its error, else what is known of it here, in short and without the key."""
    said = _said(error)
    words = said or _known(error)
    words = " ".join((words if key == NO_KEY else words.replace(key, REDACTED)).split())
    if not words:
        return ""
    quoted = words if len(words) <= MAX_QUOTED else f"{words[:MAX_QUOTED]} …"
    return f' It says: "{quoted}"' if said else f" ({quoted})"


def _said(error: Exception) -> str:
    body = getattr(error, "body", None)
    while isinstance(body, dict | list) and body:
        body = body[0] if isinstance(body, list) else body.get("error") or body.get("message") or body.get("detail")
    return body if isinstance(body, str) else ""


def _known(error: Exception) -> str:
    import httpx2
    from pydantic_ai.exceptions import ModelConnectionError

    if isinstance(error, ModelConnectionError):
        return next((str(cause) for cause in _causes(error) if isinstance(cause, httpx2.TransportError)), "")
    return str(getattr(error, "message", error))


def _causes(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
