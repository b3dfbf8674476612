"""Sometimes-assertions: what a campaign must have reached, or it proves nothing.

The list is computed: states from the schema's CHECKs, transitions from the capabilities' own tables, refusals from the
typed errors, operations and reasons from the API document, functions from the template. A new capability is on it the
day it exists.
"""

import importlib
import json
import pkgutil
import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orchard
from infra import functions, openapi
from orchard.core.errors import AppError

Transitions = dict[StrEnum, frozenset[StrEnum]]
_seen: Counter[str] = Counter()


def sometimes(name: str) -> None:
    """Note that something was reached."""
    _seen[name] += 1


def seen() -> Counter[str]:
    """Everything reached so far, and how often."""
    return Counter(_seen)


def heard(method: str, path: str, status: int, answer: Any) -> None:
    """Note what an answer of the API shows. AssertionError for one that is neither a success nor a typed refusal."""
    operation = _operation(method, path)
    if status < 400:
        sometimes(f"operation: {operation}")
    else:
        code = answer.get("code") if isinstance(answer, dict) else None
        fine = (status < 500 or status in {502, 503}) and isinstance(code, str)
        assert fine, f"{method} {path}: {status} {answer}"
        sometimes(f"refusal: {code}")
    _note_reasons(answer)


def _note_reasons(answer: Any) -> None:
    parts = answer if isinstance(answer, list) else answer.values() if isinstance(answer, dict) else ()
    if isinstance(answer, dict):
        for name in answer.keys() & _reason_names():
            if isinstance(answer[name], str):
                sometimes(f"reason: {answer[name]}")
    for part in parts:
        _note_reasons(part)


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(openapi.PATH.read_text(encoding="utf-8"))
    return content


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str], str]]:
    """Operations by method and path, the fixed paths before those with parameters."""
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation["operationId"])
        for path, item in sorted(_document()["paths"].items(), key=lambda entry: "{" in entry[0])
        for method, operation in item.items()
    ]


def _operation(method: str, path: str) -> str:
    bare = path.partition("?")[0]
    return next((name for verb, pattern, name in _patterns() if verb == method and pattern.fullmatch(bare)), "none")


def operations() -> set[str]:
    """Every operation of the API document answers with success."""
    return {f"operation: {name}" for _, _, name in _patterns()}


def keyed_operations() -> set[str]:
    """The operations that take an idempotency key."""
    parameter = {"$ref": "#/components/parameters/IdempotencyKey"}
    items = _document()["paths"].values()
    return {one["operationId"] for item in items for one in item.values() if parameter in one.get("parameters", [])}


@lru_cache(maxsize=1)
def _reason_properties() -> list[tuple[str, Any]]:
    schemas = _document()["components"]["schemas"].values()
    return [
        (name, body) for schema in schemas for name, body in schema.get("properties", {}).items()
        if name.endswith("reason") and _values(body)
    ]  # fmt: skip


@lru_cache(maxsize=1)
def _reason_names() -> frozenset[str]:
    return frozenset(name for name, _ in _reason_properties())


def _values(body: dict[str, Any]) -> list[str]:
    """The enumerated values of a property, behind references and alternatives."""
    if "$ref" in body:
        return _values(_document()["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]])
    inner = [value for part in body.get("anyOf", []) for value in _values(part)]
    return inner + list(body.get("enum", []))


def reasons() -> set[str]:
    """Every reason that the API document enumerates."""
    return {f"reason: {value}" for _, body in _reason_properties() for value in _values(body)}


@lru_cache(maxsize=1)
def _modules() -> list[Any]:
    walked = pkgutil.walk_packages(orchard.__path__, "orchard.")
    return [importlib.import_module(module.name) for module in walked]


def refusals() -> set[str]:
    """Every stable code of a typed error."""
    _modules()
    found, waiting = set(), [AppError]
    while waiting:
        error = waiting.pop()
        found.add(f"refusal: {error.code}")
        waiting += error.__subclasses__()
    return found


def transition_tables() -> list[Transitions]:
    """Every table of legal transitions in a capability's models."""
    found = []
    for module in _modules():
        tables = [value for value in vars(module).values() if isinstance(value, dict) and _is_transitions(value)]
        found += [table for table in tables if table not in found]
    return found


def _is_transitions(table: dict[Any, Any]) -> bool:
    return bool(table) and all(
        isinstance(state, StrEnum) and isinstance(targets, frozenset) and set(type(state)) == table.keys()
        for state, targets in table.items()
    )


def functions_run() -> set[str]:
    """Every function of the template was started."""
    return {f"function: {function.name}" for function in functions.declared()}
