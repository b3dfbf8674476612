"""Money is integer fen. Shares are allocated by largest remainder so that their sum is always exact."""

from collections.abc import Sequence


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` fen over `weights` by largest remainder, ties by position.

    Every share is floored, then the left-over fen go one each to the largest remainders. The sum is exactly
    `total`; no share exceeds its weight when `total <= sum(weights)`.

    Raises ValueError for a negative total or weight, or for a positive total over weights that are all zero.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("negative amount")
    base = sum(weights)
    if base == 0:
        if total:
            raise ValueError("nothing to allocate to")
        return [0] * len(weights)
    shares = [total * weight // base for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % base), i))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def refund_due(payable: int, units: int, returned_units: int, already_refunded: int) -> int:
    """What is due in fen when `returned_units` of `units` have come back in all, net of `already_refunded`.

    Cumulative, so that returning everything, in any split, returns exactly `payable`.
    """
    if not 0 <= returned_units <= units or units < 1:
        raise ValueError("units out of range")
    return payable * returned_units // units - already_refunded


def yuan(fen: int) -> str:
    """Fen as a display string, e.g. 1999 -> "19.99"."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
