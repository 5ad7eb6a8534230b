"""Which failure a run reports when several vertices failed."""


def first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure to report: control flow of the pass before a failed vertex, an earlier one before a later one."""
    leaves = list(_leaves(failures))
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])


def _leaves(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for failure in failures.exceptions
        for leaf in (_leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure])
    ]
