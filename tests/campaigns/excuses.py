"""What a campaign need not reach, each with its reason; a name that no longer exists fails the campaign."""

_NO_SHIPPING = "nothing ships yet: the states stand in the table for the capability that will"
_MERCHANT = "said to the merchant's side, which has no endpoint"
_KIND = "only its subclasses are raised"
_GUARD = "a guard behind the row's lock: whoever holds the lock has checked the state before"
_SHOWN = "caught while placing, and shown as quote_changed with the new quote"
_INSIDE = "between us and WeChat Pay: workflows decide by it and never answer it"

_SHIPPED = ("PART_SHIPPED", "SHIPPED", "RECEIVED", "FINISHED")
_SHIPPING = (
    *_SHIPPED, "TO_SHIP -> PART_SHIPPED", "TO_SHIP -> SHIPPED", "PART_SHIPPED -> SHIPPED", "SHIPPED -> RECEIVED",
    "RECEIVED -> FINISHED", *(f"{state} -> REFUNDED" for state in _SHIPPED),
)  # fmt: skip
_REFUSALS = {
    _MERCHANT: (
        "adjustment_key_reused", "coupon_template_conflict", "group_buy_activity_conflict", "invalid_coupon_template",
        "invalid_freight", "invalid_group_buy_activity", "not_refundable", "refund_exceeds_paid", "refund_key_reused",
        "refund_too_old", "stock_already_opened", "stock_below_reserved", "too_many_refunds",
    ),
    _KIND: ("conflict", "forbidden"),
    _GUARD: (
        "coupon_state_conflict", "group_seat_conflict", "order_state_conflict", "stock_line_not_open",
        "stock_line_reserved",
    ),
    _SHOWN: ("already_in_group", "coupon_budget_spent", "coupon_taken", "group_buy_sold_out", "group_seat_lost"),
    _INSIDE: ("merchant_balance_not_enough", "order_already_closed", "order_missing_at_wechat"),
    "an untyped error is a bug, and fails where it is seen": ("internal_error",),
    "the edge repeats the request, and finds the answer of the first": ("commit_unknown",),
}  # fmt: skip

EXCUSES: dict[str, str] = {
    **{f"orders.state: {step}": _NO_SHIPPING for step in _SHIPPING},
    **{f"refusal: {code}": reason for reason, codes in _REFUSALS.items() for code in codes},
    **{f"stock_ledger.kind: {kind}": _MERCHANT for kind in ("ADJUST", "RECEIVE", "WRITE_OFF")},
    "refund.kind: EXTERNAL": "begun in the merchant's console, which the sandbox does not play",
    "refund.state: ABNORMAL -> PROCESSING": "tried again in the merchant's console, which the sandbox does not play",
    "orders.state: PAID -> REFUNDED": "a paid order goes on within the transaction that paid it",
}
