"""The stacks below the bundle: data outlives code, and what the database is set to is what the statements rely on."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from infra.build import certificates
from infra.functions import ROOT, template
from infra.local.intrinsics import load_yaml
from orchard.runtime import database

STACKS = ROOT / "infra" / "stacks"
FOUNDATION, NETWORK, DATABASE = (load_yaml(STACKS / f"{name}.yaml") for name in ("foundation", "network", "database"))
_GLOBALS = template()["Globals"]["Function"]


def _keeping(document: dict[str, Any], kind: str) -> set[tuple[str | None, str | None]]:
    found = [body for body in document["Resources"].values() if body["Type"] == kind]
    assert found
    return {(body.get("DeletionPolicy"), body.get("UpdateReplacePolicy")) for body in found}


def test_nothing_that_holds_data_goes_with_its_stack() -> None:
    assert _keeping(DATABASE, "AWS::RDS::DBCluster") == {("Snapshot", "Snapshot")}
    assert _keeping(NETWORK, "AWS::EC2::EIP") == {("Retain", "Retain")}
    assert _keeping(FOUNDATION, "AWS::CloudFormation::Stack") == {("Retain", "Retain")}
    cluster = DATABASE["Resources"]["Cluster"]["Properties"]
    assert cluster["DeletionProtection"] is cluster["StorageEncrypted"] is True
    assert cluster["ManageMasterUserPassword"] is True


def test_the_bundle_itself_holds_no_data() -> None:
    kinds = {body["Type"].split("::")[1] for body in template()["Resources"].values()}
    assert not kinds & {"RDS", "DynamoDB", "S3", "SecretsManager"}


def test_waiting_for_a_lock_ends_before_the_function_does() -> None:
    parameters = DATABASE["Resources"]["ClusterParameters"]["Properties"]["Parameters"]
    assert int(parameters["innodb_lock_wait_timeout"]) < int(_GLOBALS["Timeout"]) < database.STATEMENT_TIMEOUT_SECONDS
    assert parameters["transaction_isolation"] == "READ-COMMITTED"
    assert (parameters["require_secure_transport"], parameters["time_zone"]) == ("ON", "UTC")


def test_the_proxy_begins_sessions_as_the_functions_do() -> None:
    pool = DATABASE["Resources"]["ProxyTargets"]["Properties"]["ConnectionPoolConfigurationInfo"]
    assert pool["InitQuery"] == database._SESSION
    assert pool["ConnectionBorrowTimeout"] < int(_GLOBALS["Timeout"])
    assert DATABASE["Resources"]["DatabaseProxy"]["Properties"]["RequireTLS"] is True


def test_nested_stacks_are_given_what_they_ask_for() -> None:
    for name, document in (("Network", NETWORK), ("Database", DATABASE)):
        given = FOUNDATION["Resources"][name]["Properties"]["Parameters"].keys()
        assert given == document["Parameters"].keys()
        used = re.findall(rf"{name}\.Outputs\.(\w+)", (STACKS / "foundation.yaml").read_text(encoding="utf-8"))
        assert set(used) <= document["Outputs"].keys()


def test_outputs_of_the_foundation_are_parameters_of_the_bundle() -> None:
    assert FOUNDATION["Outputs"].keys() - template()["Parameters"].keys() == {"Addresses"}


def test_functions_reach_what_they_must_and_nobody_reaches_them() -> None:
    group = FOUNDATION["Resources"]["FunctionsGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [rule["Description"] for rule in group["SecurityGroupEgress"]] == ["WeChat and AWS", "database"]


@pytest.mark.parametrize("path", sorted(certificates.FOLDER.glob("*.pem")), ids=lambda path: path.stem)
def test_authorities_are_those_of_their_region(path: Path) -> None:
    roots = x509.load_pem_x509_certificates(path.read_bytes())
    assert len(roots) == 3
    assert certificates.by_region(path.read_bytes()) == {path.stem: path.read_bytes()}
    for root in roots:
        root.verify_directly_issued_by(root)


def test_a_bundle_is_cut_into_regions(tmp_path: Path) -> None:
    paths = sorted(certificates.FOLDER.glob("us-*.pem"))
    bundle = b"".join(path.read_bytes() for path in paths)
    assert certificates.write(bundle, tmp_path) == [path.stem for path in paths]
    assert [(tmp_path / path.name).read_bytes() for path in paths] == [path.read_bytes() for path in paths]


# Some public authority's serial number is older than the rule that it breaks.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_bundle_without_the_authorities_is_refused(tmp_path: Path) -> None:
    import certifi

    with pytest.raises(ValueError, match="no authority"):
        certificates.write(Path(certifi.where()).read_bytes(), tmp_path)
    assert list(tmp_path.iterdir()) == []
