"""Placing orders of three lines: round trips, and throughput against the durable floor of the same run."""

import json
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import floor
from benchmarks.load import alternate
from infra.tools.import_catalogue import import_file
from orchard.members import service as members
from orchard.members.schemas import AddressDraft
from orchard.members.service import addresses
from orchard.orders.schemas.placing import OrderDraft, QuoteRequest
from orchard.orders.service import place, quote
from orchard.runtime import sessions
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.calls import call

Figures = dict[str, float | int | str]
_PRODUCTS = 10_000
_DRAFTS = 25
_STOCK = 10_000_000


def run(db: Connection) -> Figures:
    """Load 10,000 products that never sell out, then place orders through the handler and the service function."""
    started = time.perf_counter()
    load_products(db)
    imported = round(_PRODUCTS / (time.perf_counter() - started))
    member = new_member(db)
    skus = [row["id"] for row in db.run(lambda tx: tx.rows("SELECT id FROM sku WHERE code LIKE 'order-%%'", ()))]
    address_id = home_address(db, member)
    figures: Figures = {
        "catalogue import, plain products/s (10,000 of one SKU and one picture)": imported,
        "place order, 3 lines: SQL round trips, all": _round_trips(db, member, skus, address_id),
    }
    figures.update(_throughput(db, member, skus, address_id))
    return figures


def _records() -> Iterator[dict[str, Any]]:
    yield {"type": "category", "code": "order-fruit", "name": "水果"}
    for number in range(_PRODUCTS):
        yield {
            "type": "product", "code": f"order-{number}", "name": f"果品{number}", "category": "order-fruit",
            "pictures": ["https://pictures.example/1.jpg"],
            "skus": [{"code": f"order-{number}", "price_fen": 100 + number, "weight_grams": 500, "stock": _STOCK}],
        }  # fmt: skip


def load_products(db: Connection) -> None:
    """3,000 products that never sell out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.jsonl")
        path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in _records()), encoding="utf-8")
        import_file(db, path)


def new_member(db: Connection) -> MemberSession:
    """Somebody who never bought anything."""
    return MemberSession(db.run(lambda tx: members.join(tx, f"o{secrets.token_hex(13)}")), 0)


def home_address(db: Connection, member: MemberSession) -> int:
    """An address of theirs that express reaches."""
    draft = AddressDraft(
        recipient="王小明", phone="13900001111", region_code="310115", province="上海市", city="上海市",
        district="浦东新区", detail="世纪大道 100 号",
    )  # fmt: skip
    return db.run(lambda tx: addresses.add_address(tx, member, draft)).address_id


def _draft(db: Connection, member: MemberSession, skus: list[int], address_id: int) -> OrderDraft:
    """An order for three SKUs at today's prices."""
    body = {
        "lines": [{"sku_id": str(sku_id), "quantity": 1} for sku_id in random.sample(skus, 3)],
        "delivery": {"method": "express", "address_id": str(address_id)},
    }
    quoted = db.run(lambda tx: quote.quote_order(tx, member, QuoteRequest.model_validate(body)))
    return OrderDraft.model_validate({**body, "quote_digest": quoted.digest})


def _round_trips(db: Connection, member: MemberSession, skus: list[int], address_id: int) -> int:
    token = db.run(lambda tx: sessions.open_session(tx, member.member_id))
    counts = []
    for _ in range(3):
        body = _draft(db, member, skus, address_id).model_dump(mode="json")
        before = db.round_trips
        answer = call("orders/place_order", "POST", "/orders", token=token, body=body)
        counts.append(db.round_trips - before)
        if answer.status != 201:
            raise RuntimeError(answer.text)
    return counts[-1]


def _throughput(db: Connection, member: MemberSession, skus: list[int], address_id: int) -> Figures:
    floor.prepare(db)
    db.discard()

    def orders(own: Connection, number: int) -> Callable[[], None]:
        random.seed(number)
        drafts = [_draft(own, member, skus, address_id) for _ in range(_DRAFTS)]

        def order() -> None:
            own.run(lambda tx: place.place_order(tx, member, random.choice(drafts)))

        return order

    cases = {f"orders {n}": (orders, n) for n in (1, 8, 32)} | {f"floor {n}": (floor.one_row, n) for n in (1, 8, 32)}
    rates = alternate(cases)
    figures: Figures = {}
    for n in (1, 8, 32):
        figures[f"orders/s, {n} connections"] = round(rates[f"orders {n}"])
        figures[f"durable floor, rows/s, {n} connections"] = round(rates[f"floor {n}"])
        figures[f"orders to floor, {n} connections, ratio"] = round(rates[f"orders {n}"] / rates[f"floor {n}"], 3)
    return figures
