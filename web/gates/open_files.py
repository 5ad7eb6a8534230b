"""How many files a web process may have open: every client that follows events is one."""

import resource

import structlog

logger = structlog.get_logger(__name__)

BESIDE = 512
"""Files for all else: other requests, databases, Redis, what components open."""


def make_room(streams: int) -> None:
    """Lets the process have so many streams, as far as the system allows; its own limit is often 1,024, and a
    connection beyond it would hang instead of being refused. Says in the log what to do where that is too few."""
    wanted = streams + BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _allows(soft, wanted):
        return
    allowed = wanted if _allows(hard, wanted) else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):
        # Some systems and sandboxes allow less than they say.
        allowed = soft
    if allowed < wanted:
        advice = "Raise the limit of open files (LimitNOFILE, ulimit -n), or lower PENSTOCK_MAX_STREAMS."
        logger.warning("too_few_open_files", wanted=wanted, allowed=allowed, advice=advice)


def _allows(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
