"""What a component is: typed inputs, named outputs, an effect class and one `build` method."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from flows.context import VertexContext
from flows.text import to_text
from flows.values import Json, Value


class Effect(StrEnum):
    """What building a vertex does to the world, and so what may happen to one that a crash interrupted (rule 6)."""

    PURE = "pure"
    """Nothing: it runs again."""
    IDEMPOTENT = "idempotent"
    """Something that the same idempotency key does only once: it runs again under that key."""
    ONCE = "once"
    """Something that must not happen twice: stored before it begins, and when it was interrupted never repeated."""


class Inputs(BaseModel):
    """The fields that a component reads; what else the template holds is ignored, null is the default."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)


Text: TypeAlias = Annotated[str, BeforeValidator(to_text)]
"""A field that takes any value and reads it as text."""

Outputs: TypeAlias = Mapping[str, Value]
"""What a build returns: a value by output name. An output that is declared and absent is a branch not taken."""

InputsT = TypeVar("InputsT", bound=Inputs)


@dataclass(frozen=True)
class Port:
    """One output: the port types it may have (contract 7.2)."""

    types: tuple[str, ...]


class Component(ABC, Generic[InputsT]):
    """One kind of vertex. Adding one is one file in `flows/components` with one subclass of this.

    `build` is a coroutine, or a plain function that is then run in a thread of its own. A coroutine that awaits is
    cancelled when its run is stopped; a plain function is abandoned: it goes on, and its result is refused. `build` is
    called at most once at a time, holds no state between calls, and raises any exception to fail its vertex with that
    exception's message.
    """

    types: ClassVar[tuple[str, ...]]
    """Langflow's type names for it, the usual one first."""
    inputs: ClassVar[type[Inputs]]
    outputs: ClassVar[Mapping[str, Port]]
    effect: ClassVar[Effect] = Effect.PURE
    is_output: ClassVar[bool] = False
    """Whether it shows its result to a person, as ChatOutput does."""
    is_loop: ClassVar[bool] = False
    """Whether a cycle may run through it."""
    variables: ClassVar[tuple[str, ...]] = ()
    """The variables that it looks up by itself, beside those that its fields name."""

    def ports(self, fields: Mapping[str, Json]) -> Mapping[str, Port]:
        """The outputs of a vertex with these stored fields; those of the class, unless they depend on the fields."""
        return self.outputs

    def effect_of(self, inputs: InputsT) -> Effect:
        """What building it from these inputs does to the world; what the class says, unless it depends on them."""
        return self.effect

    @abstractmethod
    def build(self, inputs: InputsT, context: VertexContext) -> Outputs | Awaitable[Outputs]:
        """Computes the outputs from the inputs."""

    @classmethod
    def is_async(cls) -> bool:
        return inspect.iscoroutinefunction(cls.build)


AnyComponent: TypeAlias = Component[Any]
