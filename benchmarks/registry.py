"""The parts of `make bench`, in the order in which they are shown. A part is one function and one line here."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks import catalog, cold_start, coupons, group_buy, hot_sku, imports, layers, orders, scale
from benchmarks.figures import Bench, Figures


class Part(NamedTuple):
    """One part: its title on the page, and its function, with a database of its own or without one."""

    title: str
    without: Callable[[bool], Figures] | None = None
    with_database: Callable[[Bench], Figures] | None = None


PARTS: dict[str, Part] = {
    "imports": Part("Cold start: CPU of imports against pydantic and pymysql; memory", without=imports.run),
    "cold_start": Part("Cold starts, warm calls and memory under AWS's runtime client", without=cold_start.run),
    "layers": Part("Size of the layers", without=layers.run),
    "orders": Part("Placing orders against the durable floor", with_database=orders.run),
    "hot_sku": Part("One SKU that everybody buys", with_database=hot_sku.run),
    "scale": Part("Order cost among many orders, and closing the expired ones", with_database=scale.run),
    "catalog": Part("Import, lists and search", with_database=catalog.run),
    "coupons": Part("Coupons", with_database=coupons.run),
    "group_buy": Part("Group-buy", with_database=group_buy.run),
}
