"""Misbehaviour on request: which fault strikes which kind of call, and how many times. Kept in memory only."""

from __future__ import annotations

import dataclasses
import threading
from enum import StrEnum
from typing import Any


class Call(StrEnum):
    """The kinds of calls and of notifications that can misbehave."""

    LOGIN = "login"
    TOKEN = "token"  # noqa: S105 (a kind of call, not a secret)
    PHONE = "phone"
    PREPAY = "prepay"
    QUERY = "query"
    CLOSE = "close"
    REFUND = "refund"
    REFUND_QUERY = "refund_query"
    ABNORMAL_REFUND = "abnormal_refund"
    CERTIFICATES = "certificates"
    PAYMENT_NOTICE = "payment_notice"
    REFUND_NOTICE = "refund_notice"


NOTICES = frozenset({Call.PAYMENT_NOTICE, Call.REFUND_NOTICE})
SERVER_API = frozenset({Call.LOGIN, Call.TOKEN, Call.PHONE})
PAY_API = frozenset(Call) - NOTICES - SERVER_API
ANSWERS = PAY_API | SERVER_API


class Fault(StrEnum):
    """Every misbehaviour. The comment says what it does and what its value means."""

    # Before the call is carried out.
    RATE_LIMITED = "rate_limited"  # 429 FREQUENCY_LIMITED, or errcode 45011
    ERROR_BEFORE = "error_before"  # 500 SYSTEM_ERROR, or errcode -1; nothing happened
    RESET_BEFORE = "reset_before"  # connection closed; nothing happened
    PAY_ERROR = "pay_error"  # value {"status", "code", "message"}
    USER_PAYING = "user_paying"  # 202 USERPAYING
    WECHAT_ERROR = "wechat_error"  # value = errcode, default -1
    NOT_ENOUGH = "not_enough"  # refund: 403, the merchant's balance is short
    # What happens inside.
    PAY_FIRST = "pay_first"  # close: the shopper's payment wins the race
    REFUND_OUTCOME = "refund_outcome"  # refund: value SUCCESS, ABNORMAL, CLOSED or HOLD
    NUMERIC_COUNTRY_CODE = "numeric_country_code"  # phone: countryCode as a number
    # After the call was carried out and committed.
    ERROR_AFTER = "error_after"  # 500 SYSTEM_ERROR although it happened
    RESET_AFTER = "reset_after"  # connection closed without an answer
    STALL = "stall"  # no answer for value seconds (default 30), then closed
    # The answer's signature and spelling.
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_CORRUPT = "signature_corrupt"
    SIGNATURE_AGED = "signature_aged"  # well signed, value seconds ago (default 600)
    SIGNATURE_FORGED = "signature_forged"  # by a stranger's key under the true serial
    SIGNATURE_PROBE = "signature_probe"  # begins WECHATPAY/SIGNTEST/
    BODY_TAMPERED = "body_tampered"  # body changed after signing
    OLD_SPELLING = "old_spelling"
    # Notifications.
    NOTICE_LOST = "notice_lost"  # never sent, never retried
    NOTICE_LATE = "notice_late"  # put off by value seconds (default 60)
    NOTICE_DOUBLED = "notice_doubled"  # sent twice; value "parallel" = at the same time
    NOTICES_REORDERED = "notices_reordered"  # a batch of two or more goes out backwards
    NOTICE_ACK_LOST = "notice_ack_lost"  # the merchant's answer is not seen: sent again
    NOTICE_FORGED = "notice_forged"  # signed by a stranger's key under the true serial
    NOTICE_TAMPERED = "notice_tampered"  # body changed after signing
    NOTICE_UNKNOWN_SERIAL = "notice_unknown_serial"  # signed by a stranger's key, its own serial
    NOTICE_WRONG_API_KEY = "notice_wrong_api_key"  # signature right, ciphertext under another key
    NOTICE_PROBE = "notice_probe"  # a WECHATPAY/SIGNTEST/ signature, then the real one
    NOTICE_AGED = "notice_aged"  # well signed, value seconds ago (default 600)
    NOTICE_HEADERS = "notice_headers"  # header names: value lower (default) or upper
    NOTICE_WRONG_AMOUNT = "notice_wrong_amount"
    NOTICE_WRONG_MCHID = "notice_wrong_mchid"
    NOTICE_WRONG_APPID = "notice_wrong_appid"
    NOTICE_WRONG_TRADE_NO = "notice_wrong_trade_no"


_SPECIAL: dict[Fault, frozenset[Call]] = {
    Fault.PAY_ERROR: PAY_API,
    Fault.USER_PAYING: PAY_API,
    Fault.WECHAT_ERROR: SERVER_API,
    Fault.NOT_ENOUGH: frozenset({Call.REFUND}),
    Fault.PAY_FIRST: frozenset({Call.CLOSE}),
    Fault.REFUND_OUTCOME: frozenset({Call.REFUND}),
    Fault.NUMERIC_COUNTRY_CODE: frozenset({Call.PHONE}),
    Fault.SIGNATURE_MISSING: PAY_API,
    Fault.SIGNATURE_CORRUPT: PAY_API,
    Fault.SIGNATURE_AGED: PAY_API,
    Fault.SIGNATURE_FORGED: PAY_API,
    Fault.SIGNATURE_PROBE: PAY_API,
    Fault.BODY_TAMPERED: PAY_API,
    Fault.OLD_SPELLING: PAY_API,
    Fault.NOTICE_WRONG_APPID: frozenset({Call.PAYMENT_NOTICE}),
}


def fits(fault: Fault) -> frozenset[Call]:
    """Return the kinds of calls that the fault can strike."""
    return _SPECIAL.get(fault, NOTICES if fault.value.startswith("notice") else ANSWERS)


_NUMBERS = frozenset({Fault.STALL, Fault.SIGNATURE_AGED, Fault.NOTICE_LATE, Fault.NOTICE_AGED, Fault.WECHAT_ERROR})
_WORDS: dict[Fault, tuple[str, ...]] = {
    Fault.REFUND_OUTCOME: ("SUCCESS", "ABNORMAL", "CLOSED", "HOLD"),
    Fault.NOTICE_HEADERS: ("lower", "upper"),
    Fault.NOTICE_DOUBLED: ("parallel",),
}


def check_value(fault: Fault, value: Any) -> None:
    """ValueError unless the value is of the kind that the fault takes, or None."""
    if fault in _NUMBERS:
        fine = isinstance(value, int | float) and not isinstance(value, bool)
    elif fault is Fault.PAY_ERROR:
        fine = isinstance(value, dict) and isinstance(value.get("status", 400), int)
    else:
        fine = value in _WORDS.get(fault, ())
    if value is not None and not fine:
        raise ValueError(f"{fault} cannot take the value {value!r}")


@dataclasses.dataclass
class Planned:
    """A fault waiting to strike: `times` None means until cleared; `call` None means any that fits."""

    fault: Fault
    call: Call | None
    times: int | None
    value: Any = None

    def number(self, default: float) -> float:
        """Return the value as a number, or the default where none was given."""
        return default if self.value is None else float(self.value)

    def describe(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {"name": self.fault, "call": self.call, "times": self.times, "value": self.value}


class FaultBoard:
    """The switches. Thread-safe; the oldest fitting plan strikes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: list[Planned] = []

    def plan(self, name: str, call: str | None = None, times: int | None = 1, value: Any = None) -> Planned:
        """Plan a fault; ValueError for an unknown name, a call that it cannot strike, a bad count or value."""
        fault, kind = Fault(name), Call(call) if call else None
        if kind and kind not in fits(fault):
            raise ValueError(f"{fault} cannot strike {kind}; it fits {', '.join(sorted(fits(fault)))}")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise ValueError("times must be a positive whole number, or null for: until cleared")
        check_value(fault, value)
        planned = Planned(fault, kind, times, value)
        with self._lock:
            self._plans.append(planned)
        return planned

    def take(self, fault: Fault, call: Call) -> Planned | None:
        """Return the plan that strikes this call now, and count it down; None when all is well."""
        if call not in fits(fault):
            return None
        with self._lock:
            for planned in self._plans:
                if planned.fault is fault and planned.call in (None, call):
                    self._count_down(planned)
                    return planned
        return None

    def _count_down(self, planned: Planned) -> None:
        if planned.times is not None:
            planned.times -= 1
            if planned.times == 0:
                self._plans.remove(planned)

    def first(self, faults: tuple[Fault, ...], call: Call) -> Planned | None:
        """Return the first of several faults that strikes this call."""
        return next((hit for fault in faults if (hit := self.take(fault, call))), None)

    def clear(self, name: str | None = None) -> None:
        """Forget all plans, or those of one name."""
        with self._lock:
            self._plans = [p for p in self._plans if name and p.fault != name]

    def listing(self) -> list[dict[str, Any]]:
        """Return what is still planned."""
        with self._lock:
            return [planned.describe() for planned in self._plans]
