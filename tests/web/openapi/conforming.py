"""Whether an answer is one that the document describes, to the last key."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from starlette.routing import compile_path

JSON = "application/json"
EVENTS = "text/event-stream"


class Conformance:
    """Compares answers with a document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._places = {path: compile_path(path)[0] for path in document["paths"]}

    def check(self, method: str, path: str, status: int, media_type: str | None, content: Any) -> None:
        """Fails when the route does not answer so. The content is the JSON, or one event's data; None is no content."""
        response = self._document["paths"][path][method.lower()]["responses"].get(str(status))
        assert response is not None, f"{method} {path} answers {status}, of which nothing is told"
        described = response.get("content", {})
        if media_type is None:
            assert not described, f"{method} {path} answers {status} without the content that is told of"
            return
        schema = described.get(media_type) or described.get("*/*")
        assert schema is not None, f"{method} {path} answers {status} with {media_type}"
        if media_type == EVENTS:
            self.check_schema(schema["schema"]["properties"]["data"]["contentSchema"], content)
        elif media_type == JSON:
            self.check_schema(schema["schema"], content)

    def check_schema(self, schema: Mapping[str, Any], content: Any) -> None:
        Draft202012Validator({**schema, "components": self._strict}).validate(content)

    @cached_property
    def _strict(self) -> dict[str, Any]:
        """The components, in which an object has no more keys than are told."""
        components = deepcopy(self._document["components"])
        for name, schema in components["schemas"].items():
            if "properties" in schema and not re.fullmatch(r"\w*Event|Interrupt", name):
                schema.setdefault("additionalProperties", False)
        return {"schemas": components["schemas"]}
