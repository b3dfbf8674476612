"""Pure decisions about payments: does a transaction fit, when to ask again, what a refund is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchard.core.money import refund_due
from orchard.payments.models import ExceptionKind, RefundExceedsPaid, RefundUnits

# Seconds after a prepay at which WeChat Pay is asked, when no notification came. The payment times of orders end by
# closing, which asks as well, so the ladder need not go on for ever.
QUERY_LADDER = (10, 30, 60, 120, 300, 600, 1800, 3900)
MOST_REFUNDS = 50
_FIRST_RETRY_SECONDS = 60
_LONGEST_RETRY_SECONDS = 6 * 3600
# A short balance is topped up by a person, which takes longer than a busy platform.
_BALANCE_RETRY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Expected:
    """What our books say about a payment; `merchant_id` and `app_id` are ours."""

    merchant_id: str
    app_id: str
    amount_fen: int
    openid: str


@dataclass(frozen=True, slots=True)
class PaidFacts:
    """What WeChat Pay says about money that arrived."""

    merchant_id: str
    app_id: str
    order_number: str
    transaction_id: str
    amount_fen: int
    currency: str
    openid: str | None


def mismatch(expected: Expected, said: PaidFacts) -> ExceptionKind | None:
    """Why the money cannot be taken for this payment, or None when everything fits."""
    if (said.merchant_id, said.app_id) != (expected.merchant_id, expected.app_id):
        return ExceptionKind.FOREIGN_MERCHANT
    if said.currency != "CNY":
        return ExceptionKind.WRONG_CURRENCY
    if said.amount_fen != expected.amount_fen:
        return ExceptionKind.WRONG_AMOUNT
    if said.openid != expected.openid:
        return ExceptionKind.WRONG_PAYER
    return None


def seconds_to_next_query(attempt: int) -> int | None:
    """Seconds from the query number `attempt` (0: the prepay itself) to the next one; None after the last."""
    if attempt >= len(QUERY_LADDER):
        return None
    return QUERY_LADDER[attempt] - (QUERY_LADDER[attempt - 1] if attempt else 0)


def seconds_to_next_try(tries: int, *, balance_short: bool = False) -> int:
    """Seconds until try number `tries + 1`: doubling, at least a minute (WeChat Pay's gap), at most six hours."""
    first = _BALANCE_RETRY_SECONDS if balance_short else _FIRST_RETRY_SECONDS
    return int(min(first * 2 ** min(max(tries - 1, 0), 20), _LONGEST_RETRY_SECONDS))


@dataclass(frozen=True, slots=True)
class PaidLine:
    """An order line as paid for: `goods_fen` and `freight_fen` for all of its `units`."""

    order_line_id: int
    units: int
    goods_fen: int
    freight_fen: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What of a line was given back before, or is on its way."""

    units: int = 0
    goods_fen: int = 0
    freight_fen: int = 0


@dataclass(frozen=True, slots=True)
class DueLine:
    """What one line is due now, in fen."""

    order_line_id: int
    units: int
    goods_fen: int
    freight_fen: int


def whole_rest(lines: Sequence[PaidLine], returned: Mapping[int, Returned]) -> list[RefundUnits]:
    """All units that were not given back yet."""
    rest = [(line, line.units - _of(returned, line).units) for line in lines]
    return [RefundUnits(line.order_line_id, units) for line, units in rest if units > 0]


def due_lines(
    lines: Sequence[PaidLine], returned: Mapping[int, Returned], wanted: Sequence[RefundUnits]
) -> list[DueLine]:
    """What the wanted units are due, by the cumulative formula: any split that returns all returns exactly all.

    Raises RefundExceedsPaid for unknown or repeated lines, for units that are not there, and for nothing at all.
    """
    by_id = {line.order_line_id: line for line in lines}
    ids = [units.order_line_id for units in wanted]
    if not wanted or len(set(ids)) != len(ids) or not set(ids) <= by_id.keys():
        raise RefundExceedsPaid
    return [_due(by_id[units.order_line_id], _of(returned, by_id[units.order_line_id]), units) for units in wanted]


def _of(returned: Mapping[int, Returned], line: PaidLine) -> Returned:
    return returned.get(line.order_line_id, Returned())


def _due(line: PaidLine, before: Returned, wanted: RefundUnits) -> DueLine:
    after = before.units + wanted.units
    if wanted.units < 1 or after > line.units:
        raise RefundExceedsPaid(order_line_id=str(line.order_line_id), refundable_units=line.units - before.units)
    # An earlier refund may have failed and freed units that were rounded up: never below zero.
    goods = max(0, refund_due(line.goods_fen, line.units, after, before.goods_fen))
    freight = max(0, refund_due(line.freight_fen, line.units, after, before.freight_fen))
    return DueLine(line.order_line_id, wanted.units, goods, freight)
