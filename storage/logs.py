"""Log lines: readable at a terminal, one JSON object each elsewhere."""

import logging
import sys

import structlog


def configure_logs() -> None:
    """Sends the log lines of this process to standard error. Called once, by a composition root.

    Tracebacks come without the values of variables, which may be secrets, and outgoing requests without their URLs.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if readable else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if readable
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
