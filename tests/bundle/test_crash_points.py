"""Crash points: named once, at one place each, empty in the layer, and every one of them met by the campaign."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from infra.functions import ROOT
from orchard.runtime import crash_points
from tests.support.crash_cases import CASES, MIGRATION_POINTS

_LAYER = ROOT / "layers" / "common" / "orchard"


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("crash_points.reached"):
            yield node


def _points() -> list[str]:
    found = []
    for path in sorted(_LAYER.rglob("*.py")):
        for call in _calls(path):
            (argument,) = call.args
            assert isinstance(argument, ast.Constant), f"{path}: a point is a literal"
            found.append(str(argument.value))
    return found


def test_every_point_has_one_place_and_a_case() -> None:
    points = _points()
    assert len(points) > 30
    assert sorted(points) == sorted(CASES.keys() | MIGRATION_POINTS)


def test_a_point_does_nothing_and_knows_nothing() -> None:
    tree = ast.parse(inspect.getsource(crash_points))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [type(node) for node in function.body] == [ast.Expr], "nothing but its docstring"


def test_nothing_in_the_product_replaces_a_point() -> None:
    written = "crash_points.reached ="
    sources = [*_LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py"), *(ROOT / "infra").rglob("*.py")]
    assert [str(path) for path in sources if written in path.read_text(encoding="utf-8")] == []
