"""A real home-goods catalogue that may lie beside the checkout, converted to our JSON Lines; never part of the shop."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "catalogue"
MISSING = f"no catalogue to try at {FOLDER}"
Record = dict[str, Any]


def is_there() -> bool:
    """Whether the catalogue lies beside this checkout."""
    return (FOLDER / "products.jsonl").is_file()


def write(path: Path) -> None:
    """Convert it into one file of our format."""
    path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records()), encoding="utf-8")


def records() -> Iterator[Record]:
    """Categories, brands, products."""
    for row in json.loads((FOLDER / "categories.json").read_text(encoding="utf-8")):
        yield _category(row)
    for row in json.loads((FOLDER / "brands.json").read_text(encoding="utf-8")):
        yield {
            "type": "brand", "code": f"b{row['id']}", "name": row["name"],
            "description": row["description"] or "", "logo_url": _url(row["image_url"]),
        }  # fmt: skip
    for line in (FOLDER / "products.jsonl").read_text(encoding="utf-8").splitlines():
        yield _product(json.loads(line))


def _category(row: Record) -> Record:
    parent = f"c{row['parent_id']}" if row["parent_id"] else None
    return {
        "type": "category", "code": f"c{row['id']}", "parent": parent, "name": row["name"],
        "description": row["description"] or "", "position": row["sort_order"] or 0,
        "icon_url": _url(row["icon_url"]), "picture_url": _url(row["image_url"]),
    }  # fmt: skip


def _product(row: Record) -> Record:
    specifications: dict[str, dict[str, str]] = {}
    for one in row["specifications"]:
        specifications.setdefault(one["name"], {})[one["value"]] = _url(one["image_url"])
    pictures = [url for url in map(_url, [row["image_url"], *row["gallery"]]) if url]
    return {
        "type": "product", "code": row["code"], "name": row["name"], "category": f"c{row['category_id']}",
        "brand": f"b{row['brand_id']}" if row["brand_id"] else None, "brief": row["brief"] or "",
        "keywords": (row["keywords"] or "").replace(",", " ").split(), "unit": row["unit"] or "件",
        "pictures": list(dict.fromkeys(pictures)), "description": row["detail_html"] or "", "on_sale": row["on_sale"],
        "attributes": [one for one in row["attributes"] if one["name"] and one["value"]],
        "specifications": [
            {"name": name, "values": [{"value": value, "picture_url": url} for value, url in values.items()]}
            for name, values in specifications.items()
        ],
        "skus": [_sku(sku, row) for sku in row["skus"]],
    }  # fmt: skip


def _sku(sku: Record, product: Record) -> Record:
    price = _fen(sku["price_yuan"])
    return {
        "code": f"s{sku['id']}", "values": sku["specifications"], "price_fen": price,
        # The source has one list price per product, below the dearer SKUs of some.
        "list_price_fen": max(price, _fen(product["list_price_yuan"])), "weight_grams": 0,
        "stock": sku["stock"], "picture_url": _url(sku["image_url"]),
    }  # fmt: skip


def _fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def _url(text: str | None) -> str:
    """The address, or none where the source has only a piece of one."""
    return text if text and text.startswith(("http://", "https://")) else ""
