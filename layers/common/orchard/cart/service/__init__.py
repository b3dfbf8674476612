"""The verbs of the cart are in `lines`; here is the one that orders need, without loading the rest."""

from collections.abc import Sequence

from orchard.cart import store
from orchard.runtime.database import Statement


def remove_skus_statement(member_id: int, sku_ids: Sequence[int]) -> Statement:
    """Takes ordered SKUs out of the cart, whether they are in it or not; for the packet that places the order."""
    return store.delete_skus(member_id, sku_ids)
