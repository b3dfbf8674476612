"""GET /categories: the tree of categories."""

from orchard.catalog.schemas import CategoryTree
from orchard.catalog.service import listing
from orchard.runtime.api import Api, Transaction

api = Api()


@api.get("/categories")
def list_categories(tx: Transaction) -> CategoryTree:
    return listing.list_categories(tx)


handler = api.handler
