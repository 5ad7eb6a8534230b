"""Wire protocols: one log, several projections with the same cursor."""

from collections.abc import Mapping

from web.protocols.agui.projection import AguiInterruptProjection, AguiProjection
from web.protocols.langflow import LangflowProjection
from web.protocols.projection import ProjectionFactory

PROTOCOLS: Mapping[str, ProjectionFactory] = {
    "agui": AguiProjection,
    "agui-interrupt": AguiInterruptProjection,
    "langflow": LangflowProjection,
}
"""The protocols by the name that a request gives."""


def exposes_graph(protocol: str, asked: bool | None) -> bool:
    """Whether a client that asked for it, or did not say, is told of the state of the graph (contract 1.1)."""
    return protocol == "langflow" if asked is None else asked
