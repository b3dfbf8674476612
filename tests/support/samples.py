"""Sample events made true: what an event names by field, such as `sku_id`, is replaced with something that exists."""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from infra.demo.shop_client import ShopClient
from infra.functions import ROOT, DeclaredFunction
from orchard.core.ids import new_id
from tests.support.scenario import RunningShop, Shopper

Event = dict[str, Any]


class Samples:
    """The sample events of a running shop in which something was bought, paid, grouped and refunded."""

    def __init__(self, shop: RunningShop, response_url: str) -> None:
        self._shop, self._response_url = shop, response_url
        self.goods = shop.shelf.sell(price_fen=1990, stock=1000)

    def event(self, function: DeclaredFunction) -> Event:
        """The function's own sample event, about things of this shop."""
        path = ROOT / "events" / f"{function.key}.json"
        event: Event = json.loads(path.read_text(encoding="utf-8"))
        if "routeKey" in event:
            return self._notified(event) if "wechatpay-signature" in event["headers"] else self._asked(function, event)
        for record in event.get("Records", []):
            content = {**json.loads(record["body"]), "id": str(new_id())}
            record["body"] = json.dumps(_Filler(self._shop, self.goods.sku_id).fill(content), ensure_ascii=False)
        if "ResponseURL" in event:
            event["ResponseURL"] = self._response_url
        return event

    def _asked(self, function: DeclaredFunction, event: Event) -> Event:
        filler = _Filler(self._shop, self.goods.sku_id, function.name)
        if "authorization" in event["headers"]:
            event["headers"]["authorization"] = f"Bearer {filler.shopper.phone.token}"
        if "idempotency-key" in event["headers"]:
            event["headers"]["idempotency-key"] = secrets.token_hex(16)
        parameters = event["pathParameters"] = filler.fill(event.get("pathParameters", {}))
        path = re.sub(r"\{(\w+)\}", lambda name: str(parameters[name[1]]), event["routeKey"].split(" ")[1])
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        if "body" in event:
            event["body"] = json.dumps(filler.fill(json.loads(event["body"])), ensure_ascii=False)
        return event

    def _notified(self, event: Event) -> Event:
        """What WeChat Pay tells of: a payment or a refund that the sandbox has in its books."""
        kind = json.loads(event["body"])["resource"]["original_type"]
        platform, ledger = self._shop.platform(), self._shop.wechat.ledger()
        refund = self._shop.rows("SELECT * FROM refund WHERE state = 'SUCCESS' ORDER BY id DESC LIMIT 1")[0]
        receipt = self._shop.rows("SELECT * FROM payment_receipt WHERE id = %s", refund["receipt_id"])[0]
        if kind == "transaction":
            notice = platform.told(ledger, refund["order_number"])
        else:
            content = platform.refund(refund, receipt["transaction_id"], receipt["amount_fen"], "SUCCESS")
            notice = platform.notice("refund", content)
        event["headers"] |= {name.lower(): value for name, value in notice.headers.items()}
        return {**event, "body": notice.body.decode()}


class _Filler:
    """Makes what one event names, each thing once and only when it is named."""

    def __init__(self, shop: RunningShop, sku_id: int, function: str = "") -> None:
        self._shop, self._sku_id, self._function = shop, str(sku_id), function
        self._shopper: Shopper | None = None
        self._makers: dict[str, Callable[[], str]] = {
            "activity_id": lambda: self._newest("group_buy_activity"),
            "address_id": self._address,
            "code": self._code,
            "group_id": lambda: self._newest("group_buy_group"),
            "line_id": self._line,
            "member_id": lambda: self._newest("member"),
            "order_number": self._order,
            "out_refund_no": lambda: self._newest("refund", "out_refund_no"),
            "product_id": lambda: self._newest("product"),
            "refund_id": lambda: self._newest("refund"),
            "sku_id": lambda: self._sku_id,
            "store_id": lambda: self._newest("store"),
            "template_id": lambda: str(self.phone.call("GET", "/coupons/claimable")["coupons"][0]["template_id"]),
        }

    @property
    def shopper(self) -> Shopper:
        """The event's own shopper."""
        self._shopper = self._shopper or self._shop.shopper()
        return self._shopper

    @property
    def phone(self) -> ShopClient:
        """The shopper's phone."""
        return self.shopper.phone

    def fill(self, value: Any) -> Any:
        """The value with every known field replaced; unknown ones stay as the sample has them."""
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, dict):
            return value
        filled = {name: self._field(name, item) for name, item in value.items()}
        if "quote_digest" in filled:
            wish = {name: item for name, item in filled.items() if name != "quote_digest"}
            filled["quote_digest"] = self.phone.call("POST", "/quotes", wish)["digest"]
        return filled

    def _field(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and name in self._makers:
            return self._makers[name]()
        if isinstance(value, list) and name.removesuffix("s") in self._makers:
            return [self._makers[name.removesuffix("s")]()]
        return self.fill(value)

    def _newest(self, table: str, column: str = "id") -> str:
        return str(self._shop.one(f"SELECT {column} FROM {table} ORDER BY id DESC LIMIT 1"))

    def _address(self) -> str:
        return self.shopper.address()

    def _line(self) -> str:
        return str(self.phone.call("POST", "/cart/lines", {"sku_id": self._sku_id, "quantity": 1})["line_id"])

    def _order(self) -> str:
        lines = [{"sku_id": self._sku_id, "quantity": 1}]
        wish = {"lines": lines, "delivery": {"method": "express", "address_id": self.shopper.address()}}
        return str(self.phone.call("POST", "/orders", self.shopper.agree(wish))["order_number"])

    def _code(self) -> str:
        """A code of the kind that the function takes; a coupon's stays invented."""
        make = self._shop.wechat.phone_code if "phone" in self._function else self._shop.wechat.login_code
        return make(self.shopper.openid)
