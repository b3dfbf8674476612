"""The API document against the running bundle: whatever fits it or just misses it gets an answer the document knows.

Each operation is tried with valid and invalid data made from its schema. Valid data is brought to life first: ids of
things that exist, a digest that was quoted, so that more than refusals is compared.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from infra.demo.shop_client import ShopClient
from infra.local.cloud import ROOT, LocalCloud
from tests.support.scenario import RunningShop, Shopper, running_shop
from tests.support.shop import SHANGHAI_DISTRICT, Goods

_EXAMPLES = 15
# Not among them: unsupported_method, since an HTTP API answers 404 and not 405 where a path lacks the method;
# positive_data_acceptance, since data can fit the schema and yet name what does not exist or is sold out.
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


class Visitor:
    """A shopper who owns one of everything, and puts its ids where made-up ones stand."""

    def __init__(self, shop: RunningShop) -> None:
        self._shop, self.api_url = shop, shop.cloud.api_url
        self._goods: Goods = shop.shelf.sell(price_fen=500, stock=100_000)
        self._store_id = str(shop.shelf.open_store())
        self._turns = itertools.count()
        self.shopper: Shopper = shop.shopper()

    def prepare(self, case: Any) -> None:
        """Bring two of three valid cases to life; leave invalid ones as they are."""
        if case.meta.generation.mode is GenerationMode.POSITIVE and next(self._turns) % 3:
            case.path_parameters = self._alive(case.path_parameters)
            case.body = self._alive(case.body)
            self._make_agree(case)

    def _alive(self, given: Any) -> Any:
        """The same with ids of things that exist; lists shortened to one, since they would all name the same."""
        if isinstance(given, dict):
            return {name: self._id(name) or self._alive(value) for name, value in given.items()}
        return [self._alive(value) for value in given[:1]] if isinstance(given, list) else given

    def _id(self, name: str) -> str | None:
        known = {
            "sku_id": lambda: str(self._goods.sku_id),
            "product_id": lambda: str(self._goods.product_id),
            "store_id": lambda: self._store_id,
            "region_code": lambda: SHANGHAI_DISTRICT,
            "address_id": self._address_id,
            "line_id": self._line_id,
            "order_number": self._order_number,
        }
        return known[name]() if name in known else None

    def _address_id(self) -> str:
        kept = self.shopper.phone.call("GET", "/addresses")["addresses"]
        return str(kept[0]["address_id"]) if kept else self.shopper.new_address()

    def _line_id(self) -> str:
        phone, wanted = self.shopper.phone, {"sku_id": str(self._goods.sku_id), "quantity": 1}
        lines = phone.call("GET", "/cart")["lines"]
        return str(lines[0]["line_id"] if lines else phone.call("POST", "/cart/lines", wanted)["line_id"])

    def _order_number(self) -> str:
        wish = self.shopper.wish((self._goods, 1), method="pickup", store_id=self._store_id)
        return str(self.shopper.phone.call("POST", "/orders", self.shopper.agree(wish))["order_number"])

    def _make_agree(self, case: Any) -> None:
        """Let delivery fit its method, and the digest its quote."""
        if case.operation.label not in {"POST /orders", "POST /quotes"} or not isinstance(case.body, dict):
            return
        case.body["delivery"] = {"method": "pickup", "store_id": self._store_id}
        wish = {name: case.body[name] for name in ("lines", "delivery")}
        status, quote = self.shopper.phone.attempt("POST", "/quotes", wish)
        if status == 200 and "quote_digest" in case.body:
            case.body["quote_digest"] = quote["digest"]

    def headers(self) -> dict[str, str]:
        """The session, anew where a case has ended it."""
        if self.shopper.phone.attempt("GET", "/profile")[0] == 401:
            self.shopper.phone.log_in(self._shop.wechat.login_code(self.shopper.openid))
        return {"authorization": f"Bearer {self.shopper.phone.token}"}


@pytest.fixture(scope="module")
def shop(bundle: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """One shop for all operations; the books are compared once they are through."""
    yield from running_shop(bundle, tmp_path_factory.mktemp("document"))


@pytest.fixture(scope="module")
def visitor(shop: RunningShop) -> Visitor:
    """Who makes the calls."""
    return Visitor(shop)


DOCUMENT = ROOT / "docs" / "openapi.json"
schema = schemathesis.openapi.from_path(DOCUMENT)


def test_the_bundle_serves_the_document_that_is_tried_here(shop: RunningShop) -> None:
    served = ShopClient(shop.cloud.api_url).call("GET", "/openapi.json")
    kept = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert served | {"servers": []} == kept | {"servers": []}


@schema.parametrize()
@settings(
    max_examples=_EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_every_answer_is_one_that_the_document_knows(case: Any, visitor: Visitor) -> None:
    visitor.prepare(case)
    response = case.call(base_url=visitor.api_url, headers=visitor.headers())
    case.validate_response(response, checks=_CHECKS)


def _secured() -> list[tuple[str, str]]:
    """Method and path of every operation that needs a session, with numbers for its parameters."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return [
        (method.upper(), re.sub(r"{\w+}", "1", path))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "security" in operation
    ]


@pytest.mark.parametrize("token", [None, "made-up", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_what_needs_a_session_is_refused_without_one(shop: RunningShop, token: str | None) -> None:
    nobody = ShopClient(shop.cloud.api_url, token)
    assert len(_secured()) > 15
    for method, path in _secured():
        has_body = method in {"POST", "PUT", "PATCH"}
        status, problem = nobody.attempt(method, path, {} if has_body else None)
        # An empty body may be refused before anybody asks who sent it.
        assert (status, problem["code"]) in {(401, "unauthenticated"), (422 if has_body else 401, "invalid_input")}
