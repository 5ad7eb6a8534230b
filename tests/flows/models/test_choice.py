"""choice.py: which model is asked, where, and with whose key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed
from flows.models.choice import ModelFields, choose, key_for
from flows.models.defaults import ModelDefaults
from flows.models.providers import ANTHROPIC, GOOGLE, NO_KEY, OLLAMA, OPENAI
from flows.values import LanguageModel
from tests.flows.running import run, tools
from tests.flows.steps import StepFields, step_graph, steps

HERE = "http://models.example/v1"
"""The endpoint of the settings."""
EVIL = "http://evil.example/v1"
DEFAULTS = ModelDefaults(
    "default-model",
    HERE,
    "sk-settings",
    {"openai": "sk-openai", "anthropic": "sk-anthropic", "google": "sk-google"},
)
VARIABLES = {"OPENAI_API_KEY": "sk-my-openai", "ANTHROPIC_API_KEY": "sk-my-claude", "GOOGLE_API_KEY": "sk-my-gemini"}


T = TypeVar("T")


def in_a_vertex(
    wanted: Callable[[VertexContext], T],
    defaults: ModelDefaults = DEFAULTS,
    variables: Mapping[str, str] | None = None,
    key: str | None = None,
) -> T:
    """What is found out in the vertex `m`, whose field api_key holds `key`."""
    found: list[T] = []

    async def build(inputs: StepFields, context: VertexContext) -> Outputs:
        fields = {("m", "api_key"): key}
        context.surroundings = replace(context.surroundings, field=lambda *field: fields.get(field))
        found.append(wanted(context))
        return {"left": ""}

    run(step_graph(steps([], ["m"]), build), borrowed=tools(variables, defaults=defaults))
    return found[0]


def picked(name: str, provider: str) -> list[dict[str, Any]]:
    """What the editor's model field holds."""
    return [{"name": name, "provider": provider, "icon": provider, "metadata": {"context_length": 128_000}}]


def chosen(**fields: Any) -> LanguageModel:
    return in_a_vertex(lambda context: choose(ModelFields(**fields), context))


CHOICES: Mapping[str, tuple[dict[str, Any], LanguageModel]] = {
    "nothing": ({}, LanguageModel("m", "default-model", HERE, "openai")),
    "the editor's empty field": ({"model": ""}, LanguageModel("m", "default-model", HERE, "openai")),
    "a name": ({"model": "gpt-4o"}, LanguageModel("m", "gpt-4o", HERE, "openai")),
    "OpenAI": ({"model": picked("gpt-4o", "OpenAI")}, LanguageModel("m", "gpt-4o", HERE, "openai")),
    "Anthropic": (
        {"model": picked("claude-opus-5", "Anthropic")},
        LanguageModel("m", "claude-opus-5", ANTHROPIC.base_url, "anthropic"),
    ),
    "Google": (
        {"model": picked("gemini-3", "Google Generative AI")},
        LanguageModel("m", "gemini-3", GOOGLE.base_url, "google"),
    ),
    "Ollama": ({"model": picked("llama3", "Ollama")}, LanguageModel("m", "llama3", OLLAMA.base_url, "ollama")),
    "Ollama elsewhere": (
        {"model": picked("llama3", "Ollama"), "ollama_base_url": "http://gpu:11434/"},
        LanguageModel("m", "llama3", "http://gpu:11434/v1", "ollama"),
    ),
    "another provider's Ollama": (
        {"model": picked("gpt-4o", "OpenAI"), "ollama_base_url": "http://gpu:11434"},
        LanguageModel("m", "gpt-4o", HERE, "openai"),
    ),
    "the provider beside the picked one": (
        {"model": picked("gpt-4o", "OpenAI"), "provider": "anthropic", "model_name": "claude-opus-5"},
        LanguageModel("m", "claude-opus-5", ANTHROPIC.base_url, "anthropic"),
    ),
    "an endpoint of its own": (
        {"model": picked("gpt-4o", "OpenAI"), "base_url": f"{EVIL}/"},
        LanguageModel("m", "gpt-4o", EVIL, "openai"),
    ),
    "what an edge brings": (
        {"model": LanguageModel("lends", "x", "http://y/v1", "ollama"), "model_name": "gpt-4o"},
        LanguageModel("lends", "x", "http://y/v1", "ollama"),
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_the_model_is_the_one_that_the_fields_name_then_the_settings(case: str) -> None:
    """Whatever the editor's model field holds."""
    fields, handle = CHOICES[case]
    assert chosen(**fields) == handle


def test_an_unknown_provider_is_refused_by_name() -> None:
    """With those that are known."""
    with pytest.raises(VertexFailed) as caught:
        chosen(model=picked("granite", "IBM WatsonX"))
    assert caught.value.reason.startswith(
        "the provider 'IBM WatsonX' is not known here; known are OpenAI, Anthropic, Google Generative AI, Ollama."
    )


def test_the_model_of_the_settings_is_no_other_providers() -> None:
    with pytest.raises(VertexFailed, match=r"no model is named\. Choose one in the flow as Anthropic names it\."):
        chosen(provider="Anthropic")


KEYS: Mapping[str, tuple[LanguageModel, str | None, bool, str]] = {
    "the field, anywhere": (LanguageModel("m", "x", EVIL), "sk-own", True, "sk-own"),
    "the settings' endpoint: the variable": (LanguageModel("m", "x", HERE), None, True, "sk-my-openai"),
    "the settings' endpoint: the settings": (LanguageModel("m", "x", HERE), None, False, "sk-settings"),
    "the same, written otherwise": (LanguageModel("m", "x", f"{HERE}/"), None, False, "sk-settings"),
    "OpenAI: the variable": (LanguageModel("m", "x", OPENAI.base_url), None, True, "sk-my-openai"),
    "OpenAI: the environment": (LanguageModel("m", "x", OPENAI.base_url), None, False, "sk-openai"),
    "Anthropic: the variable": (LanguageModel("m", "x", ANTHROPIC.base_url, "anthropic"), None, True, "sk-my-claude"),
    "Anthropic: the environment": (
        LanguageModel("m", "x", ANTHROPIC.base_url, "anthropic"), None, False, "sk-anthropic"
    ),
    "Google: the variable": (LanguageModel("m", "x", GOOGLE.base_url, "google"), None, True, "sk-my-gemini"),
    "Google: the environment": (LanguageModel("m", "x", GOOGLE.base_url, "google"), None, False, "sk-google"),
    "Ollama asks for none": (LanguageModel("m", "x", OLLAMA.base_url, "ollama"), None, True, NO_KEY),
    "elsewhere": (LanguageModel("m", "x", EVIL), None, True, NO_KEY),
    "elsewhere, as Anthropic": (LanguageModel("m", "x", EVIL, "anthropic"), None, True, NO_KEY),
    "elsewhere, as Google": (LanguageModel("m", "x", EVIL, "google"), None, True, NO_KEY),
    "Anthropic's endpoint, as OpenAI": (LanguageModel("m", "x", ANTHROPIC.base_url), None, True, NO_KEY),
    "the settings' endpoint, as Anthropic": (LanguageModel("m", "x", HERE, "anthropic"), None, True, NO_KEY),
    "a host that only begins like it": (
        LanguageModel("m", "x", "https://api.openai.com.evil.example/v1"), None, True, NO_KEY
    ),
    "a user before another host": (
        LanguageModel("m", "x", "https://api.openai.com@evil.example/v1"), None, True, NO_KEY
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KEYS)
def test_the_key_is_the_fields_then_the_variables_then_the_environments(case: str) -> None:
    """Those that the flow does not name go to the provider's own endpoint and to that of the settings (fault F7)."""
    handle, own, has_variables, key = KEYS[case]
    variables = VARIABLES if has_variables else None
    assert in_a_vertex(lambda context: key_for(handle, context), variables=variables, key=own) == key


def test_without_an_endpoint_of_the_settings_their_key_is_for_openai() -> None:
    """It stands before the one of the environment."""
    defaults = ModelDefaults(api_key="sk-settings", keys={"openai": "sk-openai"})
    handle = LanguageModel("m", "x", OPENAI.base_url)
    assert in_a_vertex(lambda context: key_for(handle, context), defaults) == "sk-settings"


def test_every_key_of_the_settings_is_confided() -> None:
    """None of them may stand in an error (rule 12)."""
    assert set(DEFAULTS.secrets) == {"sk-settings", "sk-openai", "sk-anthropic", "sk-google"}
    assert "sk-" not in repr(DEFAULTS)
