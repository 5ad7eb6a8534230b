"""What a component is: typed inputs, named outputs, an effect class and one `build` method."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from flows.context import VertexContext
from flows.effects import Effect as Effect
from flows.text import to_text
from flows.values import Json, Value


class Inputs(BaseModel):
    """The fields that a component reads; what else the template holds is ignored, null is the default."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)


Text: TypeAlias = Annotated[str, BeforeValidator(to_text)]
"""A field that takes any value and reads it as text."""

Secret: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "password"})]
"""A field with a key or a password: the editor hides it, and it is left out of what others are shown."""


class Takes:
    """What may lead into a field whose type does not tell: `Annotated[Any, Takes("Message", "Data")]`."""

    def __init__(self, *types: str) -> None:
        self.types = types


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
    actions: ClassVar[Mapping[str, str]] = {}
    """What it does as a tool of an agent, by Langflow's name for it, and the output that answers; without any, it has
    one action, and its first output answers."""
    is_output: ClassVar[bool] = False
    """Whether it shows its result to a person, as ChatOutput does."""
    is_loop: ClassVar[bool] = False
    """Whether it is visited once for every item that it puts out as `item`, and once more when all are through: then
    it puts out none. What is behind `item` is visited for each of them, and edges may lead back from there."""
    runs_flow: ClassVar[bool] = False
    """Whether it runs a whole flow inside: then it has the outputs that the editor gave its node."""
    asks_people: ClassVar[bool] = False
    """Whether it asks a person whenever anything is behind it."""
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
