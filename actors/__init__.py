"""Who works. `dramatiq actors:worker` starts a worker process; importing this does nothing."""


def worker() -> None:
    """Composes a worker process from the settings and gives its broker to Dramatiq."""
    import dramatiq

    from actors.workforce import make_workforce
    from settings import load_settings
    from storage.schema import check_schema
    from storage.store import open_store

    settings = load_settings()
    store = open_store(settings.store)
    check_schema(store.database)
    dramatiq.set_broker(make_workforce(store, settings.workforce))
