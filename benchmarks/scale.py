"""What an order costs beside 10^4, 10^5 and 10^6 others, and how fast expired ones are closed among them."""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import floor
from benchmarks.figures import Bench, Figure, Figures, of, ratio
from benchmarks.load import Load, per_second, rate, server_pid
from benchmarks.machine import cpu_seconds as server_cpu
from benchmarks.many_orders import Crowd
from benchmarks.shop import draft, home_address, load_products, log_in, new_member
from orchard.audit import invariants
from orchard.core.ids import random_text
from orchard.orders import service as orders
from orchard.payments import rules
from orchard.payments.service import prepay, receipts
from orchard.payments.store import payment as store
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import TimeLeft
from orchard.runtime.sessions import MemberSession
from orchard.workflows import close_order
from tests.support.calls import call

_BATCH = 100
Samples = dict[str, list[float]]


def run(bench: Bench) -> Figures:
    """Grow the tables by SQL, measure at each size; then let a tenth of the orders expire unpaid and close them."""
    db = bench.db
    levels = (10_000, 100_000, 1_000_000) if bench.full else (10_000, 100_000)
    skus = load_products(db)
    member = new_member(db)
    shopper = _Shopper(db, member, skus, home_address(db, member))
    crowd = Crowd(db, member, skus, shopper.address_id)
    measured = {}
    for level in levels:
        unpaid = level // 10 if level == levels[-1] else 0
        crowd.grow(level - unpaid)
        measured[level] = shopper.costs(60 if bench.full else 30)
    crowd.add_unpaid(levels[-1] // 10)
    return [*_growth(measured), *_closing(db, crowd, bench.full)]


class _Shopper:
    """Somebody with a few dozen orders of their own, among however many others."""

    def __init__(self, db: Connection, member: MemberSession, skus: list[int], address_id: int) -> None:
        self._db, self._member, self._skus, self.address_id = db, member, skus, address_id
        self._token = log_in(db, member)
        self._numbers: list[str] = []
        self._pid = server_pid()

    def costs(self, rounds: int) -> dict[str, Samples]:
        """Wall and CPU milliseconds (ours and the server's) of each act, taken in turns."""
        acts: dict[str, Callable[[], object]] = {
            "place": self._place, "list": self._list, "show": self._show, "pay": self._pay,
        }  # fmt: skip
        wall: Samples = {name: [] for name in acts}
        cpu: Samples = {name: [] for name in acts}
        for number in range(rounds + 5):
            for name, act in acts.items():
                began, used = time.perf_counter(), self._cpu()
                act()
                if number >= 5:
                    wall[name].append((time.perf_counter() - began) * 1000)
                    cpu[name].append((self._cpu() - used) * 1000)
        # The server's clock ticks too rarely for one act: the mean counts, not the median.
        return {"wall": wall, "cpu": {name: [statistics.mean(times)] for name, times in cpu.items()}}

    def _cpu(self) -> float:
        return time.process_time() + server_cpu(self._pid)

    def _get(self, function: str, path: str) -> None:
        _ok(call(function, "GET", path, token=self._token), 200)

    def _place(self) -> None:
        wanted = draft(self._db, self._member, random.sample(self._skus, 3), self.address_id).model_dump(mode="json")
        answer = call("orders/place_order", "POST", "/orders", token=self._token, body=wanted)
        _ok(answer, 201)
        self._numbers.append(answer.json["order_number"])

    def _list(self) -> None:
        self._get("orders/list_orders", "/orders")

    def _show(self) -> None:
        self._get("orders/show_order", f"/orders/{self._numbers[-1]}")

    def _pay(self) -> None:
        number = self._numbers[-1]
        self._db.run(lambda tx: _begin(tx, number))
        self._db.run(lambda tx: _book(tx, number))


def _ok(answer: Any, status: int) -> None:
    if answer.status != status:
        raise RuntimeError(answer.text)


def _begin(tx: Tx, number: str) -> None:
    order = orders.locked_order(tx, number)
    if order is not None:
        prepay.begin_prepay(tx, order, b"{}")


def _book(tx: Tx, number: str) -> None:
    """What a notification does once its signature has been checked."""
    order = orders.locked_order(tx, number)
    payment = None if order is None else store.payment_of(tx, order.id, lock=True)
    if order is None or payment is None:
        raise RuntimeError(f"no order {number} to pay")
    money = rules.PaidFacts("", "", number, random_text(28), payment.amount_fen, "CNY", "")
    if not receipts.already_received(tx, payment, money.transaction_id):
        receipts.record_effective(tx, order, payment, money, None, "NOTIFY")
        orders.record_payment(tx, order)


_KINDS = {"wall": "time", "cpu": "CPU of both sides"}
_ACTS = {"place": "quote and place", "list": "list my orders", "show": "show an order", "pay": "book a payment"}


def _growth(measured: dict[int, dict[str, Samples]]) -> Figures:
    figures: Figures = []
    first, last = min(measured), max(measured)
    for act, words in _ACTS.items():
        for level, samples in measured.items():
            figures.append(Figure(f"{words}, p50 among {level:,} orders", _p50(samples, "wall", act), "ms"))
        for kind in ("wall", "cpu"):
            grown = _p50(measured[last], kind, act) / _p50(measured[first], kind, act)
            figures.append(
                Figure(f"{words}, {kind} among {last:,} to {first:,}", round(grown, 2), "ratio").at_most(1.5)
            )
    return figures


def _p50(samples: dict[str, Samples], kind: str, act: str) -> float:
    return round(statistics.median(samples[kind][act]), 2)


def _closing(db: Connection, crowd: Crowd, full: bool) -> Figures:
    unpaid = crowd.total // 10
    floor.prepare(db)
    alone, together, lowest = [], [], []
    for _ in range(3):
        alone.append(_one_by_one(db, 500 if full else 200))
        together.append(_job(db, unpaid // 8))
        db.discard()
        lowest.append(rate(Load(floor.one_row, 1), 1.0))
    rest = _job(db, unpaid)
    broken = [str(one) for one in invariants.check(db.another(600), settled=False)]
    if broken:
        raise RuntimeError("; ".join(broken))
    return [
        Figure("expired unpaid orders, two lines each", unpaid),
        Figure("among so many orders", crowd.total),
        of("closed one order at a time", alone, "/s"),
        of(f"closed by the job, {_BATCH} at a time", together, "/s"),
        ratio("the job to one order at a time", together, alone),
        ratio("orders closed to rows of the durable floor, 1 connection", together, per_second(lowest)),
        Figure("closed by the job, all that were left in one run", round(rest), "/s"),
        Figure("broken invariants afterwards", len(broken)).at_most(0),
    ]


def _one_by_one(db: Connection, many: int) -> float:
    due = db.run(partial(orders.due_unpaid, limit=many))
    began = time.perf_counter()
    for order in due:
        close_order.close_order(db, order.order_number, "timeout")
    return many / (time.perf_counter() - began)


class _Pages(TimeLeft):
    """Time for so many more pages of the job."""

    def __init__(self, pages: int) -> None:
        super().__init__(None)
        self._pages = pages

    def __bool__(self) -> bool:
        self._pages -= 1
        return self._pages >= 0


def _job(db: Connection, many: int) -> float:
    began = time.perf_counter()
    counts = close_order.close_unpaid_orders(db, _Pages(max(1, many // _BATCH)))
    return counts.get("closed", 0) / (time.perf_counter() - began)
