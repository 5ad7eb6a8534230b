"""How the command speaks: answers on stdout, everything else on stderr."""

import sys

import typer

REFUSED = 2
"""The exit code when nothing was done because of a setting, a flow or what is stored."""


def complain(message: str) -> None:
    """One red line on stderr; no colours where that is no terminal."""
    typer.secho(shown(" ".join(message.split())), fg=typer.colors.RED, err=True)


def remark(message: str) -> None:
    """A line beside the answer."""
    typer.echo(shown(message) if sys.stderr.isatty() else message, err=True)


def answer(text: str) -> None:
    """What was asked for."""
    typer.echo(shown(text) if sys.stdout.isatty() else text)


def ask(question: str) -> str:
    """What a person types in reply to a question, without the blanks around it. Raises `EOFError` when they type no
    more (Ctrl-D)."""
    sys.stderr.write(shown(question))
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if not typed:
        sys.stderr.write("\n")
        raise EOFError
    return typed.strip()


def is_asked() -> bool:
    """Whether a person is there who can be asked: who types at a terminal and sees the questions on one."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_watched() -> bool:
    """Whether a person watches, so that a display may move."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def shown(text: str) -> str:
    """The text without the control characters that a terminal would obey."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")
