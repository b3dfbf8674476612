"""Show and change a member's cart.

Lines keep what the shopper meant; what can be bought and what it costs is decided anew at every look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchard.cart import rules, store
from orchard.cart.models import CartRow, CartScope, InvalidReason, SkuOfOtherProduct
from orchard.cart.schemas import AddedLine, Cart, CartLine, CartTotals, InvalidLine, LineChange, LineDraft, Selection
from orchard.catalog import service as catalog
from orchard.catalog.models import SkuSnapshot
from orchard.core import clock
from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.pricing import service as pricing
from orchard.pricing.service import FreightBook, PricingLine
from orchard.runtime.database import Statement, Tx
from orchard.runtime.sessions import MemberSession


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the lines are judged and priced by."""

    skus: dict[int, SkuSnapshot]
    stock: dict[int, dict[int, int]]
    book: FreightBook


def show_cart(tx: Tx, member: MemberSession) -> Cart:
    """The member's cart: valid and invalid lines, and what the selected valid ones come to."""
    rows = store.read_lines(tx.packet([store.select_lines(member.member_id)])[0].rows)
    return _shown(tx, rows)


def add_line(tx: Tx, member: MemberSession, draft: LineDraft) -> AddedLine:
    """Put a SKU in, or more of it where it stands already. The line becomes selected.

    Raises NotFound, SkuOffSale, OutOfStock, TooManyOfOne or CartFull; the limits hold under concurrency too.
    """
    rows, sku, stock = _locked_with_sku(tx, member, draft.sku_id)
    known = rules.find_sku(rows, sku.sku_id)
    if known is None:
        rules.check_room(rows)
        line = _new_line(sku, draft.quantity)
    else:
        line = replace(
            known, quantity=known.quantity + draft.quantity, selected=True, added_price_fen=sku.price_fen
        )  # fmt: skip
    rules.check_quantity(sku.sku_id, line.quantity, stock)
    write = store.insert_line if known is None else store.update_line
    tx.execute(write(member.member_id, line))
    return AddedLine(
        line_id=line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        line_count=len(rows) + (known is None),
        unit_count=sum(row.quantity for row in rows) + draft.quantity,
    )


def _new_line(sku: SkuSnapshot, quantity: int) -> CartRow:
    return CartRow(new_id(), sku.sku_id, sku.product_id, quantity, True, sku.price_fen, clock.utc_now())


def _locked_with_sku(
    tx: Tx, member: MemberSession, sku_id: int
) -> tuple[list[CartRow], SkuSnapshot, dict[int, dict[int, int]]]:
    _, lines, skus, stock = tx.packet(
        [
            store.lock(member.member_id),
            store.select_lines(member.member_id, for_update=True),
            catalog.skus_statement([sku_id]),
            inventory.stock_statement([sku_id]),
        ]
    )
    sku = rules.check_sellable(catalog.read_skus(skus.rows).get(sku_id))
    return store.read_lines(lines.rows), sku, inventory.read_stock(stock.rows)


def select_lines(tx: Tx, member: MemberSession, selection: Selection) -> Cart:
    """Select or leave out several lines or all. Raises NotFound unless every named line is the member's."""
    change = store.select_for_order(member.member_id, selection.line_ids, selection.selected)
    return _changed(tx, member, [change])


def change_line(tx: Tx, member: MemberSession, line_id: int, change: LineChange) -> Cart:
    """Change quantity, specification or selection of a line.

    A specification that stands on another line merges into that line. Raises NotFound, SkuOfOtherProduct,
    SkuOffSale, OutOfStock or TooManyOfOne.
    """
    rows = _locked(tx, member)
    line = rules.find_line(rows, line_id)
    facts = _facts(tx, [*(row.sku_id for row in rows), change.sku_id or line.sku_id])
    changed, merged = _applied(rows, line, change, facts)
    statements = [store.update_line(member.member_id, changed)]
    if merged:
        statements.insert(0, store.delete_lines(member.member_id, [line.line_id]))
    after = tx.packet([*statements, store.select_lines(member.member_id)])[-1].rows
    return _view(store.read_lines(after), facts)


def _applied(rows: Sequence[CartRow], line: CartRow, change: LineChange, facts: _Facts) -> tuple[CartRow, bool]:
    """The line as it will be, and whether another line took it in."""
    changed = replace(
        line,
        quantity=change.quantity or line.quantity,
        selected=line.selected if change.selected is None else change.selected,
    )
    if change.sku_id is None or change.sku_id == line.sku_id:
        if change.quantity is not None:
            rules.check_sellable(facts.skus.get(line.sku_id))
            rules.check_quantity(line.sku_id, changed.quantity, facts.stock)
        return changed, False
    sku = rules.check_sellable(facts.skus.get(change.sku_id))
    if sku.product_id != line.product_id:
        raise SkuOfOtherProduct
    other = rules.find_sku(rows, sku.sku_id)
    quantity = changed.quantity + (other.quantity if other else 0)
    rules.check_quantity(sku.sku_id, quantity, facts.stock)
    target = other or line
    changed = replace(changed, line_id=target.line_id, sku_id=sku.sku_id, quantity=quantity)
    return replace(changed, added_price_fen=sku.price_fen), other is not None


def remove_line(tx: Tx, member: MemberSession, line_id: int) -> Cart:
    """Take a line out. Raises NotFound."""
    return _changed(tx, member, [store.delete_lines(member.member_id, [line_id])])


def clear_cart(tx: Tx, member: MemberSession, scope: CartScope) -> Cart:
    """Take out every line, or the invalid ones."""
    if scope is CartScope.ALL:
        return _changed(tx, member, [store.delete_all(member.member_id)])
    rows = _locked(tx, member)
    if not rows:
        return _shown(tx, rows)
    facts = _facts(tx, [row.sku_id for row in rows])
    invalid = [line.line_id for line in _view(rows, facts).invalid_lines]
    if invalid:
        tx.execute(store.delete_lines(member.member_id, invalid))
    return _view([row for row in rows if row.line_id not in invalid], facts)


def _locked(tx: Tx, member: MemberSession) -> list[CartRow]:
    packet = [store.lock(member.member_id), store.select_lines(member.member_id, for_update=True)]
    return store.read_lines(tx.packet(packet)[-1].rows)


def _changed(tx: Tx, member: MemberSession, changes: Sequence[Statement]) -> Cart:
    """Make changes that need no look at the lines, and show what is left."""
    packet = [store.lock(member.member_id), *changes, store.select_lines(member.member_id)]
    return _shown(tx, store.read_lines(tx.packet(packet)[-1].rows))


def _shown(tx: Tx, rows: Sequence[CartRow]) -> Cart:
    if rows:
        return _view(rows, _facts(tx, [row.sku_id for row in rows]))
    totals = CartTotals(
        line_count=0, unit_count=0, goods_fen=0, discount_fen=0, payable_fen=0, free_freight_gap_fen=None
    )  # fmt: skip
    return Cart(lines=[], invalid_lines=[], line_count=0, totals=totals)


def _facts(tx: Tx, sku_ids: Sequence[int]) -> _Facts:
    ids = sorted(set(sku_ids))
    skus, stock, version = tx.packet(
        [catalog.skus_statement(ids), inventory.stock_statement(ids), pricing.freight_version_statement()]
    )
    book = pricing.freight_book(tx, version.rows[0]["version"])
    return _Facts(catalog.read_skus(skus.rows), inventory.read_stock(stock.rows), book)


def _view(rows: Sequence[CartRow], facts: _Facts) -> Cart:
    valid: list[CartLine] = []
    invalid: list[InvalidLine] = []
    for row in rows:
        sku, available = facts.skus.get(row.sku_id), rules.sellable_units(facts.stock, row.sku_id)
        reason = rules.why_invalid(row, sku, available)
        if sku is not None and reason is None:
            valid.append(_valid_line(row, sku, available))
        elif reason is not None:
            invalid.append(_invalid_line(row, sku, available, reason))
    return Cart(lines=valid, invalid_lines=invalid, line_count=len(rows), totals=_totals(valid, facts))


def _valid_line(row: CartRow, sku: SkuSnapshot, available: int) -> CartLine:
    return CartLine(
        line_id=row.line_id,
        sku_id=row.sku_id,
        product_id=sku.product_id,
        product_name=sku.product_name,
        sku_name=sku.sku_name,
        picture_url=sku.picture_url,
        quantity=row.quantity,
        selected=row.selected,
        list_price_fen=sku.list_price_fen,
        price_fen=sku.price_fen,
        added_price_fen=row.added_price_fen,
        subtotal_fen=sku.price_fen * row.quantity,
        available=available,
        added_at=row.added_at,
    )


def _invalid_line(row: CartRow, sku: SkuSnapshot | None, available: int, reason: InvalidReason) -> InvalidLine:
    return InvalidLine(
        line_id=row.line_id,
        sku_id=row.sku_id,
        product_id=row.product_id,
        product_name=sku.product_name if sku else None,
        sku_name=sku.sku_name if sku else None,
        picture_url=sku.picture_url if sku else None,
        quantity=row.quantity,
        price_fen=sku.price_fen if sku else None,
        added_price_fen=row.added_price_fen,
        available=available,
        added_at=row.added_at,
        reason=reason,
    )


def _totals(lines: Sequence[CartLine], facts: _Facts) -> CartTotals:
    chosen = [PricingLine(facts.skus[line.sku_id], line.quantity) for line in lines if line.selected]
    priced = pricing.price(chosen, None, facts.book)
    return CartTotals(
        line_count=len(chosen),
        unit_count=sum(line.quantity for line in chosen),
        goods_fen=priced.goods_fen,
        discount_fen=priced.discount_fen,
        payable_fen=priced.payable_fen,
        free_freight_gap_fen=priced.free_freight_gap_fen,
    )
