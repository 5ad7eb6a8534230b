"""flows/arithmetic.py: arithmetic that is written as text, within bounds, and nothing else."""

import ast
import operator
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.arithmetic import MAX_EXPRESSION, Number, calculate, written

CALCULATED: Mapping[str, str] = {
    "4*4*(33/22)+12-20": "16",
    "2 + 3 * 4": "14",
    "-2**2": "-4",
    "2**-1": "0.5",
    "7//2": "3",
    "7 % 3": "1",
    "+(-3)": "-3",
    "1e3": "1000",
    "1_000": "1000",
    ".5": "0.5",
    "  8 / 2\n": "4",
    "1/3": "0.333333333333333",
    "0.1 + 0.2": "0.3",
    "1/1000000000": "1e-09",
    "123456789012345678901234567890 + 1": "123456789012345678901234567891",
    "+".join("1" * 500): "500",
    "(" * 100 + "1" + ")" * 100: "1",
    "1**" + "9" * 900: "1",
}

REFUSED: Mapping[str, str] = {
    "": "'' is no arithmetic: use numbers",
    "a + 1": "'a . 1' is no arithmetic",
    "__import__('os').system('id')": "is no arithmetic",
    "(1).real": "is no arithmetic",
    "e": "'e' is no arithmetic",
    "2^3": "use numbers, parentheses and . - ",
    "1,2": "is no arithmetic",
    "()": "is no arithmetic",
    "1j": "is no arithmetic",
    "٣+١": "is no arithmetic",
    "1\x00": "is no arithmetic",
    "1 +": "cannot be read",
    "1 2": "cannot be read",
    "1\n+2": "cannot be read",
    "(" * 400 + "1" + ")" * 400: "cannot be read",
    "1/0": "division by zero",
    "1.5 % 0": "division by zero",
    "0**-1": "division by zero",
    "(-8)**0.5": "no real power",
    "1e400": "too large",
    "1e308 * 10": "too large",
    "2.0**5000": "too large",
    "10**400 / 3": "too large",
    "2**4096": "too large",
    "9**9**9**9": "too large",
    "9" * 900 + "*" + "1" + "0" * 90 + "**4": "too large",
    "1" * (MAX_EXPRESSION + 1): "more than 1000 characters",
}

OPERATORS: Mapping[str, Callable[[int, int], Number]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@pytest.mark.parametrize("expression", CALCULATED)
def test_an_expression_has_its_value(expression: str) -> None:
    assert written(calculate(expression)) == CALCULATED[expression]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_arithmetic_or_too_large_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[expression]):
        calculate(expression)


def test_the_largest_integer_is_written_with_all_its_digits() -> None:
    assert written(calculate("2**4095")) == str(2**4095)


@given(st.recursive(st.integers(0, 10**9).map(str), lambda part: st.tuples(part, st.sampled_from("+-*"), part)))
def test_any_sum_of_products_is_what_python_makes_of_it(tree: object) -> None:
    assert calculate(_text(tree)) == _value(tree)


@given(st.text(alphabet="0123456789.eE_()+-*/% \n", max_size=40))
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    """Never another error, and a value always has a text that is a number again."""
    try:
        number = calculate(text)
    except ValueError:
        return
    assert isinstance(ast.literal_eval(written(number)), int | float)


def _text(tree: object) -> str:
    return f"({''.join(_text(part) for part in tree)})" if isinstance(tree, tuple) else str(tree)


def _value(tree: object) -> Number:
    if isinstance(tree, tuple):
        left, sign, right = tree
        return OPERATORS[sign](int(_value(left)), int(_value(right)))
    return int(str(tree))
