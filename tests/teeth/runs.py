"""One pytest run in a copy, and what its end means: which test failed, and whether by its own verdict."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.teeth.copies import PYTHON, Copy

# A program that cannot be loaded fails every test, which says nothing about any of them.
_NO_VERDICT = re.compile(r"collection failure|\b(?:Import|ModuleNotFound|Syntax|Indentation|Name)Error\b")


@dataclass(frozen=True, slots=True)
class Run:
    """`by` is the test that failed, empty if none did; `problem` says why the end is no verdict, empty if it is."""

    by: str = ""
    problem: str = ""


def run(copy: Copy, tests: Sequence[str], seconds: int, options: Sequence[str] = ()) -> Run:
    """Run the tests until the first failure. Every process has a database of its own, so runs share nothing."""
    report = copy.folder.with_suffix(".xml")
    report.unlink(missing_ok=True)
    # The same examples each time: what bit once bites again.
    command = [
        PYTHON, "-m", "pytest", "--exitfirst", "--quiet", "-p", "no:cacheprovider", "--hypothesis-seed=0",
        f"--junit-xml={report}", *options, *tests,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=copy.folder, env=copy.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.communicate()
        return Run(problem=f"no end within {seconds} seconds")
    if process.returncode == 0:
        return Run()
    return _verdict(report) or Run(problem=output[-800:])


def _verdict(report: Path) -> Run | None:
    if not report.is_file():
        return None
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest's own report
        for found in (*case.findall("failure"), *case.findall("error")):
            message = found.get("message") or ""
            by = f"{(case.get('classname') or '').replace('.', '/')}.py::{case.get('name')}"
            return Run(by, message if _NO_VERDICT.search(message) else "")
    return None
