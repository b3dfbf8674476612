"""One bundle for the whole campaign: schedules off, jobs fired by name, books compared after each part."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.local.cloud import LocalCloud
from infra.local.shop import Installation, Place, install_shop
from tests.campaigns.field import Field
from tests.campaigns.plan import Plan, plan

_LAST = "test_reached.py"


def _patient_shop(place: Place) -> Installation:
    """The shop's installation, with a day to pay: the sandbox's clock may then run hours ahead of the database's."""
    installed = install_shop(place)
    return replace(installed, parameters={**installed.parameters, "PaymentMinutes": "1440"})


def pytest_report_header() -> str:
    """The seed, before anything can fail."""
    return f"campaign: {plan().replay} plays this one again"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What was reached is asked at the end."""
    items.sort(key=lambda item: item.path.name == _LAST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Say with every failure how to have it again."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]  # what the hook yields is the report
        report.sections.append(("replay", f"{plan().replay} ARGS='{item.nodeid}'"))  # type: ignore[attr-defined]  # same
    return report


@pytest.fixture(scope="session")
def campaign() -> Plan:
    """Seed and length of this run."""
    return plan()


@pytest.fixture(scope="session")
def campaign_bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The bundle, empty."""
    folder = tmp_path_factory.mktemp("campaign")
    with LocalCloud(folder, install=_patient_shop, durable=False, schedules=False, report=lambda _: None) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def whole_field(campaign_bundle: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The shop of the whole campaign."""
    field = Field(campaign_bundle, tmp_path_factory.mktemp("field"))
    yield field
    field.close()


@pytest.fixture
def field(whole_field: Field) -> Iterator[Field]:
    """The shop for one part. At its end both books must agree and every invariant hold."""
    yield whole_field
    whole_field.assert_sound()
    whole_field.note()
