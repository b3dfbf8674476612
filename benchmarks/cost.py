"""What the shop costs a month, from measured durations: `python -m benchmarks.cost --orders-per-day 2000`.

Variable cost grows with orders, fixed cost is there without any. Free tiers are left out.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks import prices as price_lists
from benchmarks.prices import Prices
from benchmarks.report import RESULTS
from benchmarks.usage import CALLS, MESSAGES, Durations, jobs, workers

_DAYS, _HOURS = 30, 720
_MILLION = 1_000_000
# What the platform's sizes are, where no measurement says: kilobytes a call logs and answers, rows an order leaves.
_LOG_KB, _ANSWER_KB, _ORDER_KB, _IO_PER_ORDER = 0.6, 6.0, 14.0, 60.0
_SECRETS, _ALARMS, _METRICS, _ZONES = 6, 30, 40, 2


class Shop(NamedTuple):
    """How the shop is built: sizes that are choices."""

    memory_mb: int
    cold_share: float
    acu: float
    idle_acu: float
    busy_hours: float
    nat_gateways: int
    proxy: bool


Lines = dict[str, float]


def variable(prices: Prices, durations: Durations, shop: Shop) -> Lines:
    """Cost of a million orders."""
    http = sum(CALLS.values())
    runs = {**CALLS, **{name: CALLS.get(name, 0) + many for name, many in workers().items()}}
    calls = sum(runs.values())
    return {
        "HTTP API": http * prices.http_million_requests,
        "functions: requests": calls * prices.function_million_requests,
        "functions: duration": _compute(prices, durations, shop, runs, cold=0.0) * _MILLION,
        "functions: billed starts": _starts(prices, durations, shop, runs) * _MILLION,
        # Each message is sent, received and deleted; receiving takes ten at once.
        "queues": MESSAGES * 2.2 * prices.queue_million_requests,
        "logs": calls * _LOG_KB * prices.log_gb,
        "answers to the internet": http * _ANSWER_KB * prices.out_gb,
        "database: input and output": _IO_PER_ORDER * prices.io_million,
        "database: storage, for the first month": _ORDER_KB * prices.storage_gb_month,
    }


def fixed(prices: Prices, durations: Durations, shop: Shop) -> Lines:
    """Cost of a month without a single order."""
    runs = jobs()
    idle_hours = _HOURS - shop.busy_hours * _DAYS
    return {
        "database: capacity": (shop.acu * shop.busy_hours * _DAYS + shop.idle_acu * idle_hours) * prices.acu_hour,
        "database: proxy": max(8.0, shop.acu) * _HOURS * prices.proxy_acu_hour if shop.proxy else 0.0,
        "NAT gateways": shop.nat_gateways * _HOURS * prices.nat_hour,
        "scheduled jobs": _compute(prices, durations, shop, runs, cold=0.0)
        + sum(runs.values()) * (prices.function_million_requests + prices.schedule_million_invocations) / _MILLION,
        "logs of jobs": sum(runs.values()) * _LOG_KB / _MILLION * prices.log_gb,
        "alarms and metrics": _ALARMS * prices.alarm_month + _METRICS * prices.metric_month,
        "secrets": _SECRETS * prices.secret_month,
    }


def _compute(prices: Prices, durations: Durations, shop: Shop, runs: Mapping[str, float], cold: float) -> float:
    seconds = sum(
        many * (durations.of(name).warm_ms + cold * durations.of(name).start_ms) / 1000 for name, many in runs.items()
    )
    return seconds * shop.memory_mb / 1024 * prices.function_gb_second


def _starts(prices: Prices, durations: Durations, shop: Shop, runs: Mapping[str, float]) -> float:
    with_starts = _compute(prices, durations, shop, runs, cold=shop.cold_share)
    return with_starts - _compute(prices, durations, shop, runs, cold=0.0)


def page(prices: Prices, durations: Durations, shop: Shop, orders_per_day: float) -> str:
    """The whole sum, as text."""
    per_million, per_month = variable(prices, durations, shop), fixed(prices, durations, shop)
    share = orders_per_day * _DAYS / _MILLION
    total = sum(per_million.values()) * share + sum(per_month.values())
    out = [
        f"Region {prices.region}, {prices.currency}, list prices as of {prices.as_of}; durations from"
        f" {durations.source.name}",
        f"{shop.memory_mb} MB a function (the largest needs {durations.memory_mb:.0f}),"
        f" {shop.cold_share:.1%} of the calls start an environment",
        "",
        *_table("a million orders", per_million),
        "",
        *_table("a month without orders", per_month),
        "",
        f"{'a month with ' + format(orders_per_day, ',.0f') + ' orders a day':<44}{total:>12,.2f}",
    ]
    if orders_per_day:
        out.append(f"{'an order':<44}{total / (orders_per_day * _DAYS):>12,.5f}")
    return "\n".join(out)


def _table(title: str, lines: Lines) -> list[str]:
    rows = [f"  {name:<42}{value:>12,.2f}" for name, value in lines.items()]
    return [title, *rows, f"  {'together':<42}{sum(lines.values()):>12,.2f}"]


def main(arguments: list[str] | None = None) -> int:
    """Print the sum; 2 when durations or prices are missing."""
    options = _parser().parse_args(arguments)
    try:
        prices = price_lists.load(options.region, options.prices)
        if options.show_prices:
            print(price_lists.as_json(prices))
            return 0
        durations = Durations(options.results or _newest(), options.slower)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    idle = options.idle_acu if options.idle_acu is not None else options.acu
    shop = Shop(options.memory, options.cold / 100, options.acu, idle, options.busy_hours, options.nat, options.proxy)
    print(page(prices, durations, shop, options.orders_per_day))
    return 0


def _newest() -> Path:
    found = sorted(RESULTS.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ValueError("no results yet: make bench ARGS=cold_start")
    return found[-1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cost", description=__doc__)
    parser.add_argument("--orders-per-day", type=float, default=1000)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--prices", type=Path, help="a file of prices, for any other region")
    parser.add_argument("--show-prices", action="store_true", help="print the prices as such a file")
    parser.add_argument("--results", type=Path, help="a result file of make bench; the newest one by default")
    parser.add_argument("--slower", type=float, default=1.0, help="times longer than measured here")
    parser.add_argument("--memory", type=int, default=512, help="MB of each function")
    parser.add_argument("--cold", type=float, default=1.0, help="percent of the calls that start an environment")
    parser.add_argument("--acu", type=float, default=1.0, help="Aurora capacity units while the shop is busy")
    parser.add_argument("--idle-acu", type=float, help="capacity units at night; 0 lets the database pause")
    parser.add_argument("--busy-hours", type=float, default=24.0, help="hours a day that the database is awake")
    parser.add_argument("--nat", type=int, default=1, help="NAT gateways")
    parser.add_argument("--proxy", action="store_true", help="with a database proxy")
    return parser


if __name__ == "__main__":
    sys.exit(main())
