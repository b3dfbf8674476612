"""A made-up catalogue of any size, and how a shop of 20,000 products becomes one of 200,000."""

import random
from collections.abc import Iterator
from typing import Any

from orchard.runtime.database import Connection, Statement

_ADJECTIVES = ["红富士", "冰糖心", "阳光玫瑰", "黄金", "奶油", "高山", "早熟", "红心", "无籽", "有机", "即食", "贵妃"]
_FRUITS = ["苹果", "香梨", "葡萄", "脐橙", "蜜柚", "芒果", "草莓", "蓝莓", "西瓜", "火龙果", "猕猴桃", "榴莲", "牛油果"]
_PLACES = ["洛川", "阿克苏", "赣州", "丹东", "攀枝花", "三亚", "库尔勒", "烟台", "平和", "蒲江", "云南", "海南"]
_PACKS = ["2斤装", "3斤装", "5斤装", "9斤整箱", "12枚礼盒", "500g", "家庭装", "4个"]


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


def multiply(db: Connection, times: int) -> None:
    """Each product so many times, with its SKUs, stock, listing rows and tokens: what an import would have written.

    By SQL, since importing 180,000 takes minutes; names repeat, so that every token is borne by so many times more.
    """
    link = db.another(600)
    span = link.run(lambda tx: tx.rows("SELECT MAX(id) - MIN(id) + 1 AS span FROM (SELECT id FROM product"
                                       " UNION SELECT id FROM sku) every"))[0]["span"]  # fmt: skip
    copies = " UNION ".join(f"SELECT {n} AS n" for n in range(1, times))
    for table, columns in _COPIED.items():
        chosen = ", ".join(_shifted(column, int(span)) for column in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} t, ({copies}) c"
        link.run(lambda tx, sql=sql: tx.execute(Statement(sql)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    grown = Statement(f"UPDATE search_term SET products = products * {int(times)}")
    link.run(lambda tx: tx.execute(grown))


def _shifted(column: str, span: int) -> str:
    if column in {"id", "product_id", "sku_id"}:
        # Downwards, so that what is imported afterwards finds its ids free.
        return f"t.{column} - c.n * {span}"
    if column == "code":
        return "CONCAT(t.code, '-', c.n)"
    if column == "sku_ids":
        return f"(SELECT CONCAT('[', GROUP_CONCAT(s.id - c.n * {span}), ']') FROM sku s WHERE s.product_id = t.id)"
    if column == "sales_count":
        return "t.sales_count * 7 DIV (c.n + 1)"
    return f"t.{column}"


_COPIED = {
    "product": (
        "id", "code", "category_id", "brand_id", "name", "folded_name", "brief", "keywords", "unit", "picture_url",
        "freight_template_id", "delivery_methods", "position", "list_price_fen", "price_fen", "highest_price_fen",
        "sku_ids", "on_sale", "in_stock", "sales_count",
    ),
    "sku": (
        "id", "code", "product_id", "position", "name", "specification_values", "picture_url", "list_price_fen",
        "price_fen", "weight_grams", "volume_cm3", "on_sale",
    ),
    "product_listing": ("product_id", "scope_id", "brand_id", "position", "price_fen", "sales_count", "in_stock"),
    "search_token": ("token", "product_id", "weight"),
    "stock": ("sku_id", "location_id", "on_hand", "reserved"),
}  # fmt: skip
