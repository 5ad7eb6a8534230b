"""Who may call, how often, and how much one request may ask for."""

from pydantic_settings import BaseSettings

from settings.values import COUNT, SECONDS, YEAR, Networks, Origins, setting


class Callers(BaseSettings):
    """Who may call, how often, and how much one request may ask for."""

    login_hours: float = setting(
        "PENSTOCK_LOGIN_HOURS", 12.0, "How long a browser stays signed in.", "Give a number of hours above 0, a year"
        " at most.", gt=0, le=8_760,
    )  # fmt: skip
    trusted_proxies: Networks | None = setting(
        "PENSTOCK_TRUSTED_PROXIES", None, "Reverse proxies whose word is taken for whom they call and whether by HTTPS,"
        " comma-separated: IP address or network. Without it X-Forwarded-For and its like are ignored.",
        "Give a list as 10.0.0.5,10.1.0.0/16.",
    )  # fmt: skip
    cors_origins: Origins | None = setting(
        "PENSTOCK_CORS_ORIGINS", None, "Web pages elsewhere that may call this server from a browser, comma-separated"
        " origins; * for all, which then call without cookies. Without it: none.",
        "Give a list as https://app.example.com,http://localhost:3000, or * alone.",
    )  # fmt: skip
    end_user_header: str | None = setting(
        "PENSTOCK_END_USER_HEADER", None, "Header in which a trusted proxy names the person for whom a service calls;"
        " each then sees their own jobs only.", "Give the name of a header, as X-End-User.",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
    )  # fmt: skip
    end_user_required: bool = setting(
        "PENSTOCK_END_USER_REQUIRED", False, "Whether a run must name its end user.", "Give true or false."
    )
    recheck_seconds: float = setting(
        "PENSTOCK_RECHECK_SECONDS", 15.0, "How long an open stream goes on without asking whether its reader may still"
        " see it.", SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    max_streams: int = setting(
        "PENSTOCK_MAX_STREAMS", 1_000, "Clients that follow events in one web process; beyond them they are answered"
        " 503.", COUNT, ge=1,
    )  # fmt: skip
    max_streams_per_user: int = setting(
        "PENSTOCK_MAX_STREAMS_PER_USER", 100, "The same for the streams of one user, who is answered 429.", COUNT, ge=1
    )
    max_public_streams: int = setting(
        "PENSTOCK_MAX_PUBLIC_STREAMS", 200, "Visitors who follow public runs in one web process, beside the users;"
        " beyond them they are answered 503.", COUNT, ge=1,
    )  # fmt: skip
    max_requests_per_minute: int = setting(
        "PENSTOCK_MAX_REQUESTS_PER_MINUTE", 6_000, "Requests of one user at most; beyond them they are answered 429."
        " 0 for any number.", "Give a whole number, 0 for any number.", ge=0,
    )  # fmt: skip
    public_runs_per_minute: int = setting(
        "PENSTOCK_PUBLIC_RUNS_PER_MINUTE", 20, "Runs of public flows that one client address may ask for.", COUNT, ge=1
    )
    max_body_bytes: int = setting(
        "PENSTOCK_MAX_BODY_BYTES", 5_000_000, "Bytes of one request body, and so of one flow, at most.", COUNT, ge=1
    )
    max_file_bytes: int = setting(
        "PENSTOCK_MAX_FILE_BYTES", 20_000_000, "Bytes of one uploaded file at most.", COUNT, ge=1, le=2_000_000_000
    )
    max_files: int = setting("PENSTOCK_MAX_FILES", 1_000, "Uploaded files of one user at most.", COUNT, ge=1)
