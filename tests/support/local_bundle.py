"""The local cloud's own small bundle, running, and plain HTTP calls to it."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.cloud import LocalCloud
from infra.local.shop import Installation, Place

FIXTURES = Path(__file__).parents[1] / "unit" / "local" / "fixtures"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, its body parsed where it is JSON."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(url: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """A request as it is written, nothing normalised; underscores in header names stand for hyphens."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def install_fixture(folder: Path) -> Any:
    def install(place: Place) -> Installation:
        parameters = {"SecretId": "fixture", "Stage": str(folder / "consumed.txt")}
        return Installation(parameters, {"fixture": {"password": place.kept["session_secret"]}})

    return install


def fixture_cloud(folder: Path, **options: Any) -> LocalCloud:
    """The fixture bundle on a data folder, without schedules unless asked for."""
    settings = {"schedules": False, "durable": False, "workers": 2, **options}
    return LocalCloud(folder / "data", template=FIXTURES / "template.yaml", install=install_fixture(folder), **settings)
