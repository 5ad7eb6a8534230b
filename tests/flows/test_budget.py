"""flows/budget.py: what was decided on a budget stands for the whole run, in every pass."""

from collections.abc import Sequence

import pytest

from flows.budget import Budget, BudgetUsedUp, Spending, over_budget
from flows.dialogue import Asked
from flows.human import Decision, RequestKind
from flows.values import Usage

RAISE = Decision("raise")


def asked(limit: int, decision: Decision | None, kind: RequestKind = RequestKind.BUDGET) -> Asked:
    """A request for more than a limit, by some vertex."""
    return Asked(f"r{limit}", "v", 1, kind, over_budget(limit).digest, decision)


@pytest.mark.parametrize(
    ("before", "limit", "finishes"),
    [
        ([], 10, False),
        ([asked(10, None)], 10, False),
        ([asked(10, RAISE)], 20, False),
        ([asked(10, Decision("raise", {"max_tokens": 11})), asked(11, RAISE)], 22, False),
        ([asked(20, RAISE), asked(10, RAISE)], 40, False),
        ([asked(99, RAISE)], 10, False),
        ([asked(10, RAISE, RequestKind.NODE_INPUT)], 10, False),
        ([asked(10, RAISE), asked(20, Decision("finish"))], 20, True),
        ([asked(10, Decision("stop"))], 10, False),
    ],
)
def test_a_pass_knows_what_was_decided_before(before: Sequence[Asked], limit: int, finishes: bool) -> None:
    """Whichever vertex had asked, and in the order of the limits."""
    budget = Budget(1_000, 10)
    budget.recall(before)
    assert (budget.used_up, budget.is_to_finish) == (limit, finishes)


def test_a_budget_without_a_limit_is_never_used_up() -> None:
    budget = Budget(10**12)
    budget.recall([asked(10, RAISE)])
    assert budget.used_up is None


def test_a_budget_is_used_up_when_its_last_token_is() -> None:
    budget = Budget(8, 10)
    assert budget.used_up is None
    budget.spend(2)
    assert budget.used_up == 10
    budget.allow(11)
    assert budget.used_up is None
    budget.allow(5)
    assert budget.used_up is None


def test_nobody_deciding_stops_the_run() -> None:
    """As somebody who says so."""
    for decision in (Decision("stop"), Decision(None)):
        with pytest.raises(BudgetUsedUp, match="the 10 tokens"):
            Budget(10, 10).decide(10, decision)


def test_what_is_spent_is_stored_once() -> None:
    budget = Budget()
    spending = Spending(budget)
    spending.add(Usage(3, 4))
    spending.add(Usage(1, 0))
    assert (spending.take(), spending.take()) == (8, 0)
