"""`penstock rotate-secrets`: the step between a new secret key in front and the end of the old one."""

from contextlib import closing

from penstock.console import answer, complain
from penstock.release import prepare
from settings import load_settings
from storage.rotation import forget_unreadable, rotate
from storage.store import open_store

INCOMPLETE = 1
"""The exit code when something could be read with none of the keys."""


def rotate_secrets(*, forget: bool) -> int:
    """Encrypts everything that is stored under the first secret key, and with `forget` gives up what no key opens; the
    exit code."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        if forget:
            answer(f"{forget_unreadable(store.database, store.secrets)} forgotten.")
        prepare(store, settings)
        found = rotate(store.database, store.secrets)
    answer(f"{found.renewed} encrypted anew, {found.current} were under the first key already.")
    if found.unreadable:
        complain(
            f"{found.unreadable} cannot be read with any key. Add the key they were encrypted with, and repeat; or, if "
            "it is lost for good, give up variables and API keys with --forget-unreadable, and stop the jobs."
        )
        return INCOMPLETE
    answer("Once every process runs with the first key in front, the other keys may be taken away.")
    return 0
