"""What a shop asks of its functions: calls for each order, runs of each job, and how long each takes."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from infra.functions import declared

# One paid order and the visits around it: out of twenty shoppers who look, one buys.
CALLS: Mapping[str, float] = {
    "members/log_in": 5, "catalog/list_categories": 6, "catalog/list_products": 20, "catalog/search_products": 8,
    "catalog/suggest_searches": 8, "catalog/show_product": 30, "coupons/list_claimable_coupons": 3,
    "coupons/claim_coupon": 0.5, "group_buy/list_group_buys": 2, "group_buy/show_group_buy": 2, "cart/cart_lines": 3,
    "cart/cart": 4, "members/addresses": 1.5, "stores/list_stores": 0.5, "orders/quote_order": 3,
    "orders/place_order": 1.2, "payments/pay_order": 1.1, "payments/pay_notify": 1, "payments/confirm_payment": 1,
    "orders/show_order": 3, "orders/list_orders": 2, "orders/cancel_order": 0.1,
}  # fmt: skip
# Messages that an order sends through the outbox to queues, and the workers that take them, ten at a time.
MESSAGES = 4.0
_WORKERS_PER_MESSAGE = 0.3
_MONTH_MINUTES = 30 * 24 * 60
_MINUTES = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}


class Times(NamedTuple):
    """Billed milliseconds of one function: a warm call, and the start of a new environment."""

    warm_ms: float
    start_ms: float
    measured: bool


class Durations:
    """Measured times of the functions, from a result file of `make bench`; the median function's where one is new."""

    def __init__(self, results: Path, slower: float) -> None:
        """`slower`: how many times longer everything takes there than it took here. Raises ValueError, OSError."""
        self.source, self._slower = results, slower
        parts = json.loads(results.read_text(encoding="utf-8"))["parts"]
        if "cold_start" not in parts:
            raise ValueError(f'{results} has no durations: make bench ARGS="cold_start"')
        figures = {figure["name"]: figure["value"] for figure in parts["cold_start"]["figures"]}
        self._warm = _named(figures, ": warm p50")
        self._start = _named(figures, ": cold start")
        self.memory_mb = max(_named(figures, ": memory").values(), default=0.0)

    def of(self, function: str) -> Times:
        """Of one function, as `capability/name`."""
        known = function in self._warm
        warm = self._warm[function] if known else statistics.median(self._warm.values())
        start = self._start[function] if known else statistics.median(self._start.values())
        return Times(warm * self._slower, start * self._slower, known)


def _named(figures: Mapping[str, float], ending: str) -> dict[str, float]:
    """By function; the handlers that functions are compared with have names of several words."""
    found = {name.removesuffix(ending): value for name, value in figures.items() if name.endswith(ending)}
    return {name: value for name, value in found.items() if " " not in name}


def workers() -> dict[str, float]:
    """Runs of queue workers for each order, spread over those that there are."""
    names = [function.key for function in declared() if function.events("SQS")]
    return {name: MESSAGES * _WORKERS_PER_MESSAGE / len(names) for name in names}


def jobs() -> dict[str, float]:
    """Runs of each scheduled function in a month of thirty days."""
    runs: dict[str, float] = {}
    for function in declared():
        for schedule in function.events("ScheduleV2"):
            runs[function.key] = runs.get(function.key, 0) + _runs(str(schedule["ScheduleExpression"]))
    return runs


def _runs(expression: str) -> float:
    if expression.startswith("rate("):
        number, unit = expression[5:-1].split()
        return _MONTH_MINUTES / (int(number) * _MINUTES[unit])
    # A cron line of ours names one time of the day.
    return 30
