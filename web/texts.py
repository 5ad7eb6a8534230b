"""Texts that come with requests: how long they may be, and that both databases can store them."""

from typing import Annotated

from pydantic import AfterValidator, Field


def without_nul(text: str) -> str:
    """The text. Raises `ValueError` when it holds what PostgreSQL stores in no text."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


CleanText = Annotated[str, AfterValidator(without_nul)]
"""As long as its body may be."""
Name = Annotated[str, Field(max_length=512), AfterValidator(without_nul)]
GlobalName = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(without_nul)]
GlobalValue = Annotated[str, Field(max_length=65_536), AfterValidator(without_nul)]
"""The contract's bounds of globals, which variables have too (contract 1.1)."""
