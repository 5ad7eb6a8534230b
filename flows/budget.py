"""How many tokens the model calls of a run may cost, and who is asked when they are used up."""

from collections.abc import Iterable
from threading import Lock

from flows.dialogue import Asked
from flows.errors import FlowError
from flows.human import Decision, HumanRequest, Option, RequestKind
from flows.values import Json, Usage

RAISE, FINISH, STOP = "raise", "finish", "stop"
MAX_TOKENS = "max_tokens"
OUT_OF_TOKENS = "The run's budget of tokens was used up before there was an answer."
"""What stands in the place of an answer that a run may not pay for any more."""


class BudgetUsedUp(FlowError):
    """The tokens of the run are used up, and somebody decided that it ends."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the {limit} tokens that this run may use are used up, and somebody stopped it.")


class Budget:
    """The tokens of one run, counted over all its vertices and passes. Without a limit they are only counted."""

    def __init__(self, spent: int = 0, limit: int | None = None) -> None:
        self._spent = spent
        self._limit = limit
        self._finishes = False
        # Components that are plain functions spend from other threads.
        self._turn = Lock()

    def spend(self, tokens: int) -> None:
        """Counts tokens that a call has cost."""
        with self._turn:
            self._spent += tokens

    @property
    def used_up(self) -> int | None:
        """The limit that is reached; None while there is room."""
        with self._turn:
            return self._limit if self._limit is not None and self._spent >= self._limit else None

    @property
    def is_to_finish(self) -> bool:
        """Whether somebody decided that the run finishes with what is there."""
        return self._finishes

    def allow(self, limit: int) -> None:
        """Raises the limit."""
        with self._turn:
            self._limit = max(limit, self._limit or 0)

    def decide(self, limit: int, decision: Decision) -> None:
        """Takes over, for the whole run, what somebody decided when `limit` was reached. Raises `BudgetUsedUp`."""
        more = raised(limit, decision)
        if more is None:
            self._finishes = True
        else:
            self.allow(more)

    def recall(self, asked: Iterable[Asked]) -> None:
        """Takes over what was decided in earlier passes, whichever vertex had asked."""
        decided = {one.digest: one.decision for one in asked if one.kind is RequestKind.BUDGET}
        while self._limit is not None and not self._finishes:
            decision = decided.get(over_budget(self._limit).digest)
            if decision is None or decision.action_id not in (RAISE, FINISH):
                return
            self.decide(self._limit, decision)


class Spending:
    """What one vertex has spent and not stored yet."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._unstored = 0

    def add(self, usage: Usage) -> None:
        self._budget.spend(usage.total_tokens)
        self._unstored += usage.total_tokens

    def take(self) -> int:
        """The tokens that are to be stored now."""
        taken, self._unstored = self._unstored, 0
        return taken


def over_budget(limit: int) -> HumanRequest:
    """Asks what becomes of a run whose tokens are used up. It says nothing of how many they are by now, which another
    vertex may change meanwhile: a decision stands for exactly what was asked."""
    wanted: dict[str, Json] = {"type": "integer", "minimum": limit + 1, "default": 2 * limit}
    return HumanRequest(
        kind=RequestKind.BUDGET,
        prompt=f"This run has used up its budget of {limit} tokens. Give it more with `max_tokens`, twice as many when "
        "you say no number; or let it finish with what is there; or stop it.",
        options=(Option(RAISE, "Raise"), Option(FINISH, "Finish with what is there"), Option(STOP, "Stop")),
        form={"type": "object", "properties": {MAX_TOKENS: wanted}},
    )


def raised(limit: int, decision: Decision) -> int | None:
    """The new limit that a person has decided on; None when the run is to finish. Raises `BudgetUsedUp`."""
    if decision.action_id == STOP or decision.action_id is None:
        raise BudgetUsedUp(limit)
    if decision.action_id == FINISH:
        return None
    wanted = decision.values.get(MAX_TOKENS)
    return wanted if isinstance(wanted, int) else 2 * limit
