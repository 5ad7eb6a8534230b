"""Small flows in Langflow's export form (contract section 7), for the tests of every room.

`node` and `edge` make the parts, `flow` puts them together, and the functions below make the flows that tests ask for
most. Everything returned is plain, fresh JSON that a test may change.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.shapes import SHAPES, TEXT, Exported, Shape


def node(
    kind: str, id: str, /, *, display_name: str | None = None, shape: Shape | None = None, **values: Any
) -> Exported:
    """A vertex of type `kind` with its fields set to `values`.

    A value for a field that the type does not have makes a field that takes messages, as a prompt's variables are.
    A type of the test's own comes with its `shape`.
    """
    known = shape or SHAPES[kind]
    template: Exported = {"_type": "Component", "code": {"name": "code", "type": "code", "value": "", "show": True}}
    for name, exported in {**dict.fromkeys(values, TEXT), **known.fields}.items():
        template[name] = {"name": name, "show": True, **exported, **({"value": values[name]} if name in values else {})}
    description = {
        "display_name": display_name or known.display_name,
        "template": template,
        "outputs": [{"name": name, "types": list(types)} for name, types in known.outputs.items()],
    }
    data = {"id": id, "type": kind, "node": description}
    return {"id": id, "type": "genericNode", "position": {"x": 0, "y": 0}, "data": data}


def note(id: str = "note-1") -> Exported:
    """A note of the editor, which is no vertex."""
    return {"id": id, "type": "noteNode", "data": {"id": id, "type": "note", "node": {"description": "Read me."}}}


def template(exported: Exported) -> dict[str, Exported]:
    """The fields of a node by name, to be changed in place."""
    fields: dict[str, Exported] = exported["data"]["node"]["template"]
    return fields


def edge(source: Exported, output: str, target: Exported, field: str) -> Exported:
    """An edge from an output of one node to a field of another, with its handles in both forms of the export."""
    wanted = template(target).get(field, TEXT)
    handle = {
        "fieldName": field,
        "id": target["id"],
        "inputTypes": list(wanted.get("input_types") or ()),
        "type": wanted["type"],
    }
    return _connection(source, output, target, handle)


def loop_edge(source: Exported, output: str, loop: Exported, back_to: str) -> Exported:
    """An edge that leads back to an output of a loop, which takes messages too, as the editor exports it."""
    taken = list(dict.fromkeys([*output_types(loop, back_to), "Message"]))
    handle = {"dataType": loop["data"]["type"], "id": loop["id"], "name": back_to, "output_types": taken}
    return _connection(source, output, loop, handle)


def output_types(exported: Exported, output: str) -> Sequence[str]:
    """The port types of a node's output; none when it has no such output."""
    outputs: list[Exported] = exported["data"]["node"]["outputs"]
    return next((port["types"] for port in outputs if port["name"] == output), [])


def flow(nodes: Sequence[Exported], edges: Sequence[Exported] = ()) -> Exported:
    """The `{nodes, edges}` part of an export."""
    return {"nodes": list(nodes), "edges": list(edges), "viewport": {"x": 0, "y": 0, "zoom": 1}}


def export_file(data: Exported, name: str = "A flow") -> Exported:
    """A whole exported file around `{nodes, edges}`."""
    return {"id": None, "name": name, "description": "", "data": data, "is_component": False, "tags": []}


def echo_flow() -> Exported:
    """ChatInput-a1 → ChatOutput-b1: answers with what it was asked."""
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    return flow([answered, asked], [edge(asked, "message", answered, "input_value")])


def chain(length: int) -> Exported:
    """ChatInput-a1 → Pass-1 → … → Pass-`length` → ChatOutput-b1."""
    passes = [node("Pass", f"Pass-{number}") for number in range(1, length + 1)]
    nodes = [node("ChatInput", "ChatInput-a1"), *passes, node("ChatOutput", "ChatOutput-b1")]
    return flow(nodes, [_link(source, target) for source, target in pairwise(nodes)])


def fan(width: int) -> Exported:
    """ChatInput-a1 → Pass-1 … Pass-`width`, side by side → Prompt-join → ChatOutput-b1; answers with all of them."""
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    passes = [node("Pass", f"Pass-{number}") for number in range(1, width + 1)]
    parts: dict[str, Any] = {f"part_{number}": "" for number in range(1, width + 1)}
    join = node("Prompt", "Prompt-join", template=" ".join(f"{{{name}}}" for name in parts), **parts)
    split = [_link(asked, one) for one in passes]
    joined = [edge(one, "output_message", join, name) for one, name in zip(passes, parts, strict=True)]
    return flow([asked, *passes, join, answered], [*split, *joined, edge(join, "prompt", answered, "input_value")])


def approval_flow(**fields: Any) -> Exported:
    """ChatInput-a1 → HumanInput-h1, which sends it → ChatOutput-yes when approved, → ChatOutput-no when rejected, and,
    when it has a fallback, → ChatOutput-late."""
    asked, person = node("ChatInput", "ChatInput-a1"), node("HumanInput", "HumanInput-h1", **fields)
    ends = {"approve": "yes", "reject": "no", **({"fallback": "late"} if fields.get("enable_fallback") else {})}
    outputs = {action: node("ChatOutput", f"ChatOutput-{name}") for action, name in ends.items()}
    for name, kind in (("form", "dict"), ("takes_text", "bool"), ("answerers", "str")):
        if name in fields:
            template(person)[name] |= {"type": kind, "list": name == "answerers"}
    if "timeout" in fields:
        template(person)["timeout"]["show"] = True
    taken = [edge(person, f"branch_{action}", output, "input_value") for action, output in outputs.items()]
    return flow([asked, person, *outputs.values()], [edge(asked, "message", person, "prompt"), *taken])


def approvals_flow(width: int) -> Exported:
    """ChatInput-a1 → HumanInput-1 … HumanInput-`width`, side by side, each → ChatOutput-… when it is approved."""
    asked = node("ChatInput", "ChatInput-a1")
    people = [node("HumanInput", f"HumanInput-{number}") for number in range(1, width + 1)]
    outputs = [node("ChatOutput", f"ChatOutput-{number}") for number in range(1, width + 1)]
    into = [edge(asked, "message", person, "prompt") for person in people]
    out = [edge(person, "branch_approve", end, "input_value") for person, end in zip(people, outputs, strict=True)]
    return flow([asked, *people, *outputs], [*into, *out])


def router_flow(match_text: str = "yes") -> Exported:
    """ChatInput-a1 → ConditionalRouter-r1 → ChatOutput-yes when the input is `match_text`, else → ChatOutput-no."""
    asked = node("ChatInput", "ChatInput-a1")
    router = node("ConditionalRouter", "ConditionalRouter-r1", match_text=match_text)
    yes, no = node("ChatOutput", "ChatOutput-yes"), node("ChatOutput", "ChatOutput-no")
    branches = [edge(router, "true_result", yes, "input_value"), edge(router, "false_result", no, "input_value")]
    return flow([asked, router, yes, no], [edge(asked, "message", router, "input_text"), *branches])


def model_flow(base_url: str = "", model_name: str = "stub-model") -> Exported:
    """ChatInput-a1 → LanguageModelComponent-m1 → ChatOutput-b1."""
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    model = node("LanguageModelComponent", "LanguageModelComponent-m1", model_name=model_name, base_url=base_url)
    edges = [edge(asked, "message", model, "input_value"), edge(model, "text_output", answered, "input_value")]
    return flow([asked, model, answered], edges)


def ingesting_flow(base: str, text: str = "A refund takes five days.") -> Exported:
    """TextInput-a1 → Knowledge-k1, which adds the text to a knowledge base."""
    said, added = node("TextInput", "TextInput-a1", input_value=text), node("Knowledge", "Knowledge-k1", mode="Ingest")
    template(added)["knowledge_base"]["value"] = base
    return flow([said, added], [edge(said, "text", added, "input_df")])


def failing_flow() -> Exported:
    """ChatInput-a1 → ConditionalRouter-bad → ChatOutput-b1, in which the router fails: its operator is unknown."""
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    router = node("ConditionalRouter", "ConditionalRouter-bad", operator="resembles")
    edges = [edge(asked, "message", router, "input_text"), edge(router, "true_result", answered, "input_value")]
    return flow([asked, router, answered], edges)


def _link(source: Exported, target: Exported) -> Exported:
    """The edge from the first output of one vertex of a chain to the field that the next one reads."""
    output = source["data"]["node"]["outputs"][0]["name"]
    field = "input_message" if target["data"]["type"] == "Pass" else "input_value"
    return edge(source, output, target, field)


def _connection(source: Exported, output: str, target: Exported, target_handle: Exported) -> Exported:
    source_handle = {
        "dataType": source["data"]["type"],
        "id": source["id"],
        "name": output,
        "output_types": list(output_types(source, output)),
    }
    strings = {"sourceHandle": _string(source_handle), "targetHandle": _string(target_handle)}
    return {
        "id": f"edge-{source['id']}{strings['sourceHandle']}-{target['id']}{strings['targetHandle']}",
        "source": source["id"],
        "target": target["id"],
        **strings,
        "data": {"sourceHandle": source_handle, "targetHandle": target_handle},
    }


def _string(handle: Exported) -> str:
    """A handle as the string that stands beside it."""
    return json.dumps(handle).replace('"', "œ")
