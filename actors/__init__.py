"""Who works. `dramatiq actors:worker` starts a worker process; importing this does nothing."""


def worker() -> None:
    """Composes a worker process from the settings and gives its broker to Dramatiq. Says why when it must not start,
    and raises."""
    import os

    try:
        _compose()
    except Exception as refused:
        # Straight to standard error: what a child said last, Dramatiq's parent process may end without having read.
        os.write(2, f"The worker does not start: {refused}\n".encode())
        raise


def _compose() -> None:
    import dramatiq

    from actors.workforce import make_workforce
    from settings import load_settings
    from storage.logs import configure_logs
    from storage.redis_policy import check_redis
    from storage.schema import check_schema
    from storage.store import open_store

    configure_logs()
    settings = load_settings()
    store = open_store(settings.store)
    check_schema(store.database)
    check_redis(store)
    dramatiq.set_broker(make_workforce(store, settings.workforce))
