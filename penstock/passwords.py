"""How a password is typed: where nobody sees it, twice; or by a program, on one line of standard input."""

import sys
from getpass import getpass

from penstock.console import is_asked


def type_password(name: str) -> str | None:
    """The new password of a user; None when the two that a person typed differ."""
    if not is_asked():
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    typed = getpass(f"Password of {name}: ")
    return typed if getpass("Once more: ") == typed else None
