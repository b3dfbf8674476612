"""Small catalogue records for tests."""

from typing import Any

CATEGORY = {"type": "category", "code": "fruit", "name": "水果"}


def product(code: str, **changes: Any) -> dict[str, Any]:
    """A product record with one SKU `<code>-1` at 10 yuan, 5 in stock; `price_fen` and `stock` change that SKU."""
    sku = {"code": f"{code}-1", "price_fen": 1000, "weight_grams": 500, "stock": 5}
    sku |= {name: changes.pop(name) for name in ("price_fen", "stock") if name in changes}
    record = {
        "type": "product", "code": code, "name": f"商品{code}", "category": "fruit",
        "pictures": [f"https://pictures.example/{code}.jpg"], "skus": [sku],
    }  # fmt: skip
    return {**record, **changes}
