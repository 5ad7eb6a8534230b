"""What can be wrong with a flow, or go wrong while it is built.

FlowError
├── FlowRefused              the definition cannot become a graph
│   └── UnknownComponents    it names component types that do not exist here
├── ComponentsRefused        a component of somebody's own cannot be used
├── TweaksRefused            an override touches a field that may not be overridden
├── DecisionRefused          a decision does not fit what was asked
├── ValueWithoutCodec        a value cannot be stored
├── ValueTooLarge            what a vertex put out is more than may be stored
├── OutboundFailed           an outgoing call came to nothing
│   ├── OutboundRefused      it would go where flows may not call
│   └── OutboundTooLarge     its answer is larger than it may be
├── VertexFailed             a vertex could not be built
│   └── EffectUncertain      it may have done what must not happen twice
├── FailedInside             a flow inside a vertex failed, into which whoever runs it may not see
└── VertexTimedOut           a vertex took longer than it may

PassInterrupted (BaseException)  what the run stands on failed: control flow, not an error of the flow
"""

from collections.abc import Sequence


class FlowError(Exception):
    """Something is wrong with a flow; the message tells its author what to do."""


class FlowRefused(FlowError):
    """The definition cannot become a graph. Nothing was stored and nothing ran."""


class UnknownComponents(FlowRefused):
    """The definition names component types that do not exist here; all of them are in `types`."""

    def __init__(self, types: Sequence[str]) -> None:
        self.types = tuple(types)
        super().__init__(f"Unknown component types: {', '.join(self.types)}.")


class ComponentsRefused(FlowError):
    """A component of somebody's own cannot be used: it cannot be loaded, or another one has its name."""


class TweaksRefused(FlowError):
    """An override touches `fields` that may not be overridden (contract 7.4)."""

    def __init__(self, fields: Sequence[str], reason: str) -> None:
        self.fields = tuple(fields)
        super().__init__(reason)


class DecisionRefused(FlowError):
    """A decision does not fit what was asked; `faults` are pairs of a field and what is wrong with it."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{field}: {fault}" for field, fault in self.faults) + ".")


class ValueWithoutCodec(FlowError):
    """The value at `path` is of a type that cannot be stored, so it would be lost by a crash."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        super().__init__(
            f"{path}: a value of type {type(value).__name__} has no codec. Return a Message, Data, Table or plain JSON."
        )


class ValueTooLarge(FlowError):
    """The outputs of a vertex are larger than may be stored."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The outputs have {size} bytes; at most {limit} may be stored.")


class OutboundFailed(FlowError):
    """A call to `host` came to nothing. The message names no more of its URL, which may hold secrets."""

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        self.reason = reason
        super().__init__(self._told())

    def _told(self) -> str:
        return f"The call to {self.host} failed: {self.reason}."


class OutboundRefused(OutboundFailed):
    """A call to `host` was not made: flows may not call its `address`, or not in this way (fault F7)."""

    def __init__(self, host: str, reason: str, address: str | None = None) -> None:
        self.address = address
        super().__init__(host, reason)

    def _told(self) -> str:
        return f"{self.host} may not be called: {self.reason}."


class OutboundTooLarge(OutboundFailed):
    """The answer to a call was larger than `limit` bytes, and was not read further."""

    def __init__(self, host: str, limit: int) -> None:
        super().__init__(host, f"its answer has more than {limit} bytes")


class VertexFailed(FlowError):
    """The vertex `vertex_id` could not be built; the message is for the flow's owner."""

    def __init__(self, vertex_id: str, display_name: str, reason: str) -> None:
        self.vertex_id = vertex_id
        self.display_name = display_name
        self.reason = reason
        super().__init__(f"Error building {display_name} ({vertex_id}): {reason}")


class EffectUncertain(VertexFailed):
    """The vertex was interrupted in the middle of what must not happen twice, and nobody knows whether it happened."""

    def __init__(self, vertex_id: str, display_name: str) -> None:
        super().__init__(
            vertex_id,
            display_name,
            "its worker was lost while it did what must not happen twice, and somebody decided that the run fails.",
        )


class FailedInside(FlowError):
    """The flow `name` failed inside a vertex. Why is not told to whoever may run it and not see into it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The flow {name!r} failed. Its owner can see why by running it.")


class VertexTimedOut(FlowError):
    """The vertex `vertex_id` took longer than PENSTOCK_VERTEX_TIMEOUT_SECONDS allows."""

    def __init__(self, vertex_id: str, display_name: str, seconds: float, place: str = "") -> None:
        self.vertex_id = vertex_id
        self.display_name = display_name
        self.seconds = seconds
        what = f"{display_name} ({vertex_id}){place and f', at {place},'}"
        super().__init__(f"{what} took longer than {seconds:g} s, the most a vertex may take.")


class PassInterrupted(BaseException):
    """What the run stands on failed, and its cause says how; the flow is not to blame and the next pass goes on.

    A `BaseException`, so that no component can take it for an error of its own. If you caught it, let it rise.
    """


def reason_of(error: BaseException) -> str:
    """What an error says, or its type where it says nothing or cannot."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an error's own text is the component author's code
        said = ""
    return said or type(error).__name__
