"""Everybody buys the same SKU: our order against one that locks first, and against one that locks nothing."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from benchmarks.figures import Bench, Figures, of, ratio
from benchmarks.load import Load, Rate, Setup, alternate, per_second
from benchmarks.orders import FAR_SECONDS
from benchmarks.shop import draft, home_address, load_products, new_member
from orchard.orders.service import place
from orchard.runtime.database import Connection, Result, Statement, Tx
from orchard.runtime.sessions import MemberSession

_CONNECTIONS = 32


class LockFirst(Tx):
    """The form to be beaten: SELECT FOR UPDATE on the stock row, then one round trip for each statement."""

    hot: ClassVar[int] = 0

    def packet(self, statements: Sequence[Statement]) -> list[Result]:
        """The same statements; reads go together as before, so that only the writing differs."""
        if not any(_is_stock(statement) for statement in statements):
            return super().packet(statements)
        super().packet([Statement("SELECT on_hand FROM stock WHERE sku_id = %s FOR UPDATE", (self.hot,))])
        return [super(LockFirst, self).packet([statement])[0] for statement in statements]


class LockFree(Tx):
    """The ceiling: the same order without its stock row."""

    def packet(self, statements: Sequence[Statement]) -> list[Result]:
        """Everything but the UPDATE of the stock."""
        return super().packet([statement for statement in statements if not _is_stock(statement)])


def _is_stock(statement: Statement) -> bool:
    return statement.sql.startswith("UPDATE stock ")


def run(bench: Bench) -> Figures:
    """32 connections on one SKU, near the database and 0.5 ms away from it."""
    db = bench.db
    hot = load_products(db, 10)[0]
    LockFirst.hot = hot
    member = new_member(db)
    orders = _buying(member, hot, home_address(db, member))
    db.discard()
    kinds: dict[str, type[Tx]] = {"ours": Tx, "lock first": LockFirst, "lock free": LockFree}
    places = {"near": 0.0, "0.5 ms away": FAR_SECONDS}
    cases = {
        f"{kind}, {where}": Load(orders, _CONNECTIONS, distance, transactions)
        for where, distance in places.items()
        for kind, transactions in kinds.items()
    }
    rounds, seconds = (5, 3.0) if bench.full else (3, 1.5)
    rates = alternate(cases, rounds, seconds)
    return [figure for where in places for figure in _figures(where, rates)]


def _figures(where: str, rates: dict[str, list[Rate]]) -> Figures:
    ours, first, free = (rates[f"{kind}, {where}"] for kind in ("ours", "lock first", "lock free"))
    to_first = ratio(f"to SELECT FOR UPDATE first, {where}", per_second(ours), per_second(first))
    to_free = ratio(f"to the same order without its stock row, {where}", per_second(ours), per_second(free))
    far = where != "near"
    return [
        of(f"orders of one SKU, {_CONNECTIONS} connections, {where}", per_second(ours), "/s"),
        of(f"order of one SKU p99, {where}", [one.p99_ms for one in ours], "ms"),
        to_first.at_least(6) if far else to_first,
        to_free.at_least(0.5) if far else to_free,
    ]


def _buying(member: MemberSession, sku_id: int, address_id: int) -> Setup:
    def setup(own: Connection, number: int) -> Callable[[], None]:
        wanted = draft(own, member, [sku_id], address_id)

        def order() -> None:
            own.run(lambda tx: place.place_order(tx, member, wanted))

        return order

    return setup
