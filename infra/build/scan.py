"""Scan the templates as CloudFormation gets them, after the SAM transform, with checkov, offline.

`python -m infra.build.scan` exits with 1 on a finding that scan_exceptions.toml does not explain, and on an explanation
whose finding is gone. A scan takes half a minute, and the first one installs the scanner (about a minute, 290 MB).
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.build.check_template import templates
from infra.build.expand import expanded
from infra.build.tools import ROOT, command, environment

EXCEPTIONS = Path(__file__).with_name("scan_exceptions.toml")


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One failed check on one resource; `resource` is Type.LogicalId."""

    template: str
    check: str
    resource: str
    title: str

    def __str__(self) -> str:
        return f"{self.template}: {self.check} {self.resource} ({self.title})"


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why a check may fail: for resources (Type.LogicalId) that match any of the patterns."""

    check: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether this explains that finding."""
        return self.check == finding.check and any(fnmatchcase(finding.resource, one) for one in self.resources)


def exemptions(path: Path = EXCEPTIONS) -> list[Exemption]:
    """What is explained, as written."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["exemption"]
    return [Exemption(one["check"], tuple(one["resources"]), one["reason"]) for one in listed]


def scan() -> list[Finding]:
    """Every failed check of every template. Raises CalledProcessError when a template cannot be expanded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for template in templates():
            (folder / f"{template.stem}.json").write_text(json.dumps(expanded(template=template)), encoding="utf-8")
        return sorted(set(_checkov(folder)))


def _checkov(folder: Path) -> Iterable[Finding]:
    options = ["--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--skip-download"]
    call: list[str | Path] = [command("checkov"), "--directory", folder, *options]
    answer = subprocess.run(call, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    report: dict[str, Any] = json.loads(answer.stdout)
    if report["summary"]["parsing_errors"]:
        raise SystemExit(f"checkov cannot read {report['results']['parsing_errors']}")
    for failed in report["results"]["failed_checks"]:
        yield Finding(Path(failed["file_path"]).stem, failed["check_id"], failed["resource"], failed["check_name"])


def judge(findings: Iterable[Finding], explained: Iterable[Exemption]) -> tuple[list[Finding], list[Exemption]]:
    """The findings that nothing explains, and the explanations that explain nothing."""
    found, known = list(findings), list(explained)
    unexplained = [finding for finding in found if not any(one.covers(finding) for one in known)]
    return unexplained, [one for one in known if not any(one.covers(finding) for finding in found)]


def main() -> int:
    """Print the judgement."""
    findings = scan()
    unexplained, idle = judge(findings, exemptions())
    for finding in unexplained:
        print(finding)
    for one in idle:
        print(f"{EXCEPTIONS.relative_to(ROOT)}: nothing is found any more by {one.check} on {', '.join(one.resources)}")
    explained = len(findings) - len(unexplained)
    print(f"checkov: {len(unexplained)} unexplained findings, {explained} explained, {len(idle)} idle explanations")
    return int(bool(unexplained or idle))


if __name__ == "__main__":
    sys.exit(main())
