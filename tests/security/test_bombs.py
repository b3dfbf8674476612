"""Bodies that cost more than they weigh, at every operation that takes one: refused by type, without a trace."""

import gzip
import time
import tracemalloc
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from tests.security.operations import Operation, document, operations
from tests.security.world import World, footprint

_BODIES = [operation for operation in operations() if operation.body]
_LIMIT = 256 * 1024
BOMBS: dict[str, tuple[str | bytes, int]] = {
    "beyond 6 MB": ("[" * (6 * 1024 * 1024 + 1), 413), "beyond 6 MB, encoded": (b"x" * (6 * 1024 * 1024), 413),
    "100,000 lists deep": ("[" * 100_000 + "]" * 100_000, 422), "100,000 lists deep, open": ("[" * 100_000, 422),
    "40,000 objects deep": ('{"a":' * 40_000, 422), "a number of 1,000,000 digits": ('{"a":' + "9" * 10**6 + "}", 413),
    "a number of 200,000 digits": ('{"a":' + "9" * 200_000 + "}", 422),
    "100,000 names": ("{" + ",".join(f'"a{name}":1' for name in range(100_000)) + "}", 413),
    "20,000 names": ("{" + ",".join(f'"a{name}":1' for name in range(20_000)) + "}", 422),
    "one name 30,000 times": ("{" + ",".join('"a":1' for _ in range(30_000)) + "}", 422),
    "a list of 100,000": ("[" + "1," * 99_999 + "1]", 422),
    "brackets in a text": ('{"a":"' + "[" * 200_000 + '"}', 422),
    "escapes": ('{"a":"' + "\\u0061" * 40_000 + '"}', 422), "not UTF-8": (b'{"a":"\xff\xfe\xc0\xaf"}', 422),
    "zipped": (gzip.compress(b"[" * 20_000_000), 422),
}  # fmt: skip


@pytest.mark.parametrize("operation", _BODIES, ids=lambda operation: operation.name)
def test_no_bomb_goes_off(world: World, tables: list[str], operation: Operation) -> None:
    request, member = world.request(operation), world.owner
    before = footprint(world.db, tables)
    for name, (body, expected) in BOMBS.items():
        request.body = body
        tracemalloc.start()
        answer = request.send(member.token)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (answer.status, answer.headers["content-type"]) == (expected, "application/problem+json"), name
        assert answer.code == ("payload_too_large" if expected == 413 else "invalid_input"), name
        assert len(answer.text) < 8_192, name
        # What is read costs a small multiple; what is too large, only its own copies in the event and the test.
        assert peak < (4 * len(body) + 2**20 if expected == 413 else 128 * _LIMIT), (name, peak)
    assert footprint(world.db, tables) == before


def _patterns(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
        return own.union(*(_patterns(inner) for inner in node.values()))
    return set().union(*(_patterns(inner) for inner in node)) if isinstance(node, list) else set()


_REPEATED = ["1", "0", "a", "https://a.", "https://a.a/", "a-", "-1", "13", "0-", "a.a", "%", "!"]


def _cost(checker: TypeAdapter[str], text: str) -> float:
    """CPU seconds of twenty checks, the least of three measurements."""
    costs = []
    for _ in range(3):
        begun = time.process_time()
        for _ in range(20):
            try:
                checker.validate_python(text)
            except ValidationError:
                continue
        costs.append(time.process_time() - begun)
    return min(costs)


@pytest.mark.parametrize("pattern", sorted(_patterns(document())))
def test_no_pattern_takes_more_than_its_share(pattern: str) -> None:
    checker: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=pattern)])
    for repeated in _REPEATED:
        for head in ("", "https://"):
            short, long = (head + repeated * (count // len(repeated)) + "\n" for count in (10_000, 80_000))
            # Eight times the text: eight times the work where it is linear, 64 times where it is quadratic.
            assert _cost(checker, long) < 32 * _cost(checker, short) + 0.005, repeated
