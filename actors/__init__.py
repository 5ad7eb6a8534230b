"""Who works. `dramatiq actors:worker` starts a worker process; importing this does nothing."""


def worker() -> None:
    """Composes a worker process from the settings and gives its broker to Dramatiq."""
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
