"""Group-buy: what the activity's price costs a quote of one line, and the round trips of a seat."""

from datetime import timedelta
from typing import Any

from benchmarks import quotes
from benchmarks.figures import Bench, Figure, Figures
from benchmarks.shop import home_address, load_products, new_member
from orchard.core import clock
from orchard.group_buy.schemas import ActivityDraft
from orchard.group_buy.service import activities
from orchard.orders import service as orders
from orchard.orders.schemas.placing import QuoteRequest
from orchard.orders.service import quote
from orchard.runtime import sessions
from orchard.runtime.database import Connection, Tx
from orchard.runtime.sessions import MemberSession
from tests.support.calls import call

_ROUNDS = 200
_SIZE = 3


def run(bench: Bench) -> Figures:
    """A group of three is opened, paid for and joined; in between, quotes with and without the activity in turn."""
    db = bench.db
    load_products(db, 100)
    sku = db.run(lambda tx: tx.rows("SELECT id, price_fen FROM sku ORDER BY id LIMIT 1"))[0]
    choice = {"activity_id": str(_offer(db, sku["id"], sku["price_fen"] // 2))}
    opening, number = _placing(db, sku["id"], choice)
    paying = _paying(db, number)
    group = db.run(lambda tx: tx.rows("SELECT id FROM group_buy_group"))[0]
    join = {**choice, "group_id": str(group["id"])}
    return [
        *_quotes(db, sku["id"], join),
        Figure("open a group: SQL round trips, all", opening),
        Figure("join a group: SQL round trips, all", _placing(db, sku["id"], join)[0]),
        Figure("record a leader's payment: SQL round trips", paying),
        Figure("record the payment that completes a group: SQL round trips", _completing(db, sku["id"], join)),
    ]


def _offer(db: Connection, sku_id: int, price_fen: int) -> int:
    now = clock.utc_now()
    draft = ActivityDraft(
        name="团", size=_SIZE, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=1),
        skus=[{"sku_id": str(sku_id), "price_fen": price_fen, "quota": 10**6}],
    )  # fmt: skip
    activity_id = db.run(lambda tx: activities.define_activity(tx, draft)).activity_id
    db.run(lambda tx: activities.publish_activity(tx, activity_id))
    return activity_id


def _body(sku_id: int, address_id: int | None = None, **more: Any) -> dict[str, Any]:
    lines = [{"sku_id": str(sku_id), "quantity": 1}]
    home = {} if address_id is None else {"address_id": str(address_id)}
    return {"lines": lines, "delivery": {"method": "express", **home}, **more}


def _quotes(db: Connection, sku_id: int, join: dict[str, str]) -> Figures:
    member = new_member(db)
    plain = QuoteRequest.model_validate(_body(sku_id))
    request = QuoteRequest.model_validate(_body(sku_id, group_buy=join))
    with_group, without = quotes.cpu_ms(db, member, request, plain, _ROUNDS)
    return [
        Figure("quote, 1 line that joins a group: SQL queries", quotes.queries(db, member, request)),
        Figure("quote, 1 line that joins a group: CPU", round(with_group, 2), "ms"),
        Figure("quote, 1 line, no campaigns: CPU", round(without, 2), "ms"),
        Figure("quote with group-buy to the same without campaigns", round(with_group / without, 2), "ratio"),
    ]


def _placing(db: Connection, sku_id: int, choice: dict[str, str]) -> tuple[int, str]:
    """A new member's order through the handler: round trips, and its number."""
    member = new_member(db)
    token = db.run(lambda tx: sessions.open_session(tx, member.member_id))
    body = _body(sku_id, home_address(db, member), group_buy=choice)
    digest = _digest(db, member, body)
    before = db.round_trips
    answer = call("orders/place_order", "POST", "/orders", token=token, body={**body, "quote_digest": digest})
    if answer.status != 201:
        raise RuntimeError(answer.text)
    return db.round_trips - before, str(answer.json["order_number"])


def _digest(db: Connection, member: MemberSession, body: dict[str, Any]) -> str:
    request = QuoteRequest.model_validate(body)
    return db.run(lambda tx: quote.quote_order(tx, member, request)).digest


def _paying(db: Connection, number: str) -> int:
    """Round trips from the order's lock to the commit, without the payment's own books."""
    before = db.round_trips
    db.run(lambda tx: _record(tx, number))
    return db.round_trips - before


def _record(tx: Tx, number: str) -> None:
    order = orders.locked_order(tx, number)
    if order is None:
        raise RuntimeError(f"no order {number}")
    orders.record_payment(tx, order)


def _completing(db: Connection, sku_id: int, join: dict[str, str]) -> int:
    """One seat was reserved before: pay for another, then for it."""
    _paying(db, _placing(db, sku_id, join)[1])
    waiting = db.run(lambda tx: tx.rows("SELECT order_number FROM group_buy_member WHERE state = 'RESERVED'"))
    return _paying(db, waiting[0]["order_number"])
