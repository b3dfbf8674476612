"""Imports: downward only, handlers see only their own capability, and nothing heavy loads on a cold start."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.functions import ROOT, DeclaredFunction, declared

FUNCTIONS = declared()
# What Powertools needs in a signature is no rule of ours, so a handler may name it.
_TYPES = ("typing", "collections.abc", "pydantic")
# Functions of the house itself, whose work is the runtime's and the audit's.
_HOUSEKEEPING = {"platform": "audit"}
_HEAVY = (
    # Comes with the resolvers that runtime/powertools.py leaves out.
    "asyncio",
    "boto3",
    # Powertools looks at botocore's empty top package (1 ms); the weight is in these.
    "botocore.session",
    "botocore.client",
    "wechatpy",
    "requests",
    "urllib3",
    "wechatpayv3",
    "aws_xray_sdk",
    "orchard.gateways.wechat_pay.client",
)
# Forks once per function, so each import is a cold one and the interpreter starts once for all.
_PROBE = """
import importlib.util, json, os, sys
heavy = json.loads(sys.argv[1])
for app in sys.argv[2:]:
    reader, writer = os.pipe()
    if os.fork() == 0:
        spec = importlib.util.spec_from_file_location("app", app)
        try:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            found = [name for name in heavy if name in sys.modules]
        except BaseException as error:
            found = [f"{type(error).__name__}: {error}"]
        os.write(writer, json.dumps([app, found]).encode()[:4000])
        os._exit(0)
    os.close(writer)
    os.wait()
    print(os.read(reader, 4096).decode(), flush=True)
    os.close(reader)
"""

# Every plain value that importing all functions leaves in our modules.
_VALUES = """
import importlib.util, json, sys
for number, app in enumerate(sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"orchard_app_{number}", app)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
plain = (str, bytes, int, float, tuple, frozenset)
print(json.dumps(sorted(
    [name, key, repr(value)] for name, module in list(sys.modules.items()) if name.startswith("orchard")
    for key, value in vars(module).items() if isinstance(value, plain) and " at 0x" not in repr(value)
)))
"""


def test_layers_of_the_house() -> None:
    # In a process of its own: its logging set-up would silence every logger of this one.
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--no-cache",
        "--config",
        str(ROOT / ".importlinter"),
    ]
    checked = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "layers/common")},
                             capture_output=True, text=True, check=False)  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def _imported(source: str) -> set[str]:
    """Every module that a file imports, also inside functions; `from a import b` counts as `a.b` for our packages."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            ours = module.startswith("orchard")
            names |= {f"{module}.{alias.name}" for alias in node.names} if ours else {module}
    return names


def _allowed(name: str, function: DeclaredFunction) -> bool:
    own = _HOUSEKEEPING.get(function.capability, function.capability)
    # The types of path and query parameters are shared, pure, and no capability's.
    prefixes = (
        "orchard.runtime.",
        "orchard.core.schemas.",
        "orchard.workflows.",
        f"orchard.{own}.service",
        f"orchard.{own}.schemas",
    )
    housekeeping = function.capability in _HOUSEKEEPING and name.startswith(f"orchard.{own}.")
    return name in _TYPES or name.startswith(prefixes) or housekeeping


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.key)
def test_handler_imports_only_its_own(function: DeclaredFunction) -> None:
    names = _imported((function.folder / "app.py").read_text(encoding="utf-8"))
    assert [name for name in sorted(names) if not _allowed(name, function)] == []
    workflows = {name.split(".")[2] for name in names if name.startswith("orchard.workflows.")}
    assert len(workflows) <= 1


@pytest.fixture(scope="module")
def loaded_heavies() -> dict[str, list[str]]:
    apps = [str(function.folder / "app.py") for function in FUNCTIONS if (function.folder / "app.py").is_file()]
    call = [sys.executable, "-c", _PROBE, json.dumps(_HEAVY), *apps]
    environment = {"PYTHONPATH": str(ROOT / "layers" / "common"), "PATH": "", "LANG": "C.UTF-8"}
    answer = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    return {str(Path(app).parent.relative_to(ROOT / "functions")): names for app, names in found}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.key)
def test_cold_start_loads_nothing_heavy(function: DeclaredFunction, loaded_heavies: dict[str, list[str]]) -> None:
    # The probe's environment holds no settings either: importing a function must not need any.
    assert loaded_heavies[function.key] == []


def test_two_initialisations_are_equal() -> None:
    # A snapshot is resumed many times: a token, a number or a time made at import would be everybody's.
    apps = [str(function.folder / "app.py") for function in FUNCTIONS]
    environment = {"PYTHONPATH": str(ROOT / "layers" / "common"), "PATH": "", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    call = [sys.executable, "-c", _VALUES, *apps]
    first, second = (
        json.loads(subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    )
    assert len(first) > 500
    assert [value for value in first if value not in second] == []
