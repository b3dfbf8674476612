"""Print a template as CloudFormation sees it, after the SAM transform, as JSON.

Runs under the SAM tool's own interpreter, which has the translator; `expanded()` calls it from ours.
"""

import importlib
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def expanded(region: str = "us-east-1", template: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """A transformed template for a region. Raises CalledProcessError when the transform refuses it."""
    from infra.build.tools import command, environment

    python = command("sam").with_name("python")
    call = [str(python), __file__, str(template)]
    variables = environment() | {"AWS_DEFAULT_REGION": region}
    answer = subprocess.run(call, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


class _ManagedPolicies:
    """The translator asks for AWS's managed policies, of which the template names none."""

    def load(self) -> dict[str, str]:
        return {}


def _transform(template: Path) -> dict[str, Any]:
    # By name, since only the SAM tool's environment has the translator.
    transform = importlib.import_module("samtranslator.translator.transform").transform
    parse = importlib.import_module("samtranslator.yaml_helper").yaml_parse
    document = parse(template.read_text(encoding="utf-8"))
    for resource in document["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            # Stands for the upload that `sam package` would have made.
            resource["Properties"][name] = f"s3://artefacts/{resource['Properties'][name]}"
    result: dict[str, Any] = transform(document, {}, _ManagedPolicies())
    return result


if __name__ == "__main__":
    # The translator warns of switches of AWS's own that it cannot read.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    json.dump(_transform(Path(sys.argv[1])), sys.stdout)
