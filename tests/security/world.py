"""A shop with one of everything in it, and requests that would succeed, made from the API document's schemas."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.runtime import sessions
from orchard.runtime.database import Connection
from tests.security.operations import Operation, Schema, document, resolved
from tests.support import calls, wechat
from tests.support import shop as shopping
from tests.support.coupons import Coupons
from tests.support.group_buys import GroupBuys
from tests.support.shop import SHANGHAI_DISTRICT, Shop
from tests.support.till import Buyer, Till

MISSING = "9000000000000000001"
# Ids that only their owner may know; the others name what everybody sees.
PRIVATE = {"address_id", "line_id", "line_ids", "order_number", "coupon_id"}


@dataclass
class Request:
    """One request, and what a test would change of it."""

    operation: Operation
    path: dict[str, str]
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    key: str | None = "auto"

    def send(self, token: str | None = None) -> calls.Answer:
        """Send it to its function."""
        return calls.call(
            self.operation.function, self.operation.method, self.operation.path.format(**self.path), token=token,
            key=self.key if self.operation.method == "POST" else None, body=self.body, query=self.query or None,
            headers=self.headers,
        )  # fmt: skip


class World:
    """The shop. Each kind of object is made once per owner, when a request first needs its id."""

    def __init__(self, db: Connection, folder: Path, sandbox: SandboxClient) -> None:
        self.db, self.sandbox = db, sandbox
        self.till = Till(db, Shop(db, folder), sandbox)
        self.coupons = Coupons(db)
        self.owner, self.stranger = self.till.buyer(), self.till.buyer()
        self._made: dict[tuple[int, str], str] = {}

    @cached_property
    def groups(self) -> GroupBuys:
        """Goods, a store, and group-buys on them."""
        return GroupBuys(self.till)

    def id_of(self, name: str, owner: Buyer) -> str:
        """The id of an object of this member's, or of the shop's. Fails for a name that nobody taught it."""
        makers: dict[str, Callable[[Buyer], str]] = {
            "sku_id": lambda _: str(self.groups.goods.sku_id),
            "product_id": lambda _: str(self.groups.goods.product_id),
            "store_id": lambda _: self.groups.store_id,
            "activity_id": lambda _: str(self.groups.offer()),
            "group_id": lambda _: str(self.groups.opened(int(self.id_of("activity_id", owner)))[0]),
            "template_id": lambda _: str(self.coupons.offer()),
            "address_id": lambda who: shopping.add_address(who.token),
            "line_id": self._line,
            "line_ids": self._line,
            "order_number": lambda who: self.till.order(who, 1, self.groups.goods),
            "coupon_id": lambda who: self.coupons.give(who.token),
        }
        assert name in makers, f"no way known to make its object: {name}"
        kept = (owner.member_id, name)
        if kept not in self._made:
            self._made[kept] = makers[name](owner)
        return self._made[kept]

    def _line(self, owner: Buyer) -> str:
        body = {"sku_id": self.id_of("sku_id", owner), "quantity": 1}
        answer = calls.call("cart/cart_lines", "POST", "/cart/lines", token=owner.token, body=body)
        return str(answer.json["line_id"])

    def further_session(self, member: Buyer) -> str:
        """A token of its own, for a request that may end the session."""
        return self.db.run(lambda tx: sessions.open_session(tx, member.member_id))

    def request(self, operation: Operation, owner: Buyer | None = None, *, whole: bool = False) -> Request:
        """A request that fits the document and names objects of the owner; `whole` fills in optional fields too."""
        owner = owner or self.owner
        path = {name: self.id_of(name, owner) for name in operation.in_path}
        body: Any = self._value(operation.body, "", owner, whole) if operation.body else None
        if operation.body and "quote_digest" in operation.body.get("required", []):
            body["quote_digest"] = self._digest(body, owner)
        needed = [one for one in operation.parameters if one.place == "query" and one.required]
        query = {one.name: self._value(one.schema, one.name, owner, whole) for one in needed}
        return Request(operation, path, body, query)

    def _digest(self, body: dict[str, Any], owner: Buyer) -> str:
        known = document()["components"]["schemas"]["QuoteRequest"]["properties"]
        wanted = {name: value for name, value in body.items() if name in known}
        answer = shopping.quote(owner.token, wanted)
        assert answer.status == 200, answer.text
        return str(answer.json["digest"])

    def _value(self, schema: Schema, name: str, owner: Buyer, whole: bool) -> Any:
        schema = resolved(schema)
        if name in _PLAIN:
            return _PLAIN[name]
        if name.endswith(("_id", "_number")):
            return self.id_of(name, owner)
        if schema.get("type") == "object":
            needed = schema["properties"] if whole else schema.get("required", [])
            chosen = [one for one in schema["properties"] if one in needed or one in _ALWAYS]
            return {one: self._value(schema["properties"][one], one, owner, whole) for one in chosen}
        if schema.get("type") == "array":
            if name in PRIVATE:
                return [self.id_of(name, owner)]
            return [self._value(schema["items"], name.removesuffix("s"), owner, whole)]
        return _made_up(schema, name)


# Where pickup is chosen, the store must be too; of selections and changes one of the ways.
_ALWAYS = {"store_id", "line_ids", "quantity"}
_PLAIN: dict[str, Any] = {
    "phone": "13900001111", "region_code": SHANGHAI_DISTRICT, "method": "pickup", "latitude": 31.2, "longitude": 121.4,
    "avatar_url": "https://img.example.com/a.png", "birthday": "1990-01-31", "all": False, "everywhere": False,
    "quote_digest": "0" * 64,
    # One or the other: the plain order stays a plain one.
    "coupon_id": None, "group_buy": None,
}  # fmt: skip


def _made_up(schema: Schema, name: str) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    assert "pattern" not in schema, f"no way known to make its field: {name}"
    made: dict[str, Any] = {"string": "果园", "integer": 1, "number": 1.5, "boolean": True}
    return made[schema["type"]]


@contextmanager
def built(db: Connection, folder: Path, platform: wechat.Platform) -> Iterator[World]:
    """A world beside a sandbox of its own."""
    with wechat.fresh_sandbox(platform) as sandbox:
        yield World(db, folder, sandbox)


def footprint(db: Connection, tables: list[str]) -> dict[str, Any]:
    """A checksum of each table: equal footprints, equal rows."""
    rows = db.run(lambda tx: tx.rows(f"CHECKSUM TABLE {', '.join(tables)} EXTENDED"))
    return {str(row["Table"]): row["Checksum"] for row in rows}
