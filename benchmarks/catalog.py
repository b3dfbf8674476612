"""The catalogue: import rate, and lists and search at 20,000 and 200,000 products, through the real handlers."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.catalogue import multiply, synthetic
from benchmarks.figures import Bench, Figure, Figures, of, ratio, rounded
from infra.tools.import_catalogue import import_file
from orchard.catalog.models import ProductFilter, ProductSort
from orchard.catalog.store import listing
from orchard.core.paging import Key, encode_cursor
from orchard.inventory import service as inventory
from orchard.runtime.database import Connection, escape
from tests.support import calls

_PRODUCTS, _TIMES = 20_000, 10
_PAGE = 20
_QUERIES = [
    "苹果", "红富士", "红富士苹果", "苹果 红富士", "阳光玫瑰葡萄", "牛", "果", "5斤装", "海南 芒果", "有机草莓礼盒",
    "云南蓝莓 500g", "贵妃芒",
]  # fmt: skip
Act = Callable[[], object]
Samples = dict[str, list[float]]


def run(bench: Bench) -> Figures:
    """Import 20,000 products into an empty shop; then time pages and searches, there and at ten times as many."""
    db, rounds = bench.db, 100 if bench.full else 40
    figures = _import(db)
    small = _reads(db, rounds)
    figures += [_queries(db), *_shown(_PRODUCTS, small)]
    multiply(db, _TIMES)
    large = _reads(db, rounds)
    return [*figures, *_shown(_PRODUCTS * _TIMES, large), *_grown(small, large), _explained(db)]


def _import(db: Connection) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "catalogue.jsonl")
        lines = (json.dumps(record, ensure_ascii=False) for record in synthetic(_PRODUCTS))
        path.write_text("\n".join(lines), encoding="utf-8")
        took, used = _timed(lambda: import_file(db, path))
        again, _ = _timed(lambda: import_file(db, path))
    return [
        Figure("import of 20,000 new products (1 or 2 SKUs, texts, five lists each)", round(_PRODUCTS / took), "/s"),
        Figure("of that, our own CPU a product", round(used / _PRODUCTS * 1000, 3), "ms"),
        Figure("import of the same again, nothing changed", round(_PRODUCTS / again), "/s"),
    ]


def _timed(act: Act) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - used


def _in_turns(acts: dict[str, Act], rounds: int) -> Samples:
    """Milliseconds of each act, taken in turns so that a noisy moment hits them alike."""
    samples: Samples = {name: [] for name in acts}
    for number in range(rounds + 2):
        for name, act in acts.items():
            took, _ = _timed(act)
            if number >= 2:
                samples[name].append(took * 1000)
    return samples


def _reads(db: Connection, rounds: int) -> Samples:
    """Pages of the whole shop by sales, and the twelve searches; the first page's SQL alone beside them."""
    pages: dict[str, Act] = {f"page {n:,}": partial(_get, "list_products", "/products", **_page(db, n))
                             for n in (1, 50, 2_000)}  # fmt: skip
    searches: dict[str, Act] = {f"search {q}": partial(_get, "search_products", "/products/search", q=q)
                                for q in _QUERIES}  # fmt: skip
    listed = _in_turns({**pages, "SQL of page 1": _sql_alone(db)}, rounds)
    return {**listed, **_in_turns(searches, max(10, rounds // 4))}


def _get(function: str, path: str, **query: Any) -> calls.Answer:
    answer = calls.call(f"catalog/{function}", "GET", path, query=query)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.text}")
    return answer


def _key(db: Connection, number: int) -> Key | None:
    """The sort key behind which page `number` begins, or the last page of a smaller shop."""
    if number == 1:
        return None
    found: list[dict[str, Any]] = []
    sql = ("SELECT sales_count, product_id FROM product_listing WHERE scope_id = 0"
           " ORDER BY sales_count DESC, product_id DESC LIMIT 1 OFFSET %s")  # fmt: skip
    while not found:
        found = db.run(partial(_rows, sql=sql, params=((number - 1) * _PAGE - 1,)))
        number //= 2
    return (found[0]["sales_count"], found[0]["product_id"])


def _rows(tx: Any, sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tx.rows(sql, params)
    return rows


def _page(db: Connection, number: int) -> dict[str, Any]:
    key, wanted = _key(db, number), {"sort": "sales", "limit": _PAGE}
    if key is None:
        return wanted
    return {**wanted, "cursor": encode_cursor(f"products:{ProductSort.SALES}:{ProductFilter().scope}", key)}


def _sql_alone(db: Connection) -> Act:
    """The first page's two queries and nothing else."""
    page = listing.page(ProductFilter(), ProductSort.SALES, None, _PAGE + 1)
    rows = db.run(lambda tx: tx.packet([page])[0].rows)
    stock = inventory.stock_statement([sku_id for row in rows[:-1] for sku_id in json.loads(row["sku_ids"])])

    def read() -> None:
        tx = db.transaction()
        tx.packet([page])
        tx.packet([stock])
        tx.commit()

    return read


def _queries(db: Connection) -> Figure:
    wanted = _page(db, 50)
    _get("list_products", "/products", **wanted)
    before = db.round_trips
    _get("list_products", "/products", **wanted)
    return Figure("product list: queries per page", db.round_trips - before).at_most(2)


def _shown(products: int, samples: Samples) -> Figures:
    at = f"at {products:,} products"
    pages = [name for name in samples if name.startswith("page")]
    searches = {name: samples[name] for name in samples if name.startswith("search")}
    slowest = max(searches, key=lambda name: statistics.median(searches[name]))
    every = sorted(taken for times in searches.values() for taken in times)
    return [
        *(of(f"list, {name} p50, {at}", _quartiles(samples[name]), "ms") for name in pages),
        *(Figure(f"list, {name} p99, {at}", rounded(_p99(samples[name])), "ms") for name in pages),
        ratio(f"list, page 1 to its SQL alone, {at}", samples["page 1"], samples["SQL of page 1"]),
        Figure(f"twelve searches p50, {at}", rounded(statistics.median(every)), "ms"),
        Figure(f"twelve searches p99, {at}", rounded(_p99(every)), "ms"),
        of(f"the slowest, {slowest.removeprefix('search ')}, p50, {at}", _quartiles(searches[slowest]), "ms"),
    ]


def _quartiles(times: list[float]) -> list[float]:
    return statistics.quantiles(times, n=4)


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _grown(small: Samples, large: Samples) -> Figures:
    """Medians at 200,000 to those at 20,000: a page should not notice, a search reads ten times the tokens."""
    grown = {name: statistics.median(large[name]) / statistics.median(small[name]) for name in small}
    searches = [grown[name] for name in grown if name.startswith("search")]
    return [
        *(Figure(f"list, {name}, 200,000 to 20,000", rounded(grown[name]), "ratio").at_most(1.5)
          for name in grown if name.startswith("page")),
        of("twelve searches, 200,000 to 20,000", searches, "ratio"),
    ]  # fmt: skip


def _explained(db: Connection) -> Figure:
    statement = listing.page(ProductFilter(), ProductSort.SALES, _key(db, 2_000), _PAGE + 1)
    plan = db.run(lambda tx: tx.rows(f"EXPLAIN {escape(statement.sql, statement.params)}"))
    walked = next(row for row in plan if row["table"] == "l")
    found = Figure("the plan of page 2,000", f"{walked['type']} over {walked['key']}")
    if walked["type"] != "range":
        raise RuntimeError(f"page 2,000 is no range: {walked}")
    return found
