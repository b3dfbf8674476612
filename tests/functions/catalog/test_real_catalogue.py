"""A catalogue nobody made for us: uneven as real data is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.tools import import_catalogue
from orchard.runtime.database import Connection
from tests.support import shared_catalogue
from tests.support.calls import Answer

Get = Callable[..., Answer]


@pytest.mark.skipif(not shared_catalogue.is_there(), reason=shared_catalogue.MISSING)
def test_a_real_catalogue_loads_whole(
    db: Connection, get: Get, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "real.jsonl"
    shared_catalogue.write(path)
    assert import_catalogue.main([str(path)]) == 0
    said = capsys.readouterr().out
    assert "93 categories, 49 brands, 239 products (239 new) with 244 SKUs (244 new)" in said
    page = get("search_products", "/products/search", q="四件套").json["products"]
    assert page
    assert all(one["available"] > 0 for one in page)
    detail = get("show_product", f"/products/{page[0]['product_id']}").json
    assert detail["skus"]
    assert "<script" not in detail["description"]
