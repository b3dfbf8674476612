"""GET /products/{product_id}: one product with its SKUs, their stock and its description."""

from typing import Annotated

from orchard.catalog.schemas import Id, ProductDetail
from orchard.catalog.service import detail
from orchard.runtime.api import Api, Path, Transaction

api = Api()


@api.get("/products/<product_id>")
def show_product(product_id: Annotated[Id, Path()], tx: Transaction) -> ProductDetail:
    return detail.show_product(tx, product_id)


handler = api.handler
