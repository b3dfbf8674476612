"""The verbs of the catalogue, one file each theme.

What cart, pricing and orders need of SKUs is re-exported here; the endpoints' own files are imported by name, so
that placing an order does not load the search.
"""

from orchard.catalog.models import SkuSnapshot
from orchard.catalog.service.snapshots import (
    lineage_statement,
    read_lineage,
    read_skus,
    skus,
    skus_statement,
    unknown_categories,
    unknown_products,
)

__all__ = [
    "SkuSnapshot",
    "lineage_statement",
    "read_lineage",
    "read_skus",
    "skus",
    "skus_statement",
    "unknown_categories",
    "unknown_products",
]
