"""The security scan: each finding explained, no explanation without its finding, and no scanner needed for the core."""

import pytest

from infra.build.scan import Exemption, Finding, exemptions, judge, scan
from infra.build.tools import FOLDER, PACKAGES

_OPEN = Finding("template", "CKV_AWS_1", "AWS::SQS::Queue.Orders", "open")


def test_a_finding_needs_an_explanation_and_an_explanation_a_finding() -> None:
    fits = Exemption("CKV_AWS_1", ("AWS::SQS::Queue.*",), "known")
    other = Exemption("CKV_AWS_1", ("AWS::SNS::Topic.*",), "gone")
    assert judge([_OPEN], [fits]) == ([], [])
    assert judge([_OPEN], [other]) == ([_OPEN], [other])
    assert judge([_OPEN], []) == ([_OPEN], [])
    assert judge([], [fits]) == ([], [fits])


def test_every_exemption_says_why() -> None:
    listed = exemptions()
    assert listed
    assert all(len(one.reason) > 40 for one in listed)
    assert len({(one.check, one.resources) for one in listed}) == len(listed)
    # A type may be exempted whole; a check may not.
    assert all(pattern.startswith("AWS::") and "." in pattern for one in listed for pattern in one.resources)


@pytest.mark.skipif(
    not (FOLDER / "checkov" / PACKAGES["checkov"]).exists(), reason="`make scan` installs the scanner (290 MB)"
)
def test_nothing_is_found_that_is_not_explained() -> None:
    assert judge(scan(), exemptions()) == ([], [])
