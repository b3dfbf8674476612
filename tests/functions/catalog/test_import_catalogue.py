"""The import command: all of a file or nothing, each bad line with its reason, re-imports that update."""

import io
import threading
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from infra.tools import catalogue_file, import_catalogue
from infra.tools.import_catalogue import check_file, import_file
from orchard.catalog import importing
from orchard.catalog.importing import CatalogueRefusedError
from orchard.runtime.database import Connection
from tests.functions.catalog.conftest import DEMO
from tests.support.calls import Answer
from tests.support.catalogue import CATEGORY, product
from tests.support.stock import assert_ledger_balances, levels

Get = Callable[..., Answer]
Write = Callable[[Iterable[Any]], Path]
TABLES = (
    "category", "category_ancestor", "brand", "product", "product_detail", "sku", "product_listing", "search_token",
    "search_term", "search_document", "stock", "stock_ledger",
)  # fmt: skip


def contents(db: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of the catalogue and its stock."""
    return {table: db.run(lambda tx, t=table: tx.rows(f"SELECT * FROM {t} ORDER BY 1, 2")) for table in TABLES}  # type: ignore[misc]


def run(*arguments: str) -> tuple[int, str]:
    """The command's exit code and all it printed."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = import_catalogue.main(list(arguments))
    return code, said.getvalue()


def names(get: Get, **query: Any) -> list[str]:
    return [one["name"] for one in get("list_products", "/products", limit=50, **query).json["products"]]


def searched(get: Get, q: str) -> list[str]:
    return [one["name"] for one in get("search_products", "/products/search", q=q).json["products"]]


def test_the_demo_shop_loads_and_a_second_import_changes_nothing(db: Connection) -> None:
    code, said = run(str(DEMO))
    assert code == 0
    assert "24 categories, 7 brands, 65 products (65 new) with 85 SKUs (85 new)" in said
    before = contents(db)
    code, said = run(str(DEMO))
    assert code == 0
    assert "65 products (0 new) with 85 SKUs (0 new)" in said
    assert contents(db) == before
    assert_ledger_balances(db)


BAD: list[tuple[Any, str]] = [
    ("{", "not a JSON document"),
    ('{"type": "product", "type": "brand"}', "no name twice"),
    ("[" * 100_000 + "]" * 100_000, "nested no deeper"),
    ('{"type": "brand", "code": NaN}', "not a JSON document"),
    ("[]", "not an object with a type"),
    ({"type": "coupon"}, "not an object with a type"),
    ({"type": ["brand"]}, "not an object with a type"),
    ({**CATEGORY, "code": "x y"}, "code: "),
    ({**CATEGORY, "colour": "red"}, "colour: Extra inputs"),
    ({**CATEGORY, "code": "sub", "parent": "nowhere"}, "parent: nowhere is neither in the file nor in the shop"),
    ({**CATEGORY, "code": "loop", "parent": "loop"}, "circle"),
    (product("z", name="  "), "name: "),
    (product("z", name="果" * 121), "name: "),
    (product("z", name="a\u0000b"), "name: "),
    (product("z", category="nowhere"), "category: nowhere is neither"),
    (product("z", brand="nobody"), "brand: nobody is neither"),
    (product("z", price_fen=12.5), "price_fen"),
    (product("z", price_fen="1000"), "price_fen"),
    (product("z", price_fen=-1), "price_fen"),
    (product("z", price_fen=10**12), "price_fen"),
    (product("z", stock=-1), "stock"),
    (product("z", pictures=[]), "pictures"),
    (product("z", pictures=["javascript:alert(1)"]), "pictures.0"),
    (product("z", pictures=["//pictures.example/a.jpg"]), "pictures.0"),
    (product("z", pictures=["file:///etc/passwd"]), "pictures.0"),
    (product("z", pictures=["https://user:word@pictures.example/a.jpg"]), "pictures.0"),
    (product("z", pictures=["https://pictures.example/a b.jpg"]), "pictures.0"),
    (product("z", pictures=["https:///a.jpg"]), "pictures.0"),
    (product("z", video_url="ftp://videos.example/a.mp4"), "video_url"),
    (product("z", description="<p>" * 3001), "more than 3000 tags"),
    (product("z", description="x" * 60_001), "description"),
    (product("z", delivery_methods=["drone"]), "delivery_methods"),
    (product("z", freight_template_id=0), "freight_template_id"),
    (product("z", skus=[]), "skus"),
    (product("z", specifications=[{"name": "规格", "values": [{"value": "大"}]}]), "0 values for 1 specifications"),
    (product("z", skus=[*product("z")["skus"], *product("y")["skus"]]), "two SKUs have the same values"),
    (product("good"), "product good stands on line 2 too"),
    (product("other", skus=product("good")["skus"]), "SKU good-1 stands on line 2 too"),
    (product("z", on_sale="yes"), "on_sale"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_one_bad_line_is_named_and_nothing_is_loaded(db: Connection, write: Write, bad: Any, reason: str) -> None:
    code, said = run(str(write([CATEGORY, product("good"), bad, product("also")])))
    assert code == 1
    assert "line 3: " in said
    assert reason in said
    assert "1 bad lines, nothing was loaded" in said
    assert all(rows == [] for rows in contents(db).values())


def test_every_bad_line_is_reported_and_check_writes_nothing(db: Connection, write: Write) -> None:
    path = write([product("a", price_fen=-1), CATEGORY, "{", product("b", category="nowhere"), product("c")])
    assert [error.line for error in check_file(db, path)] == [1, 3, 4]
    code, said = run(str(path), "--check")
    assert code == 1
    assert said.count("line ") == 3
    good = write([CATEGORY, product("c")])
    assert run(str(good), "--check")[0] == 0
    assert all(rows == [] for rows in contents(db).values())


def test_bytes_that_are_no_text_and_endless_lines_are_bad_lines(db: Connection, tmp_path: Path) -> None:
    path = tmp_path / "bytes.jsonl"
    path.write_bytes(b'\xff\xfe\n{"type": "brand", "code": "b", "name": "' + b"x" * catalogue_file.MAX_LINE_BYTES)
    code, said = run(str(path))
    assert code == 1
    assert "line 1: not UTF-8" in said
    assert "line 2: longer than" in said


def test_blank_lines_and_a_byte_order_mark_do_no_harm(db: Connection, tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"type": "brand", "code": "b", "name": "x"}\r\n\r\n \n')
    assert run(str(path))[0] == 0


def test_a_missing_file_says_so(db: Connection, tmp_path: Path) -> None:
    code, said = run(str(tmp_path / "none.jsonl"))
    assert (code, "No such file" in said) == (2, True)


def test_a_re_import_updates_by_code_and_leaves_the_rest(db: Connection, get: Get, write: Write) -> None:
    import_file(db, write([CATEGORY, product("a", name="西瓜", stock=7), product("b", name="草莓")]))
    before = {row["code"]: row["id"] for row in contents(db)["product"]}
    import_file(db, write([product("a", name="麒麟瓜", price_fen=1990, stock=99, sales_count=500)]))
    after = {row["code"]: row for row in contents(db)["product"]}
    assert {code: row["id"] for code, row in after.items()} == before
    assert (after["a"]["name"], after["a"]["price_fen"], after["a"]["sales_count"]) == ("麒麟瓜", 1990, 0)
    assert names(get) == ["麒麟瓜", "草莓"]
    assert searched(get, "西瓜") == []
    assert searched(get, "麒麟") == ["麒麟瓜"]
    # Stock opens once: afterwards it moves through the ledger only.
    assert sorted(levels(db).values()) == [(5, 0), (7, 0)]
    assert_ledger_balances(db)


def test_a_sku_that_is_no_longer_named_goes_off_sale(db: Connection, get: Get, write: Write) -> None:
    specifications = [{"name": "规格", "values": [{"value": "小"}, {"value": "大"}]}]
    small = {"code": "a-s", "values": ["小"], "price_fen": 100, "weight_grams": 1, "stock": 5}
    large = {"code": "a-l", "values": ["大"], "price_fen": 300, "weight_grams": 2, "stock": 0}
    import_file(db, write([CATEGORY, product("a", specifications=specifications, skus=[small, large])]))
    import_file(db, write([product("a", specifications=specifications, skus=[large])]))
    assert {row["code"]: row["on_sale"] for row in contents(db)["sku"]} == {"a-s": 0, "a-l": 1}
    shown = get("list_products", "/products").json["products"][0]
    assert (shown["price_fen"], shown["available"], shown["in_stock"]) == (300, 0, False)
    assert names(get, in_stock="true") == []


def test_a_sku_code_cannot_move_to_another_product(db: Connection, write: Write) -> None:
    import_file(db, write([CATEGORY, product("a")]))
    with pytest.raises(CatalogueRefusedError) as refused:
        import_file(db, write([product("b", skus=product("a")["skus"])]))
    assert [error.reason for error in refused.value.errors] == ["SKU a-1 belongs to product a"]


def test_a_moved_and_renamed_category_takes_its_products_along(db: Connection, get: Get, write: Write) -> None:
    categories = [
        {"type": "category", "code": "red", "name": "红"}, {"type": "category", "code": "green", "name": "绿"},
        {"type": "category", "code": "fruit", "parent": "red", "name": "水果"},
    ]  # fmt: skip
    import_file(db, write([*categories, product("a", name="西瓜")]))
    ids = {row["code"]: str(row["id"]) for row in contents(db)["category"]}
    assert names(get, category_id=ids["red"]) == ["西瓜"]
    import_file(db, write([{"type": "category", "code": "fruit", "parent": "green", "name": "鲜货"}]))
    assert names(get, category_id=ids["red"]) == []
    assert names(get, category_id=ids["green"]) == names(get, category_id=ids["fruit"]) == ["西瓜"]
    assert searched(get, "水果") == []
    assert searched(get, "鲜货") == ["西瓜"]


def test_a_move_that_makes_the_tree_too_deep_is_refused(db: Connection, write: Write) -> None:
    chain = [{"type": "category", "code": f"c{n}", "parent": f"c{n - 1}" if n else None, "name": "x"} for n in range(4)]
    import_file(db, write(chain))
    _, said = run(str(write([{**chain[0], "parent": "top"}, {"type": "category", "code": "top", "name": "t"}])))
    assert "line 1: category c3 lies in a circle or deeper than 4 levels" in said
    circle = [{**chain[0], "parent": "c3"}]
    assert "line 1: category" in run(str(write(circle)))[1]


def test_html_is_made_harmless(db: Connection, get: Get, write: Write) -> None:
    html = (
        "<p onclick=\"x()\">甜<script>alert(1)</script><b style='position:fixed'>瓜</b></p>"
        '<img src="https://pictures.example/a.jpg" onerror="x()"><img src="/local.jpg">'
        '<img src="data:image/png;base64,A">'
        '<a href="javascript:alert(1)">一</a><a href="JaVa\tScRiPt:alert(1)">二</a><a href="https://shop.example/">三</a>'
        "<iframe src='https://evil.example'></iframe><svg onload=x()></svg>"
        "<form action=x><input></form><style>p{}</style>"
    )
    import_file(db, write([CATEGORY, product("a", description=html)]))
    product_id = contents(db)["product"][0]["id"]
    description = get("show_product", f"/products/{product_id}").json["description"]
    assert '<img src="https://pictures.example/a.jpg">' in description
    assert 'href="https://shop.example/"' in description
    assert "<b>瓜</b>" in description
    for wrong in ("script", "onclick", "onerror", "onload", "style", "iframe", "svg", "form", "data:", "/local"):
        assert wrong not in description.lower()


def test_urls_are_stored_and_never_fetched(db: Connection, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    inward = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:3306/", "http://[::1]/a.svg"]
    opened: list[Any] = []
    connect = __import__("socket").socket.connect
    database_port = db.get().port

    def watched(self: Any, address: Any) -> Any:
        opened.append(address)
        return connect(self, address)

    monkeypatch.setattr("socket.socket.connect", watched)
    import_file(db, write([CATEGORY, product("a", pictures=inward)]))
    assert [address for address in opened if address[1] != database_port] == []
    assert contents(db)["product"][0]["picture_url"] == inward[0]


def test_readers_see_the_shop_before_an_import_or_after_it(db: Connection, get: Get, write: Write) -> None:
    import_file(db, write([CATEGORY, product("a", name="西瓜")]))
    catalogue = catalogue_file.read(write([product("a", name="冬瓜"), product("b", name="南瓜")])).catalogue
    writer = Connection()
    tx = writer.transaction()
    importing.load(tx, catalogue, import_catalogue.cut_words)
    assert names(get) == ["西瓜"]
    assert searched(get, "瓜") == ["西瓜"]
    tx.commit()
    assert names(get) == ["冬瓜", "南瓜"]
    assert set(searched(get, "瓜")) == {"冬瓜", "南瓜"}
    writer.discard()


def test_a_failure_at_the_very_end_leaves_nothing(db: Connection, write: Write) -> None:
    catalogue = catalogue_file.read(write([CATEGORY, product("a")])).catalogue
    writer = Connection()
    tx = writer.transaction()
    importing.load(tx, catalogue, import_catalogue.cut_words)
    tx.rollback()
    writer.discard()
    assert all(rows == [] for rows in contents(db).values())


def test_two_imports_at_once_take_turns(db: Connection, write: Write, tmp_path: Path) -> None:
    path = write([CATEGORY, *(product(f"p{n}", name=f"西瓜{n}") for n in range(200))])
    loaded: list[importing.Loaded] = []
    threads = [threading.Thread(target=lambda: loaded.append(import_file(Connection(), path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.new_products for one in loaded) == [0, 0, 200]
    assert len(contents(db)["product"]) == 200
    assert_ledger_balances(db)


def test_the_index_counts_its_terms_exactly(db: Connection, write: Write) -> None:
    import_file(db, write([CATEGORY, *(product(f"p{n}", name=f"西瓜{'甜' * (n % 3)}") for n in range(20))]))
    import_file(db, write([product("p0", name="冬瓜"), product("p1", on_sale=False)]))
    off = db.run(
        lambda tx: tx.rows(
            "SELECT t.token, COUNT(*) AS bearing, MAX(s.products) AS counted FROM search_token t"
            " LEFT JOIN search_term s ON s.term = t.token GROUP BY t.token"
            " HAVING bearing <> COALESCE(counted, -1)"
        )
    )
    assert off == []
    assert db.run(lambda tx: tx.rows("SELECT term FROM search_term WHERE products < 0")) == []
