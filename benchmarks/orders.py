"""Placing orders of three lines: round trips, and throughput against the durable floor of the same run."""

import random
from collections.abc import Callable

from benchmarks import floor
from benchmarks.figures import Bench, Figure, Figures, of, ratio
from benchmarks.load import Load, Rate, Setup, alternate, per_second
from benchmarks.shop import draft, home_address, load_products, new_member, placed_round_trips
from orchard.orders.service import place
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession

_DRAFTS = 25
_CONNECTIONS = (1, 8, 32)
# What a function in the same region as its database waits for each packet.
FAR_SECONDS = 0.0005


def run(bench: Bench) -> Figures:
    """Load 10,000 products that never sell out, then place orders through the handler and the service function."""
    db = bench.db
    skus = load_products(db)
    member = new_member(db)
    address_id = home_address(db, member)
    figures = [Figure("place order, 3 lines: SQL round trips, all", placed_round_trips(db, member, skus, address_id))]
    floor.prepare(db)
    db.discard()
    orders = placing(member, skus, address_id)
    cases = {f"orders {n}": Load(orders, n) for n in _CONNECTIONS}
    cases |= {f"floor {n}": Load(floor.one_row, n) for n in _CONNECTIONS}
    cases |= {"orders far": Load(orders, 32, FAR_SECONDS), "floor far": Load(floor.one_row, 32, FAR_SECONDS)}
    rounds, seconds = (5, 3.0) if bench.full else (3, 1.5)
    return figures + _figures(alternate(cases, rounds, seconds))


def _figures(rates: dict[str, list[Rate]]) -> Figures:
    figures = []
    for key, words in [
        *((str(n), f"{n} connection{'s' * (n > 1)}") for n in _CONNECTIONS),
        ("far", "32 connections 0.5 ms away"),
    ]:
        orders, lowest = rates[f"orders {key}"], rates[f"floor {key}"]
        figures += [
            of(f"orders, {words}", per_second(orders), "/s"),
            of(f"durable floor, {words}", per_second(lowest), "/s"),
            ratio(f"orders to floor, {words}", per_second(orders), per_second(lowest)),
            ratio(f"orders to floor by CPU of both sides, {words}", _cpu(lowest), _cpu(orders)),
            of(f"place order p50, {words}", [one.p50_ms for one in orders], "ms"),
            of(f"place order p99, {words}", [one.p99_ms for one in orders], "ms"),
        ]
    alone = rates["orders 1"]
    share = [one.client_cpu_ms * one.per_second / 1000 for one in alone]
    return [
        *figures,
        of("place order, 1 connection: client's CPU", [one.client_cpu_ms for one in alone], "ms"),
        of("place order, 1 connection: server's CPU", [one.server_cpu_ms for one in alone], "ms"),
        of("place order, 1 connection: share of the time that the client computes", share, "ratio"),
    ]


def _cpu(rates: list[Rate]) -> list[float]:
    return [one.client_cpu_ms + one.server_cpu_ms for one in rates]


def placing(member: MemberSession, skus: list[int], address_id: int) -> Setup:
    """What each connection repeats: one of its own 25 drafts of three random SKUs, placed."""

    def setup(own: Connection, number: int) -> Callable[[], None]:
        random.seed(number)
        drafts = [draft(own, member, random.sample(skus, 3), address_id) for _ in range(_DRAFTS)]

        def order() -> None:
            own.run(lambda tx: place.place_order(tx, member, random.choice(drafts)))

        return order

    return setup
