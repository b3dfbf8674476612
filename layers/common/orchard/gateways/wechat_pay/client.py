"""The calls to WeChat Pay v3 for mini-program orders and refunds.

Every call may raise, besides what its own text names:
- CounterpartyRefused: refused for good; `reason` is the platform's code;
- RetryLater (NotEnoughBalance, FrequencyLimited, MerchantSetupRefused) and Unavailable: certainly not done;
- OutcomeUnknown: time-out, 5xx, or an answer without a valid signature. It may have been done: query.
"""

import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from orchard.core import clock
from orchard.core.errors import Unavailable
from orchard.gateways.errors import OutcomeUnknown
from orchard.gateways.http import PAUSE_SECONDS, Answer, Host, NoAnswer, NotSent, Timeouts
from orchard.gateways.wechat_pay import models
from orchard.gateways.wechat_pay.errors import MerchantSetupRefused, NotEnoughBalance, OrderMissing, refusal
from orchard.gateways.wechat_pay.models import Refund, RefundRequest, Transaction
from orchard.gateways.wechat_pay.settings import MerchantKeys
from orchard.gateways.wechat_pay.signing import (
    MerchantSigner,
    PlatformKeys,
    ReloadKeys,
    Unverified,
    new_nonce,
    signed_headers,
    timestamp_now,
)

logger = logging.getLogger(__name__)

TIMEOUTS = Timeouts()
_MAX_DESCRIPTION = 127
_PREPAY_ID = re.compile(r"[0-9A-Za-z_\-]{1,64}")
_CODE = re.compile(r"[0-9A-Za-z_]{1,64}")
_REFUNDS = "/v3/refund/domestic/refunds"
M = TypeVar("M", bound=BaseModel)


class WeChatPayClient:
    """One merchant at WeChat Pay. Raises ConfigurationError at once for keys that cannot work.

    `reload_keys` returns the platform's current keys when an answer names an unknown serial. Calls are never
    repeated, except once after a quick 429 or when no connection was made: then nothing can have happened.
    """

    def __init__(
        self,
        keys: MerchantKeys,
        api_url: str = "https://api.mch.weixin.qq.com",
        *,
        reload_keys: ReloadKeys | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._keys = keys
        self._signer = MerchantSigner(keys.merchant_private_key)
        self.platform_keys = PlatformKeys(keys.platform_public_keys, reload_keys)
        self._timeouts = timeouts
        self._host = Host(api_url, timeouts, "WeChat Pay API URL")

    def prepay_body(
        self,
        *,
        out_trade_no: str,
        description: str,
        total_fen: int,
        openid: str,
        notify_url: str,
        time_expire: datetime,
        attach: str | None = None,
    ) -> bytes:
        """The bytes to store and to post, again and again if need be: a changed body is refused by the platform.

        `description` is cut to 127 characters; only the first call's `time_expire` counts, and it stops payment
        without changing the order's state. Raises ValueError for a number or amount that cannot be right.
        """
        if type(total_fen) is not int or total_fen < 1:
            raise ValueError("total_fen must be a positive integer")
        values: dict[str, Any] = {
            "appid": self._keys.app_id,
            "mchid": self._keys.merchant_id,
            "description": description[:_MAX_DESCRIPTION],
            "out_trade_no": models.check_out_trade_no(out_trade_no),
            "time_expire": models.shanghai_time(time_expire),
            "notify_url": notify_url,
            "amount": {"total": total_fen, "currency": "CNY"},
            "payer": {"openid": openid},
        }
        return models.canonical(values | ({"attach": attach} if attach else {}))

    def prepay(self, body: bytes) -> str:
        """The prepay_id, good for 2 hours, for a stored `prepay_body`. Raises AlreadyPaid or AlreadyClosed too."""
        answer = self._call("prepay", "POST", "/v3/pay/transactions/jsapi", body)
        prepay_id = _object(answer, "prepay").get("prepay_id")
        if not isinstance(prepay_id, str) or not _PREPAY_ID.fullmatch(prepay_id):
            raise OutcomeUnknown("prepay: no prepay_id")
        return prepay_id

    def request_payment_parameters(self, prepay_id: str) -> dict[str, str]:
        """What the mini-program hands to `wx.requestPayment`; every value is a string, timeStamp in seconds."""
        if not _PREPAY_ID.fullmatch(prepay_id):
            raise ValueError("not a prepay_id")
        timestamp, nonce, package = timestamp_now(), new_nonce(), f"prepay_id={prepay_id}"
        signature = self._signer.sign(*(part.encode() for part in (self._keys.app_id, timestamp, nonce, package)))
        return {"timeStamp": timestamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": signature}

    def query(self, out_trade_no: str) -> Transaction | None:
        """The order as the platform has it, or None if it has never seen the number. May raise AlreadyClosed."""
        number = quote(models.check_out_trade_no(out_trade_no), safe="")
        target = f"/v3/pay/transactions/out-trade-no/{number}?mchid={quote(self._keys.merchant_id, safe='')}"
        try:
            answer = self._call("query", "GET", target)
        except OrderMissing:
            return None
        found = _parsed(Transaction, answer, "query")
        # The signature does not cover the request, so the answer must itself say what it is about.
        if (found.out_trade_no, found.mchid, found.appid) != (out_trade_no, self._keys.merchant_id, self._keys.app_id):
            raise OutcomeUnknown("query: the answer is about another order")
        return found

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; may be repeated. Raises AlreadyPaid, AlreadyClosed or OrderMissing too."""
        number = quote(models.check_out_trade_no(out_trade_no), safe="")
        body = models.canonical({"mchid": self._keys.merchant_id})
        self._call("close", "POST", f"/v3/pay/transactions/out-trade-no/{number}/close", body)

    def refund(self, request: RefundRequest) -> Refund:
        """Ask for a refund; the answer means accepted, not done. Retry only with the same number and fields.

        Raises NotEnoughBalance (somebody must top up), OrderMissing, or what every call raises.
        """
        found = _parsed(Refund, self._call("refund", "POST", _REFUNDS, request.body()), "refund")
        if (found.out_refund_no, found.out_trade_no, found.amount.refund) != (
            request.out_refund_no,
            request.out_trade_no,
            request.refund_fen,
        ):
            raise OutcomeUnknown("refund: the answer is about another refund")
        return found

    def query_refund(self, out_refund_no: str) -> Refund | None:
        """The refund as the platform has it, or None if it has never seen the number."""
        number = quote(models.check_out_refund_no(out_refund_no), safe="")
        try:
            answer = self._call("query_refund", "GET", f"{_REFUNDS}/{number}")
        except OrderMissing:
            return None
        found = _parsed(Refund, answer, "query_refund")
        if found.out_refund_no != out_refund_no:
            raise OutcomeUnknown("query_refund: the answer is about another refund")
        return found

    def _call(self, operation: str, method: str, target: str, body: bytes = b"") -> Answer:
        began = time.monotonic()
        answer = self._send(operation, method, target, body)
        # A slow refusal has used up the time of a second try.
        if answer.status == 429 and time.monotonic() - began < self._timeouts.connect:
            time.sleep(PAUSE_SECONDS)
            answer = self._send(operation, method, target, body)
        self._check(operation, answer)
        return answer

    def _send(self, operation: str, method: str, target: str, body: bytes) -> Answer:
        for last in (False, True):
            # Signed anew for each attempt: the platform may refuse a nonce that it has seen.
            headers = self._headers(method, target, body)
            try:
                return self._host.send(method, target, headers, body)
            except NotSent as error:
                logger.warning("wechat pay %s: not sent: %s", operation, error)
                if last:
                    raise Unavailable() from None
            except NoAnswer as error:
                logger.warning("wechat pay %s: no answer: %s", operation, error)
                raise OutcomeUnknown(f"{operation}: {error}") from None
        raise AssertionError("unreachable")

    def _headers(self, method: str, target: str, body: bytes) -> Mapping[str, str]:
        headers = {
            "Authorization": self._signer.authorization(
                self._keys.merchant_id, self._keys.merchant_serial, method, target, body
            ),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "orchard",
        }
        serial = self.platform_keys.encryption_serial()
        return headers | ({"Wechatpay-Serial": serial} if serial else {})

    def _check(self, operation: str, answer: Answer) -> None:
        code = _error_code(answer)
        if answer.status not in {200, 204}:
            logger.warning(
                "wechat pay %s: HTTP %s %s, request %s",
                operation,
                answer.status,
                code or "without a code",
                _request_id(answer),
            )
        self._verify(operation, answer)
        if answer.status in {200, 204}:
            return
        refused = refusal(answer.status, code) if code and 400 <= answer.status < 500 else None
        if refused is None:
            raise OutcomeUnknown(f"{operation}: HTTP {answer.status} {code}".rstrip())
        if isinstance(refused, (MerchantSetupRefused, NotEnoughBalance)):
            logger.error("wechat pay %s: %s needs the merchant's attention", operation, code)
        raise refused

    def _verify(self, operation: str, answer: Answer) -> None:
        # Errors may come unsigned from in front of the platform; one that claims a signature must have a good one.
        is_signed = any(name.lower() == "wechatpay-signature" for name, _ in answer.headers)
        if answer.status >= 300 and not is_signed:
            return
        try:
            self.platform_keys.verify(signed_headers(answer.headers), answer.body, clock.utc_now())
        except Unverified as error:
            logger.error("wechat pay %s: HTTP %s, %s", operation, answer.status, error)
            raise OutcomeUnknown(f"{operation}: HTTP {answer.status}, {error}") from None


def _object(answer: Answer, operation: str) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.body.decode())
    except (ValueError, RecursionError):
        parsed = None
    if answer.status != 200 or not isinstance(parsed, dict):
        raise OutcomeUnknown(f"{operation}: HTTP {answer.status} without a JSON object")
    return parsed


def _parsed(model: type[M], answer: Answer, operation: str) -> M:
    try:
        return model.model_validate(_object(answer, operation))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
        raise OutcomeUnknown(f"{operation}: the answer lacks or garbles {fields or 'a field'}") from None


def _error_code(answer: Answer) -> str:
    """The platform's code alone: the message and the quoted value may hold personal data."""
    try:
        code = json.loads(answer.body.decode())["code"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _request_id(answer: Answer) -> str:
    """Its last part is the platform's internal reason, the best help when something is refused."""
    value = next((value for name, value in answer.headers if name.lower() == "request-id"), "")
    return value[-64:] if value.isascii() and value.isprintable() else ""
