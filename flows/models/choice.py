"""Which model is asked, where, and with whose key: the same for every component that asks one."""

from collections.abc import Mapping
from typing import Annotated, Any

from flows.component import Inputs, Secret, Takes
from flows.context import VertexContext
from flows.models.defaults import ModelDefaults
from flows.models.providers import NO_KEY, OLLAMA, OPENAI, Provider, provider_named, provider_titled
from flows.values import LanguageModel


class ModelFields(Inputs):
    """The fields that say which model is asked."""

    model: Annotated[Any, Takes("LanguageModel")] = None
    """What the editor's model field holds: a name, a list whose first entry has `name` and `provider`, nothing; or what
    an edge brought."""
    provider: str = ""
    model_name: str = ""
    base_url: str = ""
    ollama_base_url: str = ""
    api_key: Secret = ""


def choose(fields: ModelFields, context: VertexContext) -> LanguageModel:
    """Which model to ask: the one that an edge brings, else the one that the fields name, else the one of the settings.

    Raises `ProviderUnknown`, or `ValueError` when none is named.
    """
    if isinstance(fields.model, LanguageModel):
        return fields.model
    picked = _picked(fields.model)
    provider = provider_titled(fields.provider or picked.get("provider") or OPENAI.title)
    defaults = context.tools.model_defaults
    name = fields.model_name or picked.get("name") or (defaults.name if provider is OPENAI else None)
    if not name:
        remedy = "or set PENSTOCK_MODEL_NAME" if provider is OPENAI else f"as {provider.title} names it"
        raise ValueError(f"no model is named. Choose one in the flow {remedy}.")
    return LanguageModel(context.vertex_id, name, _endpoint(fields, provider, defaults), provider.name)


def key_for(handle: LanguageModel, context: VertexContext) -> str:
    """The key that the flow names for its model; without one the user's variable, then the settings' key, `NO_KEY`
    where there is none. Those that the flow does not name go to the provider's own endpoint and to that of the settings
    only: a flow that names another one must not get them (fault F7)."""
    own = context.surroundings.field(handle.vertex_id, "api_key")
    if own:
        return own
    provider, defaults = provider_named(handle.provider), context.tools.model_defaults
    settings_key = _settings_key(handle, provider, defaults)
    if provider.key_variable is None or settings_key is None:
        return NO_KEY
    return context.tools.variable(provider.key_variable) or settings_key or NO_KEY


def _settings_key(handle: LanguageModel, provider: Provider, defaults: ModelDefaults) -> str | None:
    """What the settings have for an endpoint, empty when nothing; None for one that is not theirs to give a key to."""
    endpoint = provider.endpoint(handle.base_url)
    keys = [defaults.keys.get(provider.name)] if endpoint == provider.base_url else None
    if provider is OPENAI and endpoint == OPENAI.endpoint(defaults.base_url or OPENAI.base_url):
        keys = [defaults.api_key, *(keys or ())]
    return None if keys is None else next(filter(None, keys), "")


def _endpoint(fields: ModelFields, provider: Provider, defaults: ModelDefaults) -> str:
    named = fields.base_url or (fields.ollama_base_url if provider is OLLAMA else "")
    usual = (provider is OPENAI and defaults.base_url) or provider.base_url
    return provider.endpoint(named or usual)


def _picked(selection: Any) -> Mapping[str, str]:
    """`name` and `provider` in the editor's model field, as far as they are there."""
    if isinstance(selection, list) and selection:
        selection = selection[0]
    if isinstance(selection, str):
        return {"name": selection}
    if not isinstance(selection, dict):
        return {}
    return {key: value for key, value in selection.items() if key in ("name", "provider") and isinstance(value, str)}
