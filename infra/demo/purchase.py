"""One whole purchase over the public HTTP API, step by step, as a newcomer may watch it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.demo.shop_client import ShopClient
from infra.local.wechat_sandbox.client import SandboxClient
from orchard.core.money import yuan

Say = Callable[[str], None]
_PAID_WITHIN_SECONDS = 30
_ADDRESS = {
    "recipient": "林小满",
    "phone": "13800138000",
    "region_code": "310115",
    "province": "上海市",
    "city": "上海市",
    "district": "浦东新区",
    "detail": "世纪大道 100 号 8 楼",
    "is_default": True,
}


class PurchaseFailedError(Exception):
    """A step did not give what it should; the text names it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was bought: the order as the shop shows it after payment."""

    order: dict[str, Any]

    def lines(self) -> list[str]:
        """The receipt as text, a line each."""
        head = [f"订单 {self.order['order_number']}  {self.order['state']}", "-" * 46]
        goods = [
            f"{line['product_name']} {line['sku_name']} × {line['quantity']}   ¥{yuan(line['gross_fen'])}"
            for line in self.order["lines"]
        ]
        sums = [
            f"商品 ¥{yuan(self.order['goods_fen'])}  优惠 -¥{yuan(self.order['discount_fen'])}"
            f"  运费 ¥{yuan(self.order['freight_fen'])}",
            f"实付 ¥{yuan(self.order['payable_fen'])}  支付时间 {self.order['paid_at']}",
        ]
        return [*head, *goods, "-" * 46, *sums]


def play(api_url: str, sandbox_url: str, *, words: str = "红富士苹果", say: Say = print) -> Receipt:
    """Log in, claim coupons, search, fill a cart, quote, place, pay, wait for WeChat's notification.

    Raises PurchaseFailedError.
    """
    phone, wechat = ShopClient(api_url), SandboxClient(sandbox_url)
    openid = _log_in(phone, wechat, say)
    _claim_coupons(phone, say)
    sku_id = _find(phone, words, say)
    number = _order(phone, sku_id, say)
    _pay(phone, wechat, number, openid, say)
    receipt = Receipt(_wait_until_paid(phone, number))
    _check_coupon_used(phone, receipt.order)
    for line in receipt.lines():
        say(f"      {line}")
    return receipt


def _log_in(phone: ShopClient, wechat: SandboxClient, say: Say) -> str:
    openid = str(wechat.create_shopper()["openid"])
    member = phone.log_in(wechat.login_code(openid))
    say(f"  1. wx.login → POST /log-in: member {member['profile']['member_id']}")
    return openid


def _claim_coupons(phone: ShopClient, say: Say) -> None:
    offers = [offer for offer in phone.call("GET", "/coupons/claimable")["coupons"] if offer["claimable"]]
    names = [phone.call("POST", "/coupons/claims", {"template_id": offer["template_id"]})["name"] for offer in offers]
    say(f"  2. GET /coupons/claimable, POST /coupons/claims: {', '.join(names)}")


def _check_coupon_used(phone: ShopClient, order: dict[str, Any]) -> None:
    taken = {entry["rule_id"] for entry in order["trace"] if entry["step"] == "coupon"}
    used = phone.call("GET", "/coupons", query={"state": "USED"})["coupons"]
    if not taken or {f"coupon:{coupon['coupon_id']}" for coupon in used} != taken:
        raise PurchaseFailedError("the order's coupon is not the one that was used")


def _find(phone: ShopClient, words: str, say: Say) -> str:
    found = phone.call("GET", "/products/search", query={"q": words})["products"]
    if not found:
        raise PurchaseFailedError(f"search for {words} found nothing")
    say(f"  3. GET /products/search?q={words}: {len(found)} products, first {found[0]['name']}")
    product = phone.call("GET", f"/products/{found[0]['product_id']}")
    for sku in product["skus"]:
        if sku["available"] >= 2:
            say(f"  4. GET /products/{product['product_id']}: {sku['name']} ¥{yuan(sku['price_fen'])},"
                f" {sku['available']} in stock")  # fmt: skip
            return str(sku["sku_id"])
    raise PurchaseFailedError(f"{product['name']} is sold out")


def _order(phone: ShopClient, sku_id: str, say: Say) -> str:
    phone.call("POST", "/cart/lines", {"sku_id": sku_id, "quantity": 2})
    cart = phone.call("GET", "/cart")
    say(f"  5. POST /cart/lines, GET /cart: {len(cart['lines'])} line(s), ¥{yuan(cart['totals']['payable_fen'])}")
    address = phone.call("POST", "/addresses", _ADDRESS)
    lines = [{"sku_id": line["sku_id"], "quantity": line["quantity"]} for line in cart["lines"]]
    wish = {"lines": lines, "delivery": {"method": "express", "address_id": address["address_id"]}}
    quote = _best_quote(phone, wish, say)
    placed = phone.call("POST", "/orders", {**wish, "quote_digest": quote["digest"], "from_cart": True})
    say(f"  7. POST /orders: {placed['order_number']}, pay before {placed['expires_at']}")
    return str(placed["order_number"])


def _best_quote(phone: ShopClient, wish: dict[str, Any], say: Say) -> dict[str, Any]:
    """The quote with the coupon that the shop proposes; `wish` names it from then on."""
    proposed = phone.call("POST", "/quotes", wish)["coupons"]
    if proposed["usable"]:
        best = proposed["usable"][0]
        wish["coupon_id"] = best["coupon_id"]
        say(f"  6. POST /quotes: the best coupon is {best['name']}, which saves ¥{yuan(best['saving_fen'])}")
    quote: dict[str, Any] = phone.call("POST", "/quotes", wish)
    say(f"     goods ¥{yuan(quote['goods_fen'])}, discount -¥{yuan(quote['discount_fen'])},"
        f" freight ¥{yuan(quote['freight_fen'])}, payable ¥{yuan(quote['payable_fen'])}")  # fmt: skip
    return quote


def _pay(phone: ShopClient, wechat: SandboxClient, number: str, openid: str, say: Say) -> None:
    parameters = phone.call("POST", f"/orders/{number}/pay")["parameters"]
    say(f"  8. POST /orders/…/pay: wx.requestPayment({parameters['package'][:24]}…, signType {parameters['signType']})")
    result = wechat.confirm_payment(parameters, openid=openid)
    if result["errMsg"] != "requestPayment:ok":
        raise PurchaseFailedError(f"WeChat refused: {result['errMsg']}")
    say("  9. the shopper confirms in WeChat; WeChat Pay posts its notification")


def _wait_until_paid(phone: ShopClient, number: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PAID_WITHIN_SECONDS
    while time.monotonic() < deadline:
        order: dict[str, Any] = phone.call("GET", f"/orders/{number}")
        if order["state"] not in {"PENDING_PAY", "CLOSED"}:
            return order
        time.sleep(0.2)
    raise PurchaseFailedError(f"no notification arrived for {number} within {_PAID_WITHIN_SECONDS} s")
