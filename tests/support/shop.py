"""Goods to sell in tests, loaded the way a merchant loads them, and what shoppers do with them."""

import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.tools.import_catalogue import import_file
from orchard.inventory import service as inventory
from orchard.pricing import service as pricing
from orchard.pricing.models import NATIONAL, ChargeBy, FreightRate
from orchard.runtime.database import Connection
from orchard.stores.schemas import StoreDraft
from orchard.stores.service import directory as stores
from tests.support.calls import Answer, call

SHANGHAI_DISTRICT = "310115"
REMOTE_DISTRICT = "540102"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Goods:
    """One product with one SKU."""

    product_id: int
    sku_id: int
    name: str


@dataclass(frozen=True)
class Shopper:
    """A member with a live session."""

    member_id: int
    token: str


# The `shopper` fixture: each call makes one more.
Shoppers = Callable[[], Shopper]


@dataclass
class Shop:
    """A shop under test: its database and a folder for catalogue files."""

    db: Connection
    folder: Path

    def sell(self, *, price_fen: int = 1000, stock: int = 100, **fields: Any) -> Goods:
        """Put one product with one SKU on the shelf; further `fields` go into its catalogue record."""
        return self.sell_many([{"price_fen": price_fen, "stock": stock, **fields}])[0]

    def sell_many(self, wanted: list[dict[str, Any]]) -> list[Goods]:
        """Load several products at once."""
        records = [_product(next(_numbers), dict(fields)) for fields in wanted]
        self.load([{"type": "category", "code": "fruit", "name": "水果"}, *records])
        return [self.goods(record["code"], record["name"]) for record in records]

    def load(self, records: list[dict[str, Any]]) -> None:
        """Import catalogue records."""
        path = self.folder / f"{secrets.token_hex(6)}.jsonl"
        path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
        import_file(self.db, path)

    def goods(self, code: str, name: str) -> Goods:
        """The product of a code, with its first SKU."""
        row = self.db.run(
            lambda tx: tx.row(
                "SELECT p.id AS product_id, s.id AS sku_id FROM product p JOIN sku s ON s.product_id = p.id"
                " WHERE p.code = %s ORDER BY s.position LIMIT 1",
                (code,),
            )
        )
        assert row is not None
        return Goods(row["product_id"], row["sku_id"], name)

    def charge_freight(self, fee_fen: int, *, excluded: tuple[str, ...] = ()) -> None:
        """Make the shop's default freight `fee_fen` per order, whatever its weight."""
        rate = FreightRate(first_units=1_000_000, first_fee_fen=fee_fen, step_units=1, step_fee_fen=0)
        template_id = self.db.run(
            lambda tx: pricing.define_freight_template(
                tx, name="普通快递", charge_by=ChargeBy.WEIGHT, rates={NATIONAL: rate}, excluded=excluded
            )
        )
        self.db.run(lambda tx: pricing.set_freight_policy(tx, default_template_id=template_id))

    def open_store(self, **fields: Any) -> int:
        """Open a store that offers pickup and local delivery in Pudong."""
        draft: dict[str, Any] = {
            "code": f"S{next(_numbers)}", "name": "世纪大道店", "region_code": SHANGHAI_DISTRICT,
            "phone": "021-50000000", "address": "世纪大道 8 号", "latitude": 31.23, "longitude": 121.5,
            "supports_pickup": True, "supports_local_delivery": True, "local_delivery_fee_fen": 500,
            "local_delivery_minimum_fen": 2000, "local_delivery_radius_metres": 5000, **fields,
        }  # fmt: skip
        return self.db.run(lambda tx: stores.define_store(tx, StoreDraft(**draft)))

    def available(self, goods: Goods) -> int:
        """Free units now."""
        return self.db.run(lambda tx: inventory.available(tx, [goods.sku_id]))[goods.sku_id]


def _product(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    sku = {
        "code": f"K{number}",
        "price_fen": fields.pop("price_fen"),
        "stock": fields.pop("stock"),
        "weight_grams": 500,
    }
    return {
        "type": "product",
        "code": f"P{number}",
        "name": f"果品{number}",
        "category": "fruit",
        "pictures": [f"https://img.example.com/{number}.jpg"],
        "skus": [{**sku, **fields.pop("sku", {})}],
        **fields,
    }


def add_address(token: str, *, region_code: str = SHANGHAI_DISTRICT, **fields: Any) -> str:
    """Give a shopper an address; its id."""
    body = {
        "recipient": "王小明", "phone": "13900001111", "region_code": region_code, "province": "上海市",
        "city": "上海市", "district": "浦东新区", "detail": "世纪大道 100 号", **fields,
    }  # fmt: skip
    answer = call("members/addresses", "POST", "/addresses", token=token, body=body)
    assert answer.status == 201, answer.text
    return str(answer.json["address_id"])


def wish(goods: Goods, quantity: int = 1, **delivery: Any) -> dict[str, Any]:
    """A quote's body for one line."""
    return {"lines": [{"sku_id": str(goods.sku_id), "quantity": quantity}], "delivery": delivery}


def quote(token: str, body: dict[str, Any]) -> Answer:
    """Ask for a quote."""
    return call("orders/quote_order", "POST", "/quotes", token=token, body=body, key=None)


def place(token: str, body: dict[str, Any], *, key: str | None = "auto", **more: Any) -> Answer:
    """Quote and place at once, agreeing to whatever the quote says."""
    digest = quote(token, body).json["digest"]
    return call(
        "orders/place_order", "POST", "/orders", token=token, key=key, body={**body, "quote_digest": digest, **more}
    )
