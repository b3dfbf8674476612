"""A real catalogue, which may lie beside the checkout, comes into the running shop and sells."""

from collections import Counter
from pathlib import Path

import pytest

from infra.tools.import_catalogue import check_file, import_file
from tests.support import shared_catalogue
from tests.support.scenario import RunningShop, Shopper
from tests.support.shop import Goods


@pytest.mark.skipif(not shared_catalogue.is_there(), reason=shared_catalogue.MISSING)
def test_a_real_catalogue_is_imported_and_one_of_its_products_is_found_bought_and_paid(
    shop: RunningShop, shopper: Shopper, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.jsonl"
    shared_catalogue.write(path)
    assert check_file(shop.db, path) == []
    wanted = Counter(record["type"] for record in shared_catalogue.records())
    loaded = import_file(shop.db, path)
    assert (loaded.new_products, loaded.categories, loaded.brands) == (
        wanted["product"], wanted["category"], wanted["brand"],
    )  # fmt: skip
    assert wanted["product"] == 239

    name, sku_id, price_fen = _dearest_on_sale(shop)
    found = shopper.phone.call("GET", "/products/search", query={"q": name[:64]})["products"]
    (product,) = [product for product in found if product["name"] == name][:1]
    detail = shopper.phone.call("GET", f"/products/{product['product_id']}")
    (sku,) = [sku for sku in detail["skus"] if sku["sku_id"] == str(sku_id)]
    assert sku["price_fen"] == price_fen

    number = shopper.order(Goods(int(product["product_id"]), sku_id, name))
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    order = shopper.phone.call("GET", f"/orders/{number}")
    assert (order["lines"][0]["product_name"], order["goods_fen"]) == (name, price_fen)
    shop.relay()
    assert shopper.phone.call("GET", f"/products/{product['product_id']}")["sales_count"] == 1


def _dearest_on_sale(shop: RunningShop) -> tuple[str, int, int]:
    """Name, SKU and price of the dearest thing of the catalogue that can be bought."""
    (row,) = shop.rows(
        "SELECT p.name, s.id, s.price_fen FROM sku s JOIN product p ON p.id = s.product_id"
        " JOIN stock t ON t.sku_id = s.id WHERE s.code LIKE 's%%' AND p.on_sale = 1 AND t.on_hand > 0"
        " AND p.delivery_methods LIKE '%%express%%' ORDER BY s.price_fen DESC, s.id LIMIT 1"
    )
    return row["name"], row["id"], row["price_fen"]


def test_importing_it_again_changes_prices_and_never_stock(shop: RunningShop, tmp_path: Path) -> None:
    if not shared_catalogue.is_there():
        pytest.skip(shared_catalogue.MISSING)
    path = tmp_path / "catalogue.jsonl"
    shared_catalogue.write(path)
    import_file(shop.db, path)
    before = shop.one("SELECT SUM(on_hand) FROM stock")
    again = import_file(shop.db, path)
    assert (again.new_products, again.new_skus) == (0, 0)
    assert shop.one("SELECT SUM(on_hand) FROM stock") == before
