"""Who may come in, and what of a request reaches the shop at all: the gateway and the sessions behind it."""

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.demo.shop_client import ShopClient
from infra.local.cloud import LocalCloud
from tests.support.scenario import RunningShop, Shopper, running_shop

_MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def shop(bundle: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """One shop for all: hardly a request here gets as far as the books, which are compared once at the end."""
    yield from running_shop(bundle, tmp_path_factory.mktemp("access"))


def _address(shop: RunningShop) -> tuple[str, int]:
    url = urlsplit(shop.cloud.api_url)
    return str(url.hostname), int(url.port or 0)


def _send(
    shop: RunningShop, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request with its target exactly as given."""
    connection = http.client.HTTPConnection(*_address(shop), timeout=60)
    try:
        connection.putrequest(method, target, skip_host=False, skip_accept_encoding=True)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def _raw(shop: RunningShop, request: bytes) -> bytes:
    """Bytes as no decent client sends them; what comes back."""
    with socket.create_connection(_address(shop), 30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def _authorized(shopper: Shopper) -> dict[str, str]:
    return {
        "authorization": f"Bearer {shopper.phone.token}",
        "content-type": "application/json",
        "idempotency-key": "one-of-its-kind",
    }


def test_logging_out_everywhere_ends_every_session_of_the_member_and_of_nobody_else(
    shop: RunningShop, shopper: Shopper
) -> None:
    other_phone = ShopClient(shop.cloud.api_url)
    other_phone.log_in(shop.wechat.login_code(shopper.openid))
    stranger = shop.shopper()
    shopper.phone.call("POST", "/log-out", {"everywhere": True})
    for phone in (shopper.phone, other_phone):
        for method, path in (("GET", "/profile"), ("GET", "/orders"), ("GET", "/cart"), ("POST", "/log-out")):
            status, problem = phone.attempt(method, path, {} if method == "POST" else None)
            assert (status, problem["code"]) == (401, "unauthenticated")
    assert stranger.phone.call("GET", "/profile")["member_id"]
    shopper.phone.log_in(shop.wechat.login_code(shopper.openid))
    assert shopper.phone.call("GET", "/profile")["member_id"]


def test_logging_out_here_leaves_the_other_phone_alone(shop: RunningShop, shopper: Shopper) -> None:
    other_phone = ShopClient(shop.cloud.api_url)
    other_phone.log_in(shop.wechat.login_code(shopper.openid))
    shopper.phone.call("POST", "/log-out", {})
    assert shopper.phone.attempt("GET", "/profile")[0] == 401
    assert other_phone.attempt("GET", "/profile")[0] == 200


def test_a_login_code_works_once(shop: RunningShop) -> None:
    code = shop.wechat.login_code(str(shop.wechat.create_shopper()["openid"]))
    ShopClient(shop.cloud.api_url).log_in(code)
    for used in (code, "never-issued"):
        status, problem = ShopClient(shop.cloud.api_url).attempt("POST", "/log-in", {"code": used})
        assert status == 401
        assert problem["code"]


@pytest.mark.parametrize("megabytes", [7, 11])
def test_a_body_beyond_the_platforms_limit_is_refused_before_the_shop_sees_it(
    shop: RunningShop, shopper: Shopper, megabytes: int
) -> None:
    body = b'"' + b"x" * (megabytes * _MEGABYTE) + b'"'
    status, _, answer = _send(shop, "POST", "/cart/lines", body, _authorized(shopper))
    assert (status, json.loads(answer)["message"]) == (413, "Request Entity Too Large")


def test_a_body_beyond_the_shops_own_limit_is_refused_before_it_is_parsed(shop: RunningShop, shopper: Shopper) -> None:
    status, headers, answer = _send(shop, "POST", "/cart/lines", b"[" * _MEGABYTE, _authorized(shopper))
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(answer)["code"] == "payload_too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'{"sku_id":"1","quantity":1' + b"0" * 400 + b"}",
        b'{"sku_id":"1","quantity":NaN}',
        b'{"sku_id":"1","sku_id":"2","quantity":1}',
        b"\xff\xfe\x00",
        b'{"sku_id":"\\ud800","quantity":1}',
        b"",
        b"null",
    ],
    ids=["deep", "deep-objects", "deep-closed", "huge-number", "nan", "twice", "bytes", "surrogate", "none", "null"],
)
def test_json_that_is_meant_to_hurt_is_refused_with_a_reason(shop: RunningShop, shopper: Shopper, body: bytes) -> None:
    status, headers, answer = _send(shop, "POST", "/cart/lines", body, _authorized(shopper))
    assert (status // 100, headers["content-type"]) == (4, "application/problem+json")
    assert json.loads(answer)["code"]


def test_a_zipped_body_is_not_unpacked(shop: RunningShop, shopper: Shopper) -> None:
    bomb = gzip.compress(b"[" * (20 * _MEGABYTE))
    headers = {**_authorized(shopper), "content-encoding": "gzip"}
    status, _, _ = _send(shop, "POST", "/cart/lines", bomb, headers)
    assert status // 100 == 4


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing-here", 404),
        ("GET", "/", 404),
        ("GET", "/products/", 404),
        ("GET", "/products/%00", 404),
        ("GET", "/products/%2e%2e", 422),
        ("GET", "/products/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/products/%F0%9F%8D%8E", 404),
        ("GET", "/products/%ff", 404),
        ("GET", "/products/1%0d%0aset-cookie:%20a=b", 404),
        ("GET", "/products/9223372036854775808", 422),
        ("GET", "/products/-1", 422),
        ("GET", "/orders/%00", 404),
        ("DELETE", "/products", 404),
        ("PUT", "/orders", 404),
        ("HEAD", "/products", 404),
        ("BREW", "/products", 404),
        ("POST", "/wechat-pay/payments", 404),
        ("GET", "/products?limit=-1", 422),
        ("GET", "/products?limit=1000000", 422),
        ("GET", "/products?sort=price%3Bdrop%20table%20orders", 422),
        ("GET", "/products?cursor=" + "A" * 400, 422),
        ("GET", "/products/search?q=%25", 200),
        ("GET", "/products/search?q=%27%20or%201=1--", 200),
        ("GET", "/products?limit=1&limit=2", 422),
    ],
)
def test_odd_requests_get_plain_answers(shop: RunningShop, method: str, target: str, status: int) -> None:
    given, _, answer = _send(shop, method, target)
    assert given == status
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /products HTTP/1.1\r\nHost: a\r\nX-Shop: a\rb\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: a\r\nX Shop: a\r\n\r\n",
        b"GET /products\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /log-in HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /log-in HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["bare-cr", "blank-in-name", "split-line", "two-lengths", "negative-length", "tls"],
)
def test_broken_http_never_reaches_a_function(shop: RunningShop, request_bytes: bytes) -> None:
    mark = shop.log_mark()
    answer = _raw(shop, request_bytes)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert not any(line.startswith("START ") for line in shop.log_since(mark))


@pytest.mark.parametrize("lengths", ["Transfer-Encoding: chunked", "X-Length: none"], ids=["chunked", "no-length"])
def test_a_body_without_a_length_is_bounded_all_the_same(shop: RunningShop, shopper: Shopper, lengths: str) -> None:
    size = 7 * _MEGABYTE
    headers = "".join(f"{name}: {value}\r\n" for name, value in _authorized(shopper).items())
    head = f"POST /cart/lines HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}{lengths}\r\n\r\n".encode()
    body = f"{size:x}\r\n".encode() + b"[" * size + b"\r\n0\r\n\r\n" if "chunked" in lengths else b""
    assert _raw(shop, head + body).startswith(b"HTTP/1.1 4")
    assert shopper.phone.call("GET", "/cart")["lines"] == []


@pytest.mark.parametrize("name", ["idempotency-key", "user-agent", "x-request-id"])
def test_line_breaks_in_values_come_back_in_no_header_and_no_log_line(
    shop: RunningShop, shopper: Shopper, name: str
) -> None:
    mark = shop.log_mark()
    headers = {**_authorized(shopper), name: "abcdefgh%0d%0aInjected: yes"}
    _, answered, _ = _send(shop, "POST", "/cart/lines", b'{"sku_id":"1","quantity":1}', headers)
    assert "injected" not in answered
    assert not any(line.startswith("Injected") for line in shop.log_since(mark))


def test_what_a_client_says_about_itself_or_about_money_is_not_heard(shop: RunningShop, shopper: Shopper) -> None:
    victim, goods = shop.shopper(), shop.shelf.sell(price_fen=1000)
    body = shopper.agree(shopper.wish((goods, 1)))
    forged: tuple[dict[str, Any], ...] = (
        {"payable_fen": 1}, {"member_id": "1"}, {"openid": victim.openid}, {"state": "TO_SHIP"}, {"freight_fen": 0},
    )  # fmt: skip
    for extra in forged:
        status, problem = shopper.phone.attempt("POST", "/orders", {**body, **extra})
        assert (status, problem["code"]) == (422, "invalid_input")
    assert shopper.phone.call("GET", "/orders")["orders"] == []


def test_a_phone_number_shows_up_in_no_log(shop: RunningShop, shopper: Shopper) -> None:
    mark = shop.log_mark()
    shopper.order(shop.shelf.sell())
    phone = "13712345678"
    address = {"recipient": "陈女士", "phone": phone, "region_code": "999", "province": "上海市"}
    assert shopper.phone.attempt("POST", "/addresses", address)[0] == 422
    text = "\n".join(shop.log_since(mark))
    assert "START " in text
    assert phone not in text
    assert "13900001111" not in text
    assert "王小明" not in text
    assert str(shopper.phone.token) not in text
