"""One name runs through folder, event, test, template and operation id: one search finds all of a function."""

import re
import subprocess

import pytest

from infra.functions import ROOT, DeclaredFunction, declared, operation_id, resource_name

FUNCTIONS = declared()
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.key)


@each_function
def test_function_folder_has_a_handler(function: DeclaredFunction) -> None:
    source = (function.folder / "app.py").read_text(encoding="utf-8")
    assert function.properties.get("Handler", "app.handler") == "app.handler"
    assert re.search(r"^handler = \w+\.handler$|^def handler\(", source, re.MULTILINE)


@each_function
def test_function_has_an_event(function: DeclaredFunction) -> None:
    assert (ROOT / "events" / f"{function.key}.json").is_file()


@each_function
def test_function_has_a_test(function: DeclaredFunction) -> None:
    assert (ROOT / "tests" / "functions" / function.capability / f"test_{function.name}.py").is_file()


@each_function
def test_resource_carries_the_name(function: DeclaredFunction) -> None:
    assert function.resource == resource_name(function.name)
    assert function.properties["CodeUri"] == f"functions/{function.key}"


def test_names_are_unique_across_capabilities() -> None:
    names = [function.name for function in FUNCTIONS]
    assert sorted(set(names)) == sorted(names)


def test_no_folder_is_left_out_of_the_template() -> None:
    folders = {f"{path.parent.parent.name}/{path.parent.name}" for path in ROOT.glob("functions/*/*/app.py")}
    assert folders <= {function.key for function in FUNCTIONS}


def test_no_event_is_without_its_function() -> None:
    events = {f"{path.parent.name}/{path.stem}" for path in ROOT.glob("events/*/*.json")}
    assert events == {function.key for function in FUNCTIONS}


def test_function_folders_hold_nothing_but_the_handler() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "functions"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert listed
    assert [path for path in listed if not re.fullmatch(r"functions/[a-z_]+/[a-z_]+/app\.py", path)] == []


@pytest.mark.parametrize(
    "function",
    [function for function in FUNCTIONS if any(route.api == "MiniProgramApi" for route in function.routes)],
    ids=lambda function: function.key,
)
def test_api_answers_exactly_the_declared_routes(function: DeclaredFunction) -> None:
    schema = function.load().api.resolver.get_openapi_schema().model_dump(by_alias=True, exclude_none=True)
    answered = {(method.upper(), path) for path, item in schema["paths"].items() for method in item}
    assert answered == {(route.method, route.path) for route in function.routes}
    for item in schema["paths"].values():
        for method, operation in item.items():
            assert operation["operationId"] == operation_id(function, method)
