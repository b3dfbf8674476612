"""Two group-buys over the public HTTP API: one is completed, one runs out of time and is refunded."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.demo.purchase import PurchaseFailedError, Say
from infra.demo.shop_client import ShopClient
from infra.local.wechat_sandbox.client import SandboxClient
from orchard.core.money import yuan

_PATIENCE_SECONDS = 30
# What the play cannot do as a shopper: let the time of a group pass, and start the jobs that follow.
LetPass = Callable[[int], None]
Fire = Callable[[str], Any]


@dataclass
class Friend:
    """A logged-in shopper and the order they have placed."""

    phone: ShopClient
    number: str = ""

    @property
    def state(self) -> str:
        """Their order's state."""
        return str(self.phone.call("GET", f"/orders/{self.number}")["state"])


class Party:
    """The play: shoppers at `api_url` who pay in the sandbox."""

    def __init__(self, api_url: str, sandbox_url: str, say: Say) -> None:
        self._api_url, self._wechat, self._say = api_url, SandboxClient(sandbox_url), say
        anybody = ShopClient(api_url)
        offered = [one for one in anybody.call("GET", "/group-buys")["activities"] if one["started"] and one["skus"]]
        if not offered:
            raise PurchaseFailedError("no group-buy is on offer")
        self._activity, self._sku = offered[0], offered[0]["skus"][0]
        self._store_id = anybody.call("GET", "/stores")["stores"][0]["store_id"]
        price, selling = yuan(self._sku["price_fen"]), yuan(self._sku["selling_price_fen"])
        say(f"  1. GET /group-buys: {self._activity['name']}, {self._sku['product_name']} ¥{price}, else ¥{selling}")

    def join(self, group_id: str | None) -> Friend:
        """Log in, open or join a group with an order, pay, wait until the shop knows. Raises PurchaseFailedError."""
        friend, openid = Friend(ShopClient(self._api_url)), str(self._wechat.create_shopper()["openid"])
        friend.phone.log_in(self._wechat.login_code(openid))
        wish = {
            "lines": [{"sku_id": self._sku["sku_id"], "quantity": 1}],
            "delivery": {"method": "pickup", "store_id": self._store_id},
            "group_buy": {"activity_id": self._activity["activity_id"], "group_id": group_id},
        }
        quote = friend.phone.call("POST", "/quotes", wish)
        placed = friend.phone.call("POST", "/orders", {**wish, "quote_digest": quote["digest"]})
        friend.number = str(placed["order_number"])
        parameters = friend.phone.call("POST", f"/orders/{friend.number}/pay")["parameters"]
        self._wechat.confirm_payment(parameters, openid=openid)
        wait(lambda: friend.state != "PENDING_PAY", f"{friend.number} to be paid")
        return friend

    def complete(self) -> None:
        """A leader opens a group, shares it, a friend joins, and both orders go on."""
        leader = self.join(None)
        group_id = _group(leader)
        card = leader.phone.call("GET", f"/groups/{group_id}")
        self._say(f"  2. POST /orders opens a group: {leader.state}, {card['seats_left']} seat left on the card")
        friend = self.join(group_id)
        _expect([leader, friend], "TO_SHIP")
        self._say("  3. a friend joins from the card and pays: the group is complete, both orders TO_SHIP")

    def fail(self, let_pass: LetPass, fire: Fire) -> None:
        """A leader waits in vain: the time passes, the sweep ends the group, the money comes back."""
        leader = self.join(None)
        group_id = _group(leader)
        let_pass(int(group_id))
        fire("settle_group_buys")
        _expect([leader], "REFUNDING")
        self._say(f"  4. another group finds nobody: its time passes, settle_group_buys makes it"
                  f" {leader.phone.call('GET', f'/groups/{group_id}')['state']}, the order REFUNDING")  # fmt: skip
        fire("relay_outbox")
        wait(lambda: leader.state == "REFUNDED", f"{leader.number} to be refunded")
        self._say("  5. the refund is sent by its worker, WeChat Pay tells of it: REFUNDED")


def play(api_url: str, sandbox_url: str, let_pass: LetPass, fire: Fire, *, say: Say = print) -> None:
    """One group completed, one failed and refunded. Raises PurchaseFailedError."""
    party = Party(api_url, sandbox_url, say)
    party.complete()
    party.fail(let_pass, fire)


def wait(condition: Callable[[], bool], what: str) -> None:
    """Wait for what happens by itself. Raises PurchaseFailedError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise PurchaseFailedError(f"waited {_PATIENCE_SECONDS} s for {what}")
        time.sleep(0.1)


def _group(friend: Friend) -> str:
    (mine,) = friend.phone.call("GET", "/my-groups")["groups"]
    return str(mine["group_id"])


def _expect(friends: list[Friend], state: str) -> None:
    for friend in friends:
        if friend.state != state:
            raise PurchaseFailedError(f"order {friend.number} is {friend.state}, not {state}")
