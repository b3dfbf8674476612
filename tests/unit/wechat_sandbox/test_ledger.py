"""The books: every fen that moved stands there once, and a missing or changed entry is found."""

from __future__ import annotations

import pytest

from .merchant import Merchant


def test_the_books_follow_the_money(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    client.settings(minute_between_refunds=False)
    merchant.paid("ORDER-1", 990)
    merchant.paid("ORDER-2", 5)
    merchant.prepay("ORDER-3")
    merchant.refund("R1", refund=1)
    merchant.refund("R2", refund=989)
    client.deliver_notifications()
    books = client.ledger()
    assert [(e["kind"], e["reference"], e["amount_fen"], e["balance_after_fen"]) for e in books["entries"]] == [
        ("PAYMENT", "ORDER-1", 990, 990),
        ("PAYMENT", "ORDER-2", 5, 995),
        ("REFUND", "R1", -1, 994),
        ("REFUND", "R2", -989, 5),
    ]
    states = [(p["out_trade_no"], p["state"], p["paid_fen"], p["refunded_fen"]) for p in books["payments"]]
    assert states == [("ORDER-1", "REFUND", 990, 990), ("ORDER-2", "SUCCESS", 5, 0), ("ORDER-3", "NOTPAY", 0, 0)]
    assert books["totals"] == {"paid_fen": 995, "refunded_fen": 990, "balance_fen": 5}
    assert books["differences"] == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("DELETE FROM entries WHERE reference = 'ORDER-1'", ["PAYMENT ORDER-1: 990 fen", "balance after entry 2"]),
        ("UPDATE entries SET balance_after_fen = 7 WHERE id = 2", ["balance after entry 2"]),
        ("UPDATE orders SET total_fen = 991 WHERE out_trade_no = 'ORDER-2'", ["PAYMENT ORDER-2: 991 fen"]),
    ],
)
def test_differences_are_found(merchant: Merchant, harm: str, found: list[str]) -> None:
    merchant.paid("ORDER-1")
    merchant.paid("ORDER-2")
    with merchant.sandbox.world.store.transaction() as tx:
        tx.execute(harm)
    assert set(found) <= set(merchant.sandbox.client.ledger()["differences"])
