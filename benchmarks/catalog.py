"""The catalogue at 20,000 products: import rate, list and search, each against its own SQL in the same run."""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from infra.tools.import_catalogue import import_file
from orchard.catalog.models import ProductFilter, ProductSort
from orchard.catalog.store import listing
from orchard.inventory import service as inventory
from orchard.runtime.database import Connection, Statement
from orchard.runtime.settings import DatabaseSettings
from tests.support import calls

Figures = dict[str, float | int | str]
PRODUCTS = 20_000
_ROUNDS = 200
_ADJECTIVES = ["红富士", "冰糖心", "阳光玫瑰", "黄金", "奶油", "高山", "早熟", "红心", "无籽", "有机", "即食", "贵妃"]
_FRUITS = ["苹果", "香梨", "葡萄", "脐橙", "蜜柚", "芒果", "草莓", "蓝莓", "西瓜", "火龙果", "猕猴桃", "榴莲", "牛油果"]
_PLACES = ["洛川", "阿克苏", "赣州", "丹东", "攀枝花", "三亚", "库尔勒", "烟台", "平和", "蒲江", "云南", "海南"]
_PACKS = ["2斤装", "3斤装", "5斤装", "9斤整箱", "12枚礼盒", "500g", "家庭装", "4个"]
_QUERIES = [
    "苹果", "红富士", "红富士苹果", "苹果 红富士", "阳光玫瑰葡萄", "牛", "果", "5斤装", "海南 芒果", "有机草莓礼盒",
    "云南蓝莓 500g", "贵妃芒",
]  # fmt: skip


def synthetic(products: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """The records of a made-up shop: 60 categories on three levels, 40 brands, one or two SKUs a product."""
    chance = random.Random(seed)
    for root in range(4):
        yield {"type": "category", "code": f"r{root}", "name": f"大类{root}"}
        for middle in range(4):
            yield {"type": "category", "code": f"r{root}m{middle}", "parent": f"r{root}", "name": f"中类{root}{middle}"}
            for leaf in range(3):
                code, parent = f"r{root}m{middle}l{leaf}", f"r{root}m{middle}"
                yield {"type": "category", "code": code, "parent": parent, "name": f"小类{root}{middle}{leaf}"}
    yield from ({"type": "brand", "code": f"b{n}", "name": f"品牌{n}号"} for n in range(40))
    yield from (_product(number, chance) for number in range(products))


def _product(number: int, chance: random.Random) -> dict[str, Any]:
    name = "".join(chance.choice(words) for words in (_PLACES, _ADJECTIVES, _FRUITS)) + f" {chance.choice(_PACKS)}"
    packs = ["标准", "大份"][: 1 + number % 2]
    price = chance.randrange(500, 30_000)
    return {
        "type": "product", "code": f"p{number}", "name": name, "brand": f"b{number % 40}",
        "category": f"r{number % 4}m{number // 4 % 4}l{number // 16 % 3}", "brief": "当季鲜果，产地直发，坏果包赔",
        "pictures": [f"https://pictures.example/{number}-{n}.jpg" for n in range(3)],
        "description": "<p>产地直发</p>" + f'<p><img src="https://pictures.example/{number}-d.jpg"></p>' * 5,
        "attributes": [{"name": "产地", "value": "中国"}, {"name": "储存", "value": "冷藏"}],
        "specifications": [{"name": "规格", "values": [{"value": pack} for pack in packs]}],
        "skus": [
            {"code": f"p{number}-{n}", "values": [pack], "price_fen": price + n * 900, "weight_grams": 1500,
             "stock": chance.randrange(200)}
            for n, pack in enumerate(packs)
        ],
        "sales_count": chance.randrange(5000), "position": chance.randrange(2000),
    }  # fmt: skip


def run(db: Connection, settings: DatabaseSettings | None = None) -> Figures:
    """Import 20,000 products into an empty shop, then time lists and searches through the real handlers.

    `settings` is unused: the functions under test read their own.
    """
    figures = _import(db)
    figures.update(_lists(db))
    figures.update(_searches())
    return figures


def _import(db: Connection) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "catalogue.jsonl")
        lines = (json.dumps(record, ensure_ascii=False) for record in synthetic(PRODUCTS))
        path.write_text("\n".join(lines), encoding="utf-8")
        first, again = _seconds(lambda: import_file(db, path)), _seconds(lambda: import_file(db, path))
    return {
        "catalogue import, rich products/s (20,000 new: SKUs, texts, five lists each)": round(PRODUCTS / first),
        "catalogue import again unchanged, products/s": round(PRODUCTS / again),
    }


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _p50(acts: list[Callable[[], object]], rounds: int = _ROUNDS) -> list[float]:
    """Median milliseconds of each act, taken in turns so that a noisy moment hits them alike."""
    samples: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        for sample, act in zip(samples, acts, strict=True):
            sample.append(_seconds(act) * 1000)
    return [statistics.median(sample) for sample in samples]


def _get(function: str, path: str, **query: Any) -> calls.Answer:
    answer = calls.call(f"catalog/{function}", "GET", path, query=query)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.text}")
    return answer


def _lists(db: Connection) -> Figures:
    category_id = _get("list_categories", "/categories").json["categories"][0]["category_id"]
    wanted = {"category_id": category_id, "sort": "sales", "limit": 20}
    deep = {**wanted, "cursor": _cursor_of_page(51, wanted)}
    before = db.round_trips
    _get("list_products", "/products", **deep)
    queries = db.round_trips - before
    statement = listing.page(ProductFilter(category_id=int(category_id)), ProductSort.SALES, None, 21)
    handler, deeper, sql = _p50([
        lambda: _get("list_products", "/products", **wanted),
        lambda: _get("list_products", "/products", **deep),
        _sql_alone(db, statement),
    ])  # fmt: skip
    return {
        "product list, queries per page": queries,
        "product list p50, ms through the handler": round(handler, 2),
        "product list p50, ratio to its SQL alone": round(handler / sql, 2),
        "product list page 51 p50, ratio to page 1": round(deeper / handler, 2),
    }


def _cursor_of_page(number: int, wanted: dict[str, Any]) -> str:
    cursor: dict[str, str] = {}
    for _ in range(number - 1):
        cursor = {"cursor": _get("list_products", "/products", **wanted, **cursor).json["next_cursor"]}
    return cursor["cursor"]


def _sql_alone(db: Connection, page: Statement) -> Callable[[], object]:
    """The page's two queries and nothing else."""
    rows = db.run(lambda tx: tx.packet([page])[0].rows)
    stock = inventory.stock_statement([sku_id for row in rows[:-1] for sku_id in json.loads(row["sku_ids"])])

    def read() -> None:
        tx = db.transaction()
        tx.packet([page])
        tx.packet([stock])
        tx.commit()

    return read


def _searches() -> Figures:
    acts: list[Callable[[], object]] = [partial(_get, "search_products", "/products/search", q=q) for q in _QUERIES]
    times = _p50(acts, rounds=15)
    worst = max(range(len(times)), key=times.__getitem__)
    return {
        "search p50 of 12 queries, ms through the handler": round(statistics.median(times), 2),
        "search slowest of 12 queries, ms": round(times[worst], 2),
        "search slowest of 12 queries is": _QUERIES[worst],
    }
