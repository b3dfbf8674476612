"""What other capabilities ask of an order: whose it is, and what to call it."""

from orchard.core.errors import NotFound
from orchard.orders import store
from orchard.orders.models import LineAmounts, OrderRow
from orchard.runtime.database import Statement, Tx

_DESCRIPTION_LENGTH = 127


def owned_order(tx: Tx, member_id: int, order_number: str) -> OrderRow:
    """The order, if it is this member's. Raises NotFound, the same for a foreign and a missing one."""
    row = store.owned(tx, member_id, order_number)
    if row is None:
        raise NotFound
    return store.head(row)


def description(tx: Tx, order_id: int) -> str:
    """What the shopper's bill says, at most 127 characters (WeChat Pay's limit)."""
    row = store.first_line(tx, order_id)
    if row is None:
        raise NotFound
    more = f" 等{row['line_count']}件商品" if row["line_count"] > 1 else ""
    return str(row["product_name"])[: _DESCRIPTION_LENGTH - len(more)] + more


def line_amounts(tx: Tx, order_id: int) -> list[LineAmounts]:
    """What each line was sold for, freight apart; refunds start from here and never recompute a price."""
    return [LineAmounts(**row) for row in store.line_amounts(tx, order_id)]


def ever_paid_statement(member_id: int) -> Statement:
    """One row with the column `paid`: whether the member ever paid an order. For others' packets."""
    return store.ever_paid(member_id)
