"""Arithmetic that is written as text: numbers and `+ - * / // % **`, within bounds, and nothing else."""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Number: TypeAlias = int | float

MAX_EXPRESSION = 1_000
"""Characters of an expression (I10)."""
MAX_BITS = 4_096
"""Bits of an integer that comes up on the way (I10): some 1,200 digits."""
ALLOWED = "use numbers, parentheses and + - * / // % **"
TOO_LARGE = "the result is too large"

_WRITTEN = re.compile(r"[\d.eE_()+\-*/%\s]+", re.ASCII)
"""What an expression may be written with. No word can be, so the parser finds no names, calls or strings."""
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def calculate(expression: str) -> Number:
    """The value of an expression. Raises `ValueError` with what is wrong with it.

    Nothing in it is executed: it is parsed, and its operations are carried out one by one, each checked before. The
    parts of an operation stand behind it in the walk, so the walk backwards meets them first, however deep they are.
    """
    values: dict[ast.AST, Number] = {}
    for node in reversed(list(ast.walk(_parsed(expression)))):
        match node:
            case ast.Constant(value=int() | float() as number):
                values[node] = _bounded(number)
            case ast.UnaryOp():
                values[node] = _UNARY[type(node.op)](values[node.operand])
            case ast.BinOp():
                values[node] = _applied(node.op, values[node.left], values[node.right])
            case ast.expr():
                raise ValueError(f"{_quoted(expression)} is no arithmetic: {ALLOWED}")
    return values[node]


def written(number: Number) -> str:
    """A number as people write it: an integer with all its digits, any other with the fifteen that are sure."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
        number = int(number)
    return str(number) if isinstance(number, int) else f"{number:.15g}"


def _parsed(expression: str) -> ast.expr:
    text = expression.strip()
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"the expression has more than {MAX_EXPRESSION} characters")
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"{_quoted(text)} is no arithmetic: {ALLOWED}")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{_quoted(text)} cannot be read: {ALLOWED}") from None


def _applied(kind: ast.operator, left: Number, right: Number) -> Number:
    _check_size(kind, left, right)
    try:
        return _bounded(_BINARY[type(kind)](left, right))
    except ZeroDivisionError:
        raise ValueError("division by zero") from None
    except OverflowError:
        raise ValueError(TOO_LARGE) from None


def _check_size(kind: ast.operator, left: Number, right: Number) -> None:
    """Refuses a power that would take long, before it is computed; every other result is as small as its parts."""
    if isinstance(kind, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        bits_at_least = (left.bit_length() - 1) * right
        if bits_at_least > MAX_BITS:
            raise ValueError(TOO_LARGE)


def _bounded(result: Any) -> Number:
    match result:
        case int() if result.bit_length() <= MAX_BITS:
            return result
        case float() if math.isfinite(result):
            return result
        case complex():
            raise ValueError("a negative number has no real power of that kind")
    raise ValueError(TOO_LARGE)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
