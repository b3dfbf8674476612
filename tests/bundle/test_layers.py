"""The layers: exactly the packages that were tested, and bytecode that loads from a read-only mount."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from infra.build.pin import REQUIREMENTS, declared, pinned
from infra.functions import ROOT

MAKEFILE = ROOT / "layers" / "dependencies" / "Makefile"


def test_layer_ships_what_the_project_declares() -> None:
    pins = pinned()
    for requirement in declared():
        name, version = requirement.split("==")
        assert pins[name] == version


def test_every_pin_has_its_hashes() -> None:
    blocks = re.split(r"\n(?=\w)", REQUIREMENTS.read_text(encoding="utf-8").split("\n", 1)[1])
    assert len(blocks) == len(pinned())
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)


def test_pins_name_no_host() -> None:
    assert "://" not in REQUIREMENTS.read_text(encoding="utf-8")


def test_layer_keeps_every_service_that_the_code_calls() -> None:
    kept = re.search(r"^SERVICES := (.+)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert kept
    # Powertools' parameters reach Secrets Manager by a client of their own.
    called = {"secretsmanager"}
    for path in (ROOT / "layers" / "common" / "orchard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"client", "resource"}
            ):
                called |= {str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    assert called == set(kept[1].split())


def test_common_layer_has_code_bytecode_and_migrations(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    makefile = ROOT / "layers" / "common" / "Makefile"
    settings = [f"RUNTIME={version}", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={tmp_path}"]
    subprocess.run(["make", "--silent", "--makefile", makefile, *settings, "build-CommonLayer"], check=True)
    package = tmp_path / "python" / "orchard"
    sources = sorted(ROOT.glob("layers/common/orchard/**/*.py"))
    assert [path.relative_to(ROOT / "layers" / "common" / "orchard") for path in sources] == sorted(
        path.relative_to(package) for path in package.rglob("*.py")
    )
    for source in package.rglob("*.py"):
        flags = Path(importlib.util.cache_from_source(str(source))).read_bytes()[4:8]
        # PEP 552: bit 0 says hash-based, bit 1 unset says that the source is never looked at.
        assert int.from_bytes(flags, "little") == 0b01
    authorities = {path.name for path in (ROOT / "layers" / "common" / "certificates").glob("*.pem")}
    assert len(authorities) > 20
    # Mounted as /opt/certificates, which the foundation's outputs name.
    assert {path.name for path in (tmp_path / "certificates").iterdir()} == authorities
    migrations = {path.name for path in (ROOT / "infra" / "database").glob("*.sql")}
    assert migrations
    assert {path.name for path in (package / "migrations").iterdir()} == migrations
