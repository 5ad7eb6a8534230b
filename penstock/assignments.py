"""`NAME=VALUE`, as it is typed."""

from collections.abc import Iterable

import typer


def assignments(written: Iterable[str], option: str) -> dict[str, str]:
    """The values of an option that may be repeated, by name. Raises `typer.BadParameter`."""
    return dict(_assignment(one, option) for one in written)


def _assignment(written: str, option: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{name!r} must be NAME=VALUE.", param_hint=option)
    return name, value
