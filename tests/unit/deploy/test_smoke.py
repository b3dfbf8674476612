"""The last look at a deployed shop, and the fetching of an authority, against a server that answers as told."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.build import certificates
from infra.deploy import authorities, smoke
from infra.deploy.problems import DeployError


class _Site(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers: dict[str, list[int]] = {}
        self.body = b""
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: _Site

    def _answer(self) -> None:
        statuses = self.server.answers[f"{self.command} {self.path}"]
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[_Site]:
    with _Site() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def _look(site: _Site, products: list[int], notice: int) -> list[str]:
    site.answers = {"GET /products": products, "POST /wechat-pay/payments": [notice]}
    return smoke.problems(site.url, site.url, pause_seconds=0)


def test_a_shop_that_answers_is_well(site: _Site) -> None:
    assert _look(site, [200], 401) == []


def test_a_waking_database_is_waited_for(site: _Site) -> None:
    assert _look(site, [503, 503, 200], 401) == []


def test_a_shop_that_does_not_answer_is_told_of(site: _Site) -> None:
    (problem,) = _look(site, [500], 401)
    assert problem.endswith("answers 500, expected 200")


# 404 is a missing route, 500 missing keys, 200 a callback that believes anybody.
@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_an_unsigned_notice_must_be_refused_by_us(site: _Site, status: int) -> None:
    (problem,) = _look(site, [200], status)
    assert problem.endswith(f"unsigned, answers {status}, expected 401")


def test_nobody_there_is_told_of(site: _Site) -> None:
    assert len(smoke.problems("http://127.0.0.1:1", "http://127.0.0.1:1", pause_seconds=0)) == 2


def test_a_missing_authority_is_fetched_once(site: _Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (certificates.FOLDER / "us-east-1.pem").read_bytes()
    site.body, site.answers = known, {"GET /bundle": [200]}
    monkeypatch.setattr(certificates, "FOLDER", tmp_path)
    assert authorities.ensure("us-east-1", f"{site.url}/bundle") is True
    assert (tmp_path / "us-east-1.pem").read_bytes() == known
    assert authorities.ensure("us-east-1", "http://127.0.0.1:1/") is False


@pytest.mark.parametrize(("body", "status"), [(b"nonsense", 200), (b"", 404), (None, 200)])
def test_anything_else_is_refused_with_advice(
    site: _Site, body: bytes | None, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last one is a genuine bundle, of another region.
    site.body = (certificates.FOLDER / "us-east-1.pem").read_bytes() if body is None else body
    site.answers = {"GET /bundle": [status]}
    monkeypatch.setattr(certificates, "FOLDER", tmp_path)
    with pytest.raises(DeployError, match=r"download .*/cn-north-1-bundle\.pem|download http"):
        authorities.ensure("cn-north-1", f"{site.url}/bundle")
    assert list(tmp_path.iterdir()) == []


def test_china_has_a_place_of_its_own() -> None:
    assert certificates.source("cn-northwest-1").endswith("amazonaws.com.cn/cn-northwest-1/cn-northwest-1-bundle.pem")
    assert "amazonaws.com/us-east-1/" in certificates.source("us-east-1")
