"""The page and the command line through which a human acts as the shopper's WeChat."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import urllib3

from infra.local.wechat_sandbox import shopper
from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import OPENID, Merchant

HTTP = urllib3.PoolManager(retries=False, timeout=5)


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def page(sandbox: SandboxServer) -> str:
    """Fetch the page."""
    answer = HTTP.request("GET", f"{sandbox.url}/sandbox/")
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return answer.data.decode()


def submit(sandbox: SandboxServer, path: str, **fields: str) -> urllib3.BaseHTTPResponse:
    """Send a form."""
    url = f"{sandbox.url}/sandbox/page/{path}"
    return HTTP.request("POST", url, fields=fields, encode_multipart=False, redirect=False)


def test_the_page_shows_and_pays(merchant: Merchant) -> None:
    sandbox = merchant.sandbox
    prepay_id = merchant.prepay()[1]["prepay_id"]
    text = page(sandbox)
    assert "红富士苹果 5斤" in text
    assert "¥9.90" in text
    assert {a.get("value") for tag, a in Tags(text).seen if tag == "button" and "value" in a} == {
        "confirm", "cancel", "walk_away",
    }  # fmt: skip
    assert submit(sandbox, "payment", action="cancel", prepay_id=prepay_id).status == 303
    assert "已取消 cancelled" in page(sandbox)
    assert submit(sandbox, "payment", action="walk_away", prepay_id=prepay_id).status == 303
    assert submit(sandbox, "payment", action="confirm", prepay_id=prepay_id).status == 303
    assert merchant.query()[1]["trade_state"] == "SUCCESS"
    again = submit(sandbox, "payment", action="confirm", prepay_id=prepay_id)
    assert (again.status, "paid or closed" in again.data.decode()) == (400, True)
    assert submit(sandbox, "deliver").status == 303
    assert "#1 genuine: 204" in page(sandbox)


def test_everything_is_escaped(merchant: Merchant) -> None:
    merchant.sandbox.client.create_shopper(openid=OPENID)
    evil = "<script>alert(1)</script>\"'&"
    merchant.raw("POST", "/v3/pay/transactions/jsapi", merchant.body(description=evil))
    answer = submit(merchant.sandbox, "payment", action="<img src=x>", prepay_id="<img src=x>")
    for text in (page(merchant.sandbox), answer.data.decode()):
        assert not {tag for tag, _ in Tags(text).seen} & {"script", "img"}
    assert "&lt;script&gt;" in page(merchant.sandbox)


def test_the_clock_moves_from_the_page(sandbox: SandboxServer) -> None:
    before = sandbox.client.call("GET", "clock")["now"][:10]
    assert submit(sandbox, "clock", seconds="172800").status == 303
    assert sandbox.client.call("GET", "clock")["now"][:10] > before
    assert submit(sandbox, "clock", seconds="-1").status == 400
    assert submit(sandbox, "clock", seconds="soon").status == 400


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_other_sites_control_nothing(merchant: Merchant, headers: dict[str, str]) -> None:
    prepay_id = merchant.prepay()[1]["prepay_id"]
    url = f"{merchant.sandbox.url}/sandbox/"
    body = {"action": "confirm", "prepay_id": prepay_id}
    assert HTTP.request("POST", url + "payments", json=body, headers=headers).status == 403
    answer = HTTP.request_encode_body(
        "POST", url + "page/payment", fields=body, encode_multipart=False, headers=headers
    )
    assert answer.status == 403
    assert merchant.query()[1]["trade_state"] == "NOTPAY"


def test_a_form_cannot_speak_to_the_control_api(merchant: Merchant) -> None:
    prepay_id = merchant.prepay()[1]["prepay_id"]
    text = f'{{"action":"confirm","prepay_id":"{prepay_id}"}}'
    url = f"{merchant.sandbox.url}/sandbox/payments"
    assert HTTP.request("POST", url, body=text, headers={"Content-Type": "text/plain"}).status == 400
    assert merchant.query()[1]["trade_state"] == "NOTPAY"


def test_command_line(merchant: Merchant, capsys: pytest.CaptureFixture[str]) -> None:
    url = merchant.sandbox.url
    assert shopper.main(["--url", url, "confirm"]) == 1
    prepay_id = merchant.prepay()[1]["prepay_id"]
    assert shopper.main(["--url", url, "pending"]) == 0
    assert capsys.readouterr().out == f"{prepay_id}\t¥9.90\tORDER-1\t红富士苹果 5斤\n"
    assert shopper.main(["--url", url, "cancel", prepay_id]) == 0
    assert shopper.main(["--url", url, "walk-away"]) == 0
    assert shopper.main(["--url", url, "confirm"]) == 0
    assert capsys.readouterr().out.endswith("requestPayment:ok\n")
    assert merchant.query()[1]["trade_state"] == "SUCCESS"
    assert shopper.main(["--url", url, "confirm", prepay_id]) == 1
    assert shopper.main(["--url", "http://127.0.0.1:9", "pending"]) == 1
