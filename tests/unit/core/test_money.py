import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.core.money import allocate, refund_due, yuan

weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any)


@given(weights, st.data())
def test_shares_sum_to_the_total_and_never_exceed_their_line(parts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(parts)))
    shares = allocate(total, parts)
    assert sum(shares) == total
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@given(weights, st.data())
def test_each_share_is_within_one_fen_of_exact(parts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(parts)))
    for share, part in zip(allocate(total, parts), parts, strict=True):
        assert abs(share * sum(parts) - total * part) < sum(parts)


def test_one_fen_over_three_equal_lines_goes_to_the_first() -> None:
    assert allocate(1, [1, 1, 1]) == [1, 0, 0]
    assert allocate(100, [333, 333, 333]) == [34, 33, 33]


@pytest.mark.parametrize(("total", "parts"), [(1, [0, 0]), (-1, [1]), (1, [-1, 2])])
def test_impossible_splits_are_refused(total: int, parts: list[int]) -> None:
    with pytest.raises(ValueError, match=r"amount|allocate"):
        allocate(total, parts)


@given(st.integers(0, 10**7), st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_refunds_in_any_split_return_exactly_what_was_paid(payable: int, splits: list[int]) -> None:
    units, returned, refunded = sum(splits), 0, 0
    for step in splits:
        returned += step
        due = refund_due(payable, units, returned, refunded)
        assert due >= 0
        refunded += due
    assert refunded == payable


@pytest.mark.parametrize("returned", [-1, 4])
def test_refund_of_more_units_than_bought_is_refused(returned: int) -> None:
    with pytest.raises(ValueError, match="units"):
        refund_due(100, 3, returned, 0)


def test_yuan_shows_two_decimals_and_sign() -> None:
    assert [yuan(fen) for fen in (0, 5, 1999, -250)] == ["0.00", "0.05", "19.99", "-2.50"]
