"""How jobs are worked on, and what flows may use."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from settings.values import COUNT, SECONDS, YEAR, Endpoint, Hosts, KillPointName, Types, setting


class Work(BaseSettings):
    """How jobs are worked on, and what flows may use."""

    worker_threads: int = setting(
        "PENSTOCK_WORKER_THREADS", 8, "Runs at the same time per worker process. A quarter of them, at least one when"
        " there are two, is kept for sync and stream runs.", COUNT, ge=1, le=256,
    )  # fmt: skip
    lease_seconds: float = setting(
        "PENSTOCK_LEASE_SECONDS", 45.0, "How long a worker owns a job without renewing.", SECONDS, gt=0, le=YEAR
    )
    heartbeat_seconds: float = setting(
        "PENSTOCK_HEARTBEAT_SECONDS", 15.0, "How often a worker renews what it owns. At most half the lease.",
        "Give a number of seconds above 0 and at most half of PENSTOCK_LEASE_SECONDS.", gt=0, le=YEAR,
    )  # fmt: skip
    sweep_seconds: float = setting(
        "PENSTOCK_SWEEP_SECONDS", 3.0, "How often the workers look for jobs that should be moving.",
        SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    max_attempts: int = setting(
        "PENSTOCK_MAX_ATTEMPTS", 5, "How often a worker may be lost before the run gets a vertex further; then the job"
        " fails. A deploy does not count.", COUNT, ge=1, le=1_000,
    )  # fmt: skip
    grace_seconds: float = setting(
        "PENSTOCK_GRACE_SECONDS", 15.0, "How long running vertices may go on when a worker is asked to end; then their"
        " jobs are handed on. Platforms kill after 30.", "Give a number of seconds above 0, 20 at most.", gt=0, le=20,
    )  # fmt: skip
    sync_timeout_seconds: float = setting(
        "PENSTOCK_SYNC_TIMEOUT_SECONDS", 300.0, "Time limit of a sync or stream run.", SECONDS, gt=0, le=YEAR
    )
    job_timeout_seconds: float | None = setting(
        "PENSTOCK_JOB_TIMEOUT_SECONDS", None, "Time limit of a background run. Without it: none.",
        SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    vertex_timeout_seconds: float | None = setting(
        "PENSTOCK_VERTEX_TIMEOUT_SECONDS", None, "Time limit of one vertex. Without it: none but that of its run.",
        SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    input_deadline_seconds: float | None = setting(
        "PENSTOCK_INPUT_DEADLINE_SECONDS", None, "How long a run may wait for a person; then it fails. Without it: as "
        "long as it takes.", SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    max_queued: int = setting(
        "PENSTOCK_MAX_QUEUED", 10_000, "Queued jobs at most, counted apart for background runs and those that somebody"
        " waits for; beyond them a submit is answered 429.", COUNT, ge=1,
    )  # fmt: skip
    max_queued_per_user: int = setting(
        "PENSTOCK_MAX_QUEUED_PER_USER", 5_000, "The same for the jobs of one user.", COUNT, ge=1
    )
    max_vertices: int = setting("PENSTOCK_MAX_VERTICES", 1_000, "Vertices of one flow at most.", COUNT, ge=1)
    max_parallel: int = setting(
        "PENSTOCK_MAX_PARALLEL", 8, "Vertices of one job that run at the same time.", COUNT, ge=1, le=256
    )
    components: Path | None = setting(
        "PENSTOCK_COMPONENTS", None, "Folder of Python files with components of your own.", "Give a folder."
    )
    lfx: Types | None = setting(
        "PENSTOCK_LFX", None, "Component types that run through the package lfx (penstock[lfx]), comma-separated, or *"
        " for all. They open connections and files of their own. Without it: none.",
        "Give a list as CombineText,RegexExtractorComponent, or * alone.",
    )  # fmt: skip
    allowed_hosts: Hosts | None = setting(
        "PENSTOCK_ALLOWED_HOSTS", None, "What flows may call though it is not public, comma-separated: host,"
        " host:port, IP address or network. What PENSTOCK_MODEL_BASE_URL connects to is allowed already; an internal"
        " endpoint that a flow names must stand here.", "Give a list as ollama,10.1.0.0/16,127.0.0.1:8080.",
    )  # fmt: skip
    model_base_url: Endpoint | None = setting(
        "PENSTOCK_MODEL_BASE_URL", None, "OpenAI-compatible endpoint used where a flow names none.",
        "Give an http(s) URL, as https://host/v1.",
    )  # fmt: skip
    model_api_key: SecretStr | None = setting(
        "PENSTOCK_MODEL_API_KEY", None, "Key for that endpoint; it is sent to no other.", "Give the key."
    )
    model_name: str | None = setting(
        "PENSTOCK_MODEL_NAME", None, "Model used where a flow names none.", "Give a name that the endpoint knows."
    )
    openai_api_key: SecretStr | None = setting(
        "OPENAI_API_KEY", None, "Key for OpenAI's own endpoint; it is sent to no other.", "Give the key."
    )
    anthropic_api_key: SecretStr | None = setting(
        "ANTHROPIC_API_KEY", None, "Key for Anthropic's own endpoint; it is sent to no other.", "Give the key."
    )
    google_api_key: SecretStr | None = setting(
        "GOOGLE_API_KEY", None, "Key for the own endpoint of Google Generative AI; it is sent to no other.",
        "Give the key.",
    )  # fmt: skip
    model_timeout_seconds: float = setting(
        "PENSTOCK_MODEL_TIMEOUT_SECONDS", 120.0, "How long a model may say nothing: until its answer begins, and"
        " between two pieces of it.", SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    model_retries: int = setting(
        "PENSTOCK_MODEL_RETRIES", 2, "How often a model is asked again that answers 429 or 5xx, or whose connection"
        " fails before it answers.", "Give a whole number from 0 to 10.", ge=0, le=10,
    )  # fmt: skip
    embedding_model: str = setting(
        "PENSTOCK_EMBEDDING_MODEL", "text-embedding-3-small", "What knowledge bases are made with, at the endpoint of"
        " PENSTOCK_MODEL_BASE_URL or OpenAI's own. Without a key or an endpoint: the words of the texts, no model.",
        "Give a name that the endpoint knows.",
    )  # fmt: skip
    search_url: Endpoint | None = setting(
        "PENSTOCK_SEARCH_URL", None, "Search that speaks the JSON of SearXNG, as https://host/search; flows may call it"
        " though it is internal. Without it: DuckDuckGo and Google News.",
        "Give an http(s) URL, as https://host/search.",
    )  # fmt: skip
    arxiv_url: Endpoint | None = setting(
        "PENSTOCK_ARXIV_URL", None, "Search for papers that speaks arXiv's Atom; flows may call it though it is"
        " internal. Without it: arXiv.", "Give an http(s) URL, as https://host/api/query.",
    )  # fmt: skip
    sql_folder: Path | None = setting(
        "PENSTOCK_SQL_FOLDER", None, "Folder of SQLite files that every flow may read. Without it: none. A PostgreSQL"
        " server is called as any host is.", "Give a folder.",
    )  # fmt: skip
    kill_point: KillPointName | None = setting(
        "PENSTOCK_KILL_POINT", None, "For tests: the place at which this process kills itself, `name` or `name:n` for"
        " the n-th time.", "Leave it out, or take a name from storage/kill_points.py.",
    )  # fmt: skip
    clock_skew_seconds: float = setting(
        "PENSTOCK_CLOCK_SKEW_SECONDS", 0.0, "For tests: by how much the clock of this process is wrong.",
        "Leave it out.", ge=-YEAR, le=YEAR,
    )  # fmt: skip
