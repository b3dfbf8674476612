"""The mini-program's API document (OpenAPI 3.1), merged from the schemas of all functions behind MiniProgramApi.

`python -m infra.openapi --write` renews docs/openapi.json; `--check` exits with 1 when it is not current.
"""

import argparse
import json
import sys
from typing import Any, get_type_hints

from aws_lambda_powertools.event_handler.openapi import OpenAPIMerge

from infra.functions import ROOT, DeclaredFunction, declared, operation_id

PATH = ROOT / "docs" / "openapi.json"
Document = dict[str, Any]

# Powertools' own error bodies never leave the functions: every error is a problem (RFC 9457).
_NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_PROBLEM = {
    "type": "object",
    "title": "ProblemDetails",
    "description": "RFC 9457 problem details. `code` is stable; `detail` is for the shopper's eyes.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
    "additionalProperties": True,
}
_PROBLEM_RESPONSE = {
    "description": "Refused or failed, and why.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
}
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Chosen by the caller, once per intention; a repetition gets the first answer.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}


class SchemaClashError(ValueError):
    """Two functions use one schema name, or one route, for different things."""


def document() -> Document:
    """The merged document. Raises SchemaClashError, and ImportError for a function that is missing."""
    merge = OpenAPIMerge(title="Orchard", version="1", on_conflict="error")
    seen: Document = {}
    for function in _public():
        schema = _schema(function)
        _refuse_clash(schema, seen, function)
        merge.add_schema(schema)
    merged = merge.get_openapi_schema()
    merged["info"]["description"] = "The shop's API, as the mini-program calls it."
    merged["servers"] = [{"url": "/"}]
    _add_shared_parts(merged)
    ordered: Document = json.loads(json.dumps(merged))
    return ordered | {"paths": dict(sorted(ordered["paths"].items()))}


def render(content: Document) -> str:
    """The file's text."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _public() -> list[DeclaredFunction]:
    return [function for function in declared() if any(route.api == "MiniProgramApi" for route in function.routes)]


def _schema(function: DeclaredFunction) -> Document:
    module = function.load()
    openapi = module.api.resolver.get_openapi_schema()
    schema: Document = openapi.model_dump(by_alias=True, exclude_none=True, mode="json")
    for path_item in schema["paths"].values():
        for method, operation in path_item.items():
            _finish(operation, function, method, getattr(module, operation["operationId"]))
    return schema


def _finish(operation: Document, function: DeclaredFunction, method: str, handler: Any) -> None:
    operation["operationId"] = operation_id(function, method)
    operation["tags"] = [function.capability]
    operation["summary"] = _summary(function, handler)
    operation["responses"].pop("422", None)
    operation["responses"].get("204", {}).pop("content", None)
    operation["responses"] |= {"4XX": {"$ref": "#/components/responses/Problem"}}
    operation["responses"] |= {"5XX": {"$ref": "#/components/responses/Problem"}}
    if _needs_member(handler):
        operation["security"] = [{"session": []}]
    if operation.pop("x-idempotent", False):
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})


def _summary(function: DeclaredFunction, handler: Any) -> str:
    first_line = (handler.__doc__ or function.load().__doc__ or "").strip().split("\n")[0]
    text = first_line.split(": ", 1)[-1].rstrip(".")
    return text[:1].upper() + text[1:]


def _needs_member(handler: Any) -> bool:
    from orchard.runtime.api import CurrentMember

    return CurrentMember in get_type_hints(handler, include_extras=True).values()


def _refuse_clash(schema: Document, seen: Document, function: DeclaredFunction) -> None:
    # The merge keeps the last of two schemas with one name and says nothing.
    for name, body in schema.get("components", {}).get("schemas", {}).items():
        if seen.setdefault(name, body) != body:
            raise SchemaClashError(f"{function.key} describes {name} otherwise than another function")


def _add_shared_parts(merged: Document) -> None:
    components = merged.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _NOT_OURS:
        schemas.pop(name, None)
    if "ProblemDetails" in schemas:
        raise SchemaClashError("ProblemDetails is the name of the error body")
    schemas["ProblemDetails"] = _PROBLEM
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = {"Problem": _PROBLEM_RESPONSE}
    components["parameters"] = {"IdempotencyKey": _KEY_PARAMETER}
    components["securitySchemes"] = {"session": {"type": "http", "scheme": "bearer"}}


def main() -> int:
    """Write or check the committed document."""
    parser = argparse.ArgumentParser(description="merge the functions' schemas into docs/openapi.json")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    text = render(document())
    if parser.parse_args().write:
        PATH.write_text(text, encoding="utf-8")
        return 0
    current = PATH.exists() and PATH.read_text(encoding="utf-8") == text
    if not current:
        print(f"{PATH.relative_to(ROOT)} is not current: run `python -m infra.openapi --write`", file=sys.stderr)
    return int(not current)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "layers" / "common"))
    sys.exit(main())
