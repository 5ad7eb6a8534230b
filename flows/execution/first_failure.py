"""Which failure a run reports when several vertices failed, and in what words."""


def first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure to report: control flow of the pass before a failed vertex, an earlier one before a later one."""
    leaves = list(_leaves(failures))
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])


def reason_of(error: BaseException) -> str:
    """What an error says, or its type where it says nothing or cannot."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an error's own text is the component author's code
        said = ""
    return said or type(error).__name__


def _leaves(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for failure in failures.exceptions
        for leaf in (_leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure])
    ]
