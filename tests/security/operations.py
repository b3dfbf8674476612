"""The operations of the API document, each with the function behind it, its parameters and its body's schema."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.functions import declared
from infra.openapi import PATH

Schema = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter outside the body; `place` is path, query or header."""

    name: str
    place: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Operation:
    """One method of one path. `body` is the resolved schema of its JSON body."""

    function: str
    method: str
    path: str
    name: str
    secured: bool
    parameters: tuple[Parameter, ...]
    body: Schema | None

    @property
    def in_path(self) -> list[str]:
        """Names of the parameters in its path."""
        return [parameter.name for parameter in self.parameters if parameter.place == "path"]


@cache
def document() -> Schema:
    """The committed API document."""
    found: Schema = json.loads(PATH.read_text(encoding="utf-8"))
    return found


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation, in the document's order."""
    routes = {
        (route.method, route.path): function.key
        for function in declared()
        for route in function.routes
        if route.api == "MiniProgramApi"
    }
    return tuple(
        _operation(routes[method.upper(), path], method.upper(), path, content)
        for path, item in document()["paths"].items()
        for method, content in item.items()
    )


def _operation(function: str, method: str, path: str, content: Schema) -> Operation:
    body = content.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    found = [_parameter(resolved(parameter)) for parameter in content.get("parameters", [])]
    secured = bool(content.get("security", document().get("security")))
    return Operation(function, method, path, content["operationId"], secured, tuple(found), body and resolved(body))


def _parameter(content: Schema) -> Parameter:
    return Parameter(content["name"], content["in"], bool(content.get("required")), resolved(content["schema"]))


def resolved(schema: Schema) -> Schema:
    """A schema behind its references, without the null that it may also be."""
    if "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolved(found)
    some = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return resolved(some[0]) if some else schema


Path = tuple[str | int, ...]


def slots(schema: Schema, kinds: set[str], at: Path = ()) -> list[tuple[Path, Schema]]:
    """Where in a body values of these JSON types stand, nested ones too; a list by its first element (0)."""
    schema = resolved(schema)
    if schema.get("type") == "object":
        found = [slots(inner, kinds, (*at, name)) for name, inner in schema.get("properties", {}).items()]
        return [slot for part in found for slot in part]
    if schema.get("type") == "array":
        return slots(schema["items"], kinds, (*at, 0))
    return [(at, schema)] if schema.get("type") in kinds else []


def put(body: Any, at: Path, value: Any) -> Any:
    """A copy of the body with one value replaced; what leads there is made where it is missing."""
    if not at:
        return value
    head, rest = at[0], at[1:]
    if isinstance(head, int):
        inner = body[0] if isinstance(body, list) and body else None
        return [put(inner, rest, value)]
    known = body if isinstance(body, dict) else {}
    return {**known, head: put(known.get(head), rest, value)}
