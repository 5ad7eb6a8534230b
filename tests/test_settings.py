"""settings.py: every wrong value is named with its fault and its remedy, and every setting is documented."""

import re
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, load_settings
from storage.secrets import new_key

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
NAMES = [str(field.validation_alias) for field in Settings.model_fields.values()]

SECONDS = "Input should be greater than 0. Give a number of seconds above 0, a year at most."
COUNT = "Input should be greater than or equal to 1. Give a whole number of at least 1."

WRONG = {
    "DATABASE_URL": (
        "mysql://db/penstock",
        "DATABASE_URL: names the database 'mysql'. Give postgresql://user:password@host/name or sqlite:///path.",
    ),
    "REDIS_URL": ("http://redis", "REDIS_URL: is not a Redis URL. Give redis://host:6379/0."),
    "PORT": ("70000", "PORT=70000: Input should be less than or equal to 65535. Give a port between 1 and 65535."),
    "PENSTOCK_HOST": (
        "0.0.0.0",
        "PENSTOCK_HOST=0.0.0.0: is reachable from outside, so a first API key is needed. "
        "Set PENSTOCK_BOOTSTRAP_KEY, or bind to 127.0.0.1.",
    ),
    "WEB_CONCURRENCY": ("2", "WEB_CONCURRENCY=2: several processes need REDIS_URL. Set it, or give 1."),
    "PENSTOCK_WORKER_THREADS": ("0", f"PENSTOCK_WORKER_THREADS=0: {COUNT}"),
    "PENSTOCK_SECRET_KEY": (
        "not-a-key",
        "PENSTOCK_SECRET_KEY: is not a list of Fernet keys. Make one: `penstock secret-key`.",
    ),
    "PENSTOCK_BOOTSTRAP_KEY": (
        "too-short",
        "PENSTOCK_BOOTSTRAP_KEY: Value should have at least 16 items after validation, not 9. "
        "Give at least 16 characters.",
    ),
    "PENSTOCK_LOGIN_HOURS": (
        "0",
        "PENSTOCK_LOGIN_HOURS=0: Input should be greater than 0. Give a number of hours above 0, a year at most.",
    ),
    "PENSTOCK_LEASE_SECONDS": ("0", f"PENSTOCK_LEASE_SECONDS=0: {SECONDS}"),
    "PENSTOCK_HEARTBEAT_SECONDS": (
        "30",
        "PENSTOCK_HEARTBEAT_SECONDS=30: is more than half of PENSTOCK_LEASE_SECONDS=45. "
        "Lower the one or raise the other.",
    ),
    "PENSTOCK_SWEEP_SECONDS": ("-1", f"PENSTOCK_SWEEP_SECONDS=-1: {SECONDS}"),
    "PENSTOCK_MAX_ATTEMPTS": ("0", f"PENSTOCK_MAX_ATTEMPTS=0: {COUNT}"),
    "PENSTOCK_GRACE_SECONDS": (
        "30",
        "PENSTOCK_GRACE_SECONDS=30: Input should be less than or equal to 20. Give a number of seconds above 0, 20 at "
        "most.",
    ),
    "PENSTOCK_INPUT_DEADLINE_SECONDS": ("0", f"PENSTOCK_INPUT_DEADLINE_SECONDS=0: {SECONDS}"),
    "PENSTOCK_VERTEX_TIMEOUT_SECONDS": ("0", f"PENSTOCK_VERTEX_TIMEOUT_SECONDS=0: {SECONDS}"),
    "PENSTOCK_SYNC_TIMEOUT_SECONDS": ("0", f"PENSTOCK_SYNC_TIMEOUT_SECONDS=0: {SECONDS}"),
    "PENSTOCK_JOB_TIMEOUT_SECONDS": ("0", f"PENSTOCK_JOB_TIMEOUT_SECONDS=0: {SECONDS}"),
    "PENSTOCK_MAX_QUEUED": ("0", f"PENSTOCK_MAX_QUEUED=0: {COUNT}"),
    "PENSTOCK_MAX_QUEUED_PER_USER": ("0", f"PENSTOCK_MAX_QUEUED_PER_USER=0: {COUNT}"),
    "PENSTOCK_MAX_STREAMS": ("0", f"PENSTOCK_MAX_STREAMS=0: {COUNT}"),
    "PENSTOCK_MAX_PUBLIC_STREAMS": ("0", f"PENSTOCK_MAX_PUBLIC_STREAMS=0: {COUNT}"),
    "PENSTOCK_MAX_STREAMS_PER_USER": ("0", f"PENSTOCK_MAX_STREAMS_PER_USER=0: {COUNT}"),
    "PENSTOCK_MAX_REQUESTS_PER_MINUTE": (
        "-1",
        "PENSTOCK_MAX_REQUESTS_PER_MINUTE=-1: Input should be greater than or equal to 0. "
        "Give a whole number, 0 for any number.",
    ),
    "PENSTOCK_PUBLIC_RUNS_PER_MINUTE": ("0", f"PENSTOCK_PUBLIC_RUNS_PER_MINUTE=0: {COUNT}"),
    "PENSTOCK_TRUSTED_PROXIES": (
        "10.0.0.5/8",
        "PENSTOCK_TRUSTED_PROXIES=10.0.0.5/8: 10.0.0.5/8 has host bits set. Give a list as 10.0.0.5,10.1.0.0/16.",
    ),
    "PENSTOCK_CORS_ORIGINS": (
        "https://app.example.com/",
        "PENSTOCK_CORS_ORIGINS=https://app.example.com/: names 'https://app.example.com/', which is no origin. "
        "Give a list as https://app.example.com,http://localhost:3000, or * alone.",
    ),
    "PENSTOCK_COMPONENTS": ("/nowhere", "PENSTOCK_COMPONENTS=/nowhere: is no folder. Give a folder."),
    "PENSTOCK_LFX": (
        "*,CombineText",
        "PENSTOCK_LFX=*,CombineText: has more beside *. "
        "Give a list as CombineText,RegexExtractorComponent, or * alone.",
    ),
    "PENSTOCK_KILL_POINT": (
        "here",
        "PENSTOCK_KILL_POINT=here: 'here' is no kill point. Leave it out, or take a name from storage/kill_points.py.",
    ),
    "PENSTOCK_CLOCK_SKEW_SECONDS": (
        "soon",
        "PENSTOCK_CLOCK_SKEW_SECONDS=soon: Input should be a valid number, unable to parse string as a number. "
        "Leave it out.",
    ),
    "PENSTOCK_MAX_VERTICES": ("0", f"PENSTOCK_MAX_VERTICES=0: {COUNT}"),
    "PENSTOCK_MAX_BODY_BYTES": ("0", f"PENSTOCK_MAX_BODY_BYTES=0: {COUNT}"),
    "PENSTOCK_MAX_FILE_BYTES": ("0", f"PENSTOCK_MAX_FILE_BYTES=0: {COUNT}"),
    "PENSTOCK_MAX_FILES": ("0", f"PENSTOCK_MAX_FILES=0: {COUNT}"),
    "PENSTOCK_MAX_PARALLEL": ("0", f"PENSTOCK_MAX_PARALLEL=0: {COUNT}"),
    "PENSTOCK_RECHECK_SECONDS": ("0", f"PENSTOCK_RECHECK_SECONDS=0: {SECONDS}"),
    "PENSTOCK_END_USER_HEADER": (
        "X End User",
        "PENSTOCK_END_USER_HEADER=X End User: String should match pattern '^[A-Za-z0-9-]{1,64}$'. "
        "Give the name of a header, as X-End-User.",
    ),
    "PENSTOCK_END_USER_REQUIRED": (
        "perhaps",
        "PENSTOCK_END_USER_REQUIRED=perhaps: Input should be a valid boolean, unable to interpret input. "
        "Give true or false.",
    ),
    "PENSTOCK_ALLOWED_HOSTS": (
        "ollama:http",
        "PENSTOCK_ALLOWED_HOSTS=ollama:http: 'ollama:http' has no port between 1 and 65535 behind its colon. "
        "Give a list as ollama,10.1.0.0/16,127.0.0.1:8080.",
    ),
    "PENSTOCK_MODEL_BASE_URL": (
        "host/v1",
        "PENSTOCK_MODEL_BASE_URL: String should match pattern '^https?://'. Give an http(s) URL, as https://host/v1.",
    ),
    "PENSTOCK_MODEL_TIMEOUT_SECONDS": ("0", f"PENSTOCK_MODEL_TIMEOUT_SECONDS=0: {SECONDS}"),
    "PENSTOCK_MODEL_RETRIES": (
        "11",
        "PENSTOCK_MODEL_RETRIES=11: Input should be less than or equal to 10. Give a whole number from 0 to 10.",
    ),
    "PENSTOCK_SEARCH_URL": (
        "host/search",
        "PENSTOCK_SEARCH_URL: String should match pattern '^https?://'. Give an http(s) URL, as https://host/search.",
    ),
    "PENSTOCK_ARXIV_URL": (
        "host/api/query",
        "PENSTOCK_ARXIV_URL: String should match pattern '^https?://'. Give an http(s) URL, as https://host/api/query.",
    ),
    "PENSTOCK_SQL_FOLDER": ("/nowhere", "PENSTOCK_SQL_FOLDER=/nowhere: is no folder. Give a folder."),
    "PENSTOCK_DATA_DIR": (
        "~nobody-of-this-name/data",
        "PENSTOCK_DATA_DIR=~nobody-of-this-name/data: has no such home folder. Give a folder that may be written.",
    ),
}
"""One wrong value for each setting, and what is said to it."""

ANY_TEXT = {
    "PENSTOCK_MODEL_API_KEY",
    "PENSTOCK_MODEL_NAME",
    "PENSTOCK_EMBEDDING_MODEL",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
}
"""Settings that no text is wrong for."""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing set, and no `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_the_table_has_every_setting() -> None:
    assert set(WRONG) | ANY_TEXT == set(NAMES)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named_with_its_fault_and_its_remedy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, message = WRONG[name]
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:canary@db/penstock"),
        ("REDIS_URL", "http://:canary@redis"),
        ("PENSTOCK_SECRET_KEY", "canary"),
        ("PENSTOCK_BOOTSTRAP_KEY", "canary"),
        ("PENSTOCK_MODEL_BASE_URL", "ftp://user:canary@host"),
    ],
)
def test_no_message_repeats_a_secret(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a key nor the password in a URL stands in the message about it (I8)."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(name)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_SECONDS")])
@pytest.mark.parametrize("value", ["inf", "nan", "soon"])
def test_what_is_no_number_of_seconds_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database counts to infinity."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}"):
        load_settings()


@pytest.mark.parametrize("url", ["DATABASE_URL=postgresql://db/penstock", "REDIS_URL=redis://redis"])
def test_what_others_share_needs_a_secret_key(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, value = url.partition("=")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"^PENSTOCK_SECRET_KEY: is required"):
        load_settings()
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    assert not load_settings().is_embedded


def test_nothing_has_to_be_set() -> None:
    """Without any setting Penstock is embedded, on loopback, in a folder of where it was started."""
    settings = load_settings()
    assert settings.is_embedded
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert settings.database == f"sqlite:///{Path.cwd()}/.penstock/penstock.db"


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    assert load_settings() == Settings()
    assert load_settings().port == 7860


def test_a_line_in_the_env_file_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment stands before the file."""
    (tmp_path / ".env").write_text("PORT=8001\nPENSTOCK_MAX_QUEUED=7\n")
    monkeypatch.setenv("PORT", "8002")
    settings = load_settings()
    assert (settings.port, settings.max_queued) == (8002, 7)


def test_the_embedded_secret_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """Every process finds the same key, in a file that nobody else may read."""
    assert load_settings().secret_keys() == load_settings().secret_keys()
    assert (tmp_path / ".penstock" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_the_page_has_a_row_for_every_setting() -> None:
    """The page on settings tells each one's name, default and meaning as the code has them, in its order."""
    rows = re.findall(r"^\| (`.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [_row(field) for field in Settings.model_fields.values()]


def _row(field: Any) -> str:
    return f"`{field.validation_alias}` | {_shown(field.default)} | {field.description}"


def _shown(default: object) -> str:
    if default is None:
        return "not set"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
