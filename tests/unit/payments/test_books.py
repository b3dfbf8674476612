"""Postings: an entry balances or is not written."""

import pytest

from orchard.payments.store import books


def test_an_entry_that_does_not_balance_is_refused() -> None:
    with pytest.raises(ValueError, match="unbalanced"):
        books.post("payment:1", "20260101AAAA", {"gateway_clearing": 100, "revenue": -99})


def test_accounts_that_do_not_move_have_no_row() -> None:
    (statement,) = books.post("payment:1", "20260101AAAA", {"gateway_clearing": 5, "revenue": -5, "freight": 0})
    assert statement.expect == 2


def test_an_entry_of_zeros_is_nothing() -> None:
    assert books.post("refund:1", "20260101AAAA", {"revenue": 0, "gateway_clearing": 0}) == []
