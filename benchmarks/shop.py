"""A shop for benchmarks: goods that never sell out, a member with an address, drafts of orders."""

import json
import random
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.tools.import_catalogue import import_file
from orchard.members import service as members
from orchard.members.schemas import AddressDraft
from orchard.members.service import addresses
from orchard.orders.schemas.placing import OrderDraft, QuoteRequest
from orchard.orders.service import quote
from orchard.runtime import sessions
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.calls import call

PRODUCTS = 10_000
_STOCK = 10_000_000


def _records(products: int) -> Iterator[dict[str, Any]]:
    yield {"type": "category", "code": "order-fruit", "name": "水果"}
    for number in range(products):
        yield {
            "type": "product", "code": f"order-{number}", "name": f"果品{number}", "category": "order-fruit",
            "pictures": ["https://pictures.example/1.jpg"],
            "skus": [{"code": f"order-{number}", "price_fen": 100 + number, "weight_grams": 500, "stock": _STOCK}],
        }  # fmt: skip


def load_products(db: Connection, products: int = PRODUCTS) -> list[int]:
    """Products of one SKU and one picture that never sell out; their SKU ids."""
    load_records(db, _records(products))
    return [row["id"] for row in db.run(lambda tx: tx.rows("SELECT id FROM sku WHERE code LIKE 'order-%%'", ()))]


def load_records(db: Connection, records: Iterator[dict[str, Any]]) -> None:
    """Import catalogue records the way a merchant does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "catalogue.jsonl")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        import_file(db, path)


def new_member(db: Connection) -> MemberSession:
    """Somebody who never bought anything."""
    return MemberSession(db.run(lambda tx: members.join(tx, f"o{secrets.token_hex(13)}")), 0)


def log_in(db: Connection, member: MemberSession) -> str:
    """A session's token."""
    return db.run(lambda tx: sessions.open_session(tx, member.member_id))


def home_address(db: Connection, member: MemberSession) -> int:
    """An address of theirs that express reaches."""
    wanted = AddressDraft(
        recipient="王小明", phone="13900001111", region_code="310115", province="上海市", city="上海市",
        district="浦东新区", detail="世纪大道 100 号",
    )  # fmt: skip
    return db.run(lambda tx: addresses.add_address(tx, member, wanted)).address_id


def draft(db: Connection, member: MemberSession, skus: Sequence[int], address_id: int) -> OrderDraft:
    """An order for one unit of each SKU at today's prices."""
    body = {
        "lines": [{"sku_id": str(sku_id), "quantity": 1} for sku_id in skus],
        "delivery": {"method": "express", "address_id": str(address_id)},
    }
    quoted = db.run(lambda tx: quote.quote_order(tx, member, QuoteRequest.model_validate(body)))
    return OrderDraft.model_validate({**body, "quote_digest": quoted.digest})


def placed_round_trips(db: Connection, member: MemberSession, skus: list[int], address_id: int) -> int:
    """Round trips of an order of three lines through the whole function, once everything is warm."""
    token = log_in(db, member)
    counts = []
    for _ in range(3):
        body = draft(db, member, random.sample(skus, 3), address_id).model_dump(mode="json")
        before = db.round_trips
        answer = call("orders/place_order", "POST", "/orders", token=token, body=body)
        counts.append(db.round_trips - before)
        if answer.status != 201:
            raise RuntimeError(answer.text)
    return counts[-1]
