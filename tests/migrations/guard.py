"""What a migration may not do while the release before it still runs: take away what that release reads or writes.

A migration only expands. One that contracts says so with `contract_of = "<revision>"`, the earlier revision after which
no release needs any more what it takes away. Widening a constraint (drop it, create it anew) is no contraction.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping

_TAKES_AWAY = {"drop_table": "drops a table", "drop_column": "drops a column", "rename_table": "renames a table"}
_SQL = re.compile(r"\b(DROP\s+(TABLE|COLUMN|VIEW|SCHEMA)|RENAME|TRUNCATE|ALTER\s+COLUMN|NOT\s+NULL)\b", re.IGNORECASE)
_NARROWING = {"new_column_name": "renames a column", "type_": "changes the type of a column"}


def faults(source: str, earlier: Collection[str]) -> list[str]:
    """What is wrong with the source of a migration, given the revisions before it."""
    module = ast.parse(source)
    contract_of = _contract_of(module)
    if contract_of is None:
        return [fault for call in _calls(module) for fault in _faults_of(call)]
    if contract_of not in earlier:
        return [f"contract_of names {contract_of!r}, which is no earlier revision"]
    return []


def _contract_of(module: ast.Module) -> str | None:
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == "contract_of" for target in targets):
                return str(ast.literal_eval(statement.value))
    return None


def _calls(module: ast.Module) -> Iterator[ast.Call]:
    """Every call that an upgrade may make; what only `downgrade` does is never run."""
    for statement in module.body:
        if not (isinstance(statement, ast.FunctionDef) and statement.name == "downgrade"):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _faults_of(call: ast.Call) -> Iterator[str]:
    name = _name(call.func)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if name in _TAKES_AWAY:
        yield _at(call, _TAKES_AWAY[name])
    elif name == "alter_column":
        yield from _alteration(call, keywords)
    elif name == "add_column":
        yield from _addition(call, keywords)
    elif name == "execute":
        yield from _statement(call)


def _alteration(call: ast.Call, keywords: Mapping[str, ast.expr]) -> Iterator[str]:
    yield from (_at(call, fault) for name, fault in _NARROWING.items() if name in keywords)
    if "nullable" in keywords and not _is(keywords["nullable"], True):
        yield _at(call, "makes a column NOT NULL")


def _addition(call: ast.Call, keywords: Mapping[str, ast.expr]) -> Iterator[str]:
    column = next((value for value in [*call.args, *keywords.values()] if _name_of_call(value) == "Column"), None)
    if not isinstance(column, ast.Call):
        yield _at(call, "adds a column that cannot be read here")
        return
    given = {keyword.arg: keyword.value for keyword in column.keywords}
    has_default = "server_default" in given and not _is(given["server_default"], None)
    may_be_null = "nullable" not in given or _is(given["nullable"], True)
    if not may_be_null and not has_default:
        yield _at(call, "adds a NOT NULL column without server_default")


def _statement(call: ast.Call) -> Iterator[str]:
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if not texts:
        yield _at(call, "executes SQL that cannot be read here")
    for text in texts:
        if found := _SQL.search(text):
            yield _at(call, f"executes SQL with {found[0].upper()}")


def _name(function: ast.expr) -> str | None:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return None


def _name_of_call(value: ast.expr) -> str | None:
    return _name(value.func) if isinstance(value, ast.Call) else None


def _is(value: ast.expr, constant: bool | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _at(node: ast.Call, fault: str) -> str:
    return f"line {node.lineno} {fault}"
