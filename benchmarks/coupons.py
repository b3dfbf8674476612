"""Coupons: what twenty of them cost a quote of a hundred lines, and how fast one template can be claimed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks import floor, quotes
from benchmarks.figures import Bench, Figure, Figures, of, ratio
from benchmarks.load import Load, alternate, per_second
from benchmarks.shop import load_products, new_member
from orchard.core import clock
from orchard.core.ids import new_id
from orchard.coupons.schemas import TemplateDraft
from orchard.coupons.service import claiming, templates
from orchard.orders.schemas.placing import QuoteRequest
from orchard.orders.service import ever_paid_statement
from orchard.runtime import sessions
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.calls import call

_LINES, _COUPONS, _ROUNDS = 100, 20, 40
_CONNECTIONS = 32
_OFFERS = 100_000_000


def run(bench: Bench) -> Figures:
    """Quotes with and without coupons in turn, then claims against the floor of the same run."""
    db = bench.db
    skus = sorted(load_products(db, 1000))[:_LINES]
    member = new_member(db)
    small = quotes.queries(db, member, _request(skus[:1]))
    for number in range(_COUPONS):
        template_id = _offer(db, **_TERMS[number % len(_TERMS)])
        _claim(db, member.member_id, template_id)
    many = quotes.queries(db, member, _request(skus))
    return [
        Figure("quote, 1 line, empty wallet: SQL queries", small),
        Figure(f"quote, {_LINES} lines, {_COUPONS} coupons: SQL queries", many).at_most(small),
        *_quotes(db, member, _request(skus)),
        Figure("claim: SQL round trips, all", _round_trips(db, member)),
        *_throughput(db),
    ]


_TERMS: tuple[dict[str, Any], ...] = (
    {"kind": "AMOUNT", "amount_fen": 500},
    {"kind": "AMOUNT", "amount_fen": 3000, "threshold_fen": 10_000},
    {"kind": "PERCENT", "percent_off": 12, "cap_fen": 8000},
    {"kind": "AMOUNT", "amount_fen": 200, "budget_fen": 10**8},
    {"kind": "AMOUNT", "amount_fen": 9000, "threshold_fen": 10**9},
)


def _offer(db: Connection, **fields: Any) -> int:
    now = clock.utc_now()
    window = {"claim_from": now - timedelta(hours=1), "claim_until": now + timedelta(days=1), "valid_days": 7}
    draft = TemplateDraft(**{"name": "券", "channel": "CENTRE", "kind": "AMOUNT", **window, **fields})
    template_id = db.run(lambda tx: templates.define_template(tx, draft)).template_id
    db.run(lambda tx: templates.publish_template(tx, template_id))
    return template_id


def _claim(db: Connection, member_id: int, template_id: int) -> None:
    paid = ever_paid_statement(member_id)
    db.run(lambda tx: claiming.claim_coupon(tx, member_id, template_id, paid))


def _request(skus: list[int]) -> QuoteRequest:
    lines = [{"sku_id": str(sku_id), "quantity": 1} for sku_id in skus]
    return QuoteRequest.model_validate({"lines": lines, "delivery": {"method": "express"}})


def _quotes(db: Connection, member: MemberSession, request: QuoteRequest) -> Figures:
    with_coupons, without = quotes.cpu_ms(db, member, request, request, _ROUNDS)
    return [
        Figure(f"quote, {_LINES} lines, {_COUPONS} coupons: CPU", round(with_coupons, 2), "ms"),
        Figure(f"quote, {_LINES} lines, no campaigns: CPU", round(without, 2), "ms"),
        Figure("quote with coupons to the same without campaigns", round(with_coupons / without, 2), "ratio"),
    ]


def _round_trips(db: Connection, member: MemberSession) -> int:
    token = db.run(lambda tx: sessions.open_session(tx, member.member_id))
    body = {"template_id": str(_offer(db, amount_fen=100))}
    before = db.round_trips
    answer = call("coupons/claim_coupon", "POST", "/coupons/claims", token=token, body=body)
    if answer.status != 201:
        raise RuntimeError(answer.text)
    return db.round_trips - before


def _throughput(db: Connection) -> Figures:
    """Claims by ever new members: all of one template, whose counter they share, and each connection of its own."""
    floor.prepare(db)
    shared = _offer(db, amount_fen=100, quota=_OFFERS)
    own = [_offer(db, amount_fen=100, quota=_OFFERS) for _ in range(_CONNECTIONS)]
    db.discard()

    def claims(of: Callable[[int], int]) -> Callable[[Connection, int], Callable[[], None]]:
        def setup(link: Connection, number: int) -> Callable[[], None]:
            return lambda: _claim(link, new_id(), of(number))

        return setup

    rates = alternate(
        {
            "shared": Load(claims(lambda _: shared), _CONNECTIONS),
            "own": Load(claims(lambda number: own[number]), _CONNECTIONS),
            "floor": Load(floor.one_row, _CONNECTIONS),
        },
        seconds=1.5,
    )
    shared_rate, own_rate, lowest = (per_second(rates[name]) for name in ("shared", "own", "floor"))
    return [
        of(f"claims of one template, {_CONNECTIONS} connections", shared_rate, "/s"),
        of(f"claims, a template each, {_CONNECTIONS} connections", own_rate, "/s"),
        of(f"durable floor, {_CONNECTIONS} connections", lowest, "/s"),
        ratio("claims of one template to floor", shared_rate, lowest),
        ratio("claims of a template each to floor", own_rate, lowest),
    ]
