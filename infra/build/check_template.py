"""Lint the templates for every partition they must deploy to.

`python -m infra.build.check_template` exits with 1 when `sam validate --lint` or cfn-lint has anything to say.
"""

import subprocess
import sys
from pathlib import Path

from infra.build.tools import ROOT, command, environment

CHINA = ("cn-north-1", "cn-northwest-1")


def templates() -> list[Path]:
    """The main template and the nested ones."""
    return [ROOT / "template.yaml", *sorted((ROOT / "infra" / "stacks").glob("*.yaml"))]


def checks() -> list[list[str | Path]]:
    """The commands to run, each of which must succeed."""
    sam = command("sam")
    lint = sam.with_name("cfn-lint")
    return [
        [sam, "validate", "--lint"],
        [lint, "--", *templates()],
        [lint, "--regions", *CHINA, "--", *templates()],
    ]


def main() -> int:
    """Run all checks, also after one has failed."""
    codes = [subprocess.run(check, cwd=ROOT, env=environment(), check=False).returncode for check in checks()]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
