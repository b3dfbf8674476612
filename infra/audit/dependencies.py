"""Known weaknesses of the pinned packages: `python -m infra.audit.dependencies`.

pip-audit asks the package index's own advisory service for each pinned version of the functions' layer, and of what
develops and tests them. A package that the service does not answer for counts as not audited, never as clean.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from infra.build import tools
from orchard.core import clock

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "dependencies" / "requirements.txt"
ACCEPTED = Path(__file__).with_name("accepted.json")


@dataclass(frozen=True)
class Accepted:
    """A known finding that we live with: why, and until when. Both are kept in accepted.json."""

    advisory: str
    package: str
    reason: str
    until: date


def accepted() -> list[Accepted]:
    """What is accepted. Raises KeyError or ValueError for an entry without reason or date."""
    entries = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    found = [
        Accepted(one["advisory"], one["package"], one["reason"], date.fromisoformat(one["until"])) for one in entries
    ]
    if any(not one.reason.strip() for one in found):
        raise ValueError("accepted.json: a finding is accepted for a reason")
    return found


def pinned_for_development() -> list[str]:
    """What pyproject.toml pins, extras without their brackets' contents."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return sorted({line.partition(";")[0].strip() for lines in lists for line in lines if "==" in line})


def judge(report: dict[str, Any], known: list[Accepted], today: date) -> list[str]:
    """What stands in the way, a line each, of one report of pip-audit's; empty when nothing does."""
    live = {(one.advisory, one.package) for one in known if one.until >= today}
    problems = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            problems.append(f"{package['name']}: not audited: {package['skip_reason']}")
        for finding in package.get("vulns", []):
            names = {finding["id"], *finding.get("aliases", [])}
            if not any((name, package["name"]) in live for name in names):
                fixed = ", ".join(finding.get("fix_versions", [])) or "no version yet"
                problems.append(f"{package['name']} {package['version']}: {finding['id']}, mended by {fixed}")
    return problems


def audit(requirements: Path) -> dict[str, Any]:
    """pip-audit's report on pinned requirements. Raises SystemExit when it has none to give."""
    command = [
        str(tools.command("pip-audit")), "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off",
        "--requirement", str(requirements),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise SystemExit(f"NOT AUDITED: the advisory service cannot be reached: {last}") from None
    return report


def main() -> int:
    """Audit the layer and the development packages; 1 while anything is known, overdue or not audited."""
    with tempfile.TemporaryDirectory() as folder:
        development = Path(folder) / "development.txt"
        development.write_text("\n".join(pinned_for_development()) + "\n", encoding="utf-8")
        problems = [line for path in (LAYER, development) for line in judge(audit(path), accepted(), _today())]
    print("\n".join(problems) or "no known weakness in any pinned package")
    return int(bool(problems))


def _today() -> date:
    return clock.utc_now().date()


if __name__ == "__main__":
    sys.exit(main())
