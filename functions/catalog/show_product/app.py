"""GET /products/{product_id}: one product with its SKUs, their stock and its description."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from orchard.catalog.schemas import Id, ProductDetail
from orchard.catalog.service import detail
from orchard.runtime.api import Api, Transaction

api = Api()


@api.get("/products/<product_id>")
def show_product(product_id: Annotated[Id, Path()], tx: Transaction) -> ProductDetail:
    return detail.show_product(tx, product_id)


handler = api.handler
