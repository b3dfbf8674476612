"""Orders by the hundred thousand, written by SQL from one that was really placed: same columns, same books.

Placing a million would take an hour; what is measured afterwards are the real functions on the tables' real sizes.
"""

from collections.abc import Iterator

from benchmarks.shop import draft
from orchard.orders.service import place
from orchard.runtime.database import Connection, Statement, Tx
from orchard.runtime.sessions import MemberSession

_FIRST_ID = 1_000_000
_CHUNK = 50_000
# Members who made them, ten orders each; no row of theirs is needed.
_FIRST_MEMBER = 1_000
_ORDER_COLUMNS = (
    "delivery_method, store_id, region_code, address_sealed, remark, line_count, goods_fen, discount_fen, freight_fen,"
    " payable_fen, trace"
)
_LINE_COLUMNS = (
    "product_name, sku_name, picture_url, quantity, unit_list_price_fen, unit_price_fen, gross_fen, discount_fen,"
    " freight_fen, payable_fen"
)
# Unlike their ids, orders' numbers do not come in order.
_NUMBER = "CONCAT('20250101', UPPER(LEFT(MD5(n), 16)))"
_OLD = "UTC_TIMESTAMP(6) - INTERVAL 10 DAY"


class Crowd:
    """Writes orders behind those that it wrote before. The shop must have SKUs of its own for it."""

    def __init__(self, db: Connection, member: MemberSession, skus: list[int], address_id: int) -> None:
        self._db, self._skus, self.total = db, len(skus), 0
        wanted = draft(db, member, skus[:2], address_id)
        self._model = db.run(lambda tx: place.place_order(tx, member, wanted)).order_number
        db.run(lambda tx: tx.packet(list(_numbers(skus))))

    def grow(self, total: int) -> None:
        """Paid orders that wait to be shipped, with payment, receipt and postings, until there are so many."""
        self._write(total - self.total, paid=True)

    def add_unpaid(self, many: int) -> None:
        """Orders past their time to pay that nobody began to pay."""
        self._write(many, paid=False)

    def _write(self, many: int, *, paid: bool) -> None:
        for start in range(self.total, self.total + many, _CHUNK):
            end = min(start + _CHUNK, self.total + many)
            for sql in _sqls(paid=paid):
                self._send(sql, start, end)
        self.total += many
        # Once for all of them: the columns are what the ledger says.
        self._db.run(_settle_stock)

    def _send(self, sql: str, start: int, end: int) -> None:
        marks = {"model": f"'{self._model}'", "skus": self._skus, "id": _FIRST_ID, "member": _FIRST_MEMBER}
        own = f"(SELECT n + {start} AS n FROM benchmark_number WHERE n < {end - start}) numbers"
        statement = Statement(sql.format(numbers=own, number=_NUMBER, old=_OLD, **marks))
        self._db.another(600).run(lambda tx: tx.execute(statement))


def _numbers(skus: list[int]) -> Iterator[Statement]:
    """0 to 49,999, and the SKUs by number."""
    digit = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6"
    digit += " UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
    yield Statement("CREATE TABLE benchmark_number (n INT UNSIGNED NOT NULL PRIMARY KEY)")
    yield Statement(
        "INSERT INTO benchmark_number SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d"
        f" FROM {digit} a, {digit} b, {digit} c, {digit} e, {digit} f WHERE f.d < 5"
    )
    yield Statement(
        "CREATE TABLE benchmark_sku (n INT UNSIGNED NOT NULL PRIMARY KEY, sku_id BIGINT UNSIGNED NOT NULL,"
        " product_id BIGINT UNSIGNED NOT NULL)"
    )
    marks = ", ".join(["%s"] * len(skus))
    yield Statement(
        "INSERT INTO benchmark_sku SELECT ROW_NUMBER() OVER (ORDER BY id) - 1, id, product_id FROM sku"
        f" WHERE id IN ({marks})",
        skus,
    )


def _sqls(*, paid: bool) -> list[str]:
    """INSERTs for the orders of one chunk of numbers."""
    state, version = ("'TO_SHIP'", 3) if paid else ("'PENDING_PAY'", 1)
    paid_at = "{old}" if paid else "NULL"
    common = [
        f"INSERT INTO orders (id, order_number, member_id, state, version, {_ORDER_COLUMNS}, created_at, expires_at,"
        f" paid_at) SELECT {{id}} + n, {{number}}, {{member}} + n DIV 10, {state}, {version}, {_ORDER_COLUMNS},"
        f" {{old}}, {{old}} + INTERVAL 30 MINUTE, {paid_at} FROM orders m, {{numbers}}"
        " WHERE m.order_number = {model}",
        f"INSERT INTO order_line (id, order_id, position, product_id, sku_id, location_id, {_LINE_COLUMNS})"
        f" SELECT ({{id}} + numbers.n) * 2 + l.position, {{id}} + numbers.n, l.position, s.product_id, s.sku_id,"
        f" l.location_id, {', '.join('l.' + name.strip() for name in _LINE_COLUMNS.split(','))}"
        " FROM orders m JOIN order_line l ON l.order_id = m.id JOIN {numbers}"
        " JOIN benchmark_sku s ON s.n = (numbers.n * 7 + l.position * 13) % {skus} WHERE m.order_number = {model}",
        _event(1, "NULL", "PENDING_PAY", "placed"),
        _ledger("RESERVE", "NULL", "0", "l.quantity"),
    ]
    if not paid:
        return common
    return [
        *common,
        _event(2, "'PENDING_PAY'", "PAID", "paid"),
        _event(3, "'PAID'", "TO_SHIP", "ready"),
        _ledger("DEDUCT", "l.id", "-CAST(l.quantity AS SIGNED)", "-CAST(l.quantity AS SIGNED)"),
        "INSERT INTO payment (id, order_id, order_number, amount_fen, state, prepay_body, prepay_id, paid_at,"
        " created_at) SELECT {id} + n, {id} + n, {number}, m.payable_fen, 'SUCCESS', '{{}}', MD5(n), {old}, {old}"
        " FROM orders m, {numbers} WHERE m.order_number = {model}",
        "INSERT INTO payment_receipt (id, payment_id, transaction_id, amount_fen, effective, source, succeeded_at)"
        " SELECT {id} + n, {id} + n, MD5(n), m.payable_fen, 1, 'NOTIFY', {old} FROM orders m, {numbers}"
        " WHERE m.order_number = {model}",
        _posting("gateway_clearing", "CAST(m.payable_fen AS SIGNED)"),
        _posting("revenue", "-CAST(m.payable_fen AS SIGNED)"),
    ]


def _event(version: int, source: str, target: str, reason: str) -> str:
    return (
        "INSERT INTO order_event (order_id, version, from_state, to_state, actor, reason, created_at)"
        f" SELECT {{id}} + n, {version}, {source}, '{target}', 'system', '{reason}', {{old}} FROM {{numbers}}"
    )


def _ledger(kind: str, settled: str, on_hand: str, reserved: str) -> str:
    return (
        "INSERT INTO stock_ledger (line_id, kind, cause, settled_line_id, order_id, sku_id, location_id,"
        f" delta_on_hand, delta_reserved, created_at) SELECT l.id, '{kind}', '', {settled}, l.order_id, l.sku_id,"
        f" l.location_id, {on_hand}, {reserved}, {{old}} FROM {{numbers}}"
        " STRAIGHT_JOIN order_line l ON l.order_id = {id} + numbers.n"
    )


def _posting(account: str, fen: str) -> str:
    return (
        "INSERT INTO money_posting (entry_id, account, amount_fen, cause, order_number, created_at)"
        f" SELECT {{id}} + n, '{account}', {fen}, CONCAT('payment:', MD5(n)), {{number}}, {{old}}"
        " FROM orders m, {numbers} WHERE m.order_number = {model}"
    )


def _settle_stock(tx: Tx) -> None:
    tx.execute(
        Statement(
            "UPDATE stock s JOIN (SELECT sku_id, location_id, SUM(delta_on_hand) AS on_hand, SUM(delta_reserved) AS"
            " reserved FROM stock_ledger GROUP BY sku_id, location_id) g ON g.sku_id = s.sku_id AND g.location_id ="
            " s.location_id SET s.on_hand = g.on_hand, s.reserved = g.reserved"
        )
    )
