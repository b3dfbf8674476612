"""Pay v3 over HTTP: checks the merchant's request, carries it out, signs the answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from . import bodies, crypto, payments, refunds, signing, transport
from .errors import PayError
from .faults import Call, Fault
from .world import World, rfc3339

Answer = dict[str, Any] | None


def prepay(world: World, request: Request) -> Answer:
    """POST /v3/pay/transactions/jsapi."""
    return payments.prepay(world, bodies.parse(bodies.PrepayRequest, request.get_data()))


def query_by_number(world: World, request: Request, out_trade_no: str) -> Answer:
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=."""
    return payments.query(world, request.args.get("mchid"), out_trade_no)


def query_by_id(world: World, request: Request, transaction_id: str) -> Answer:
    """GET /v3/pay/transactions/id/{transaction_id}?mchid=."""
    return payments.query(world, request.args.get("mchid"), transaction_id, "transaction_id")


def close(world: World, request: Request, out_trade_no: str) -> Answer:
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close: 204."""
    body = bodies.parse(bodies.CloseRequest, request.get_data())
    payments.close(world, body.mchid, out_trade_no)
    return None


def refund(world: World, request: Request) -> Answer:
    """POST /v3/refund/domestic/refunds."""
    return refunds.accept(world, bodies.parse(bodies.RefundRequest, request.get_data()))


def query_refund(world: World, request: Request, out_refund_no: str) -> Answer:
    """GET /v3/refund/domestic/refunds/{out_refund_no}."""
    return refunds.query(world, out_refund_no)


def retry_abnormal(world: World, request: Request, refund_id: str) -> Answer:
    """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund."""
    body = bodies.parse(bodies.AbnormalRefundRequest, request.get_data())
    return refunds.retry_abnormal(world, refund_id, body)


def certificates(world: World, request: Request) -> Answer:
    """GET /v3/certificates; a merchant of public-key mode has none."""
    if world.settings.serial_mode == "public_key":
        raise PayError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请使用微信支付公钥")
    config, nonce = world.config, crypto.random_text(12)
    return {
        "data": [
            {
                "serial_no": config.certificate_serial,
                "effective_time": rfc3339(config.x509.not_valid_before_utc.timestamp()),
                "expire_time": rfc3339(config.x509.not_valid_after_utc.timestamp()),
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": crypto.seal(config.api_v3_key, config.certificate.encode(), nonce, "certificate"),
                },
            }
        ]
    }


_ORDERS = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
HANDLERS: dict[str, tuple[Call, Callable[..., Answer]]] = {
    "prepay": (Call.PREPAY, prepay),
    "query_by_number": (Call.QUERY, query_by_number),
    "query_by_id": (Call.QUERY, query_by_id),
    "close": (Call.CLOSE, close),
    "refund": (Call.REFUND, refund),
    "query_refund": (Call.REFUND_QUERY, query_refund),
    "retry_abnormal": (Call.ABNORMAL_REFUND, retry_abnormal),
    "certificates": (Call.CERTIFICATES, certificates),
}


def rules() -> list[Rule]:
    """Return the routes; an endpoint is a key of HANDLERS."""
    return [
        Rule(f"{_ORDERS}/jsapi", methods=["POST"], endpoint="prepay"),
        Rule(f"{_ORDERS}/out-trade-no/<out_trade_no>", methods=["GET"], endpoint="query_by_number"),
        Rule(f"{_ORDERS}/id/<transaction_id>", methods=["GET"], endpoint="query_by_id"),
        Rule(f"{_ORDERS}/out-trade-no/<out_trade_no>/close", methods=["POST"], endpoint="close"),
        Rule(_REFUNDS, methods=["POST"], endpoint="refund"),
        Rule(f"{_REFUNDS}/<out_refund_no>", methods=["GET"], endpoint="query_refund"),
        Rule(f"{_REFUNDS}/<refund_id>/apply-abnormal-refund", methods=["POST"], endpoint="retry_abnormal"),
        Rule("/v3/certificates", methods=["GET"], endpoint="certificates"),
    ]


def respond(world: World, request: Request, endpoint: str, args: dict[str, Any], stopping: threading.Event) -> Response:
    """Answer one call, signed; misbehaviour strikes only requests that the real platform would serve."""
    call, handler = HANDLERS[endpoint]
    try:
        _check_request(world, request)
        _strike_before(world, call)
        content = handler(world, request, **args)
        transport.after_commit(world.faults, call, stopping)
        if world.faults.take(Fault.ERROR_AFTER, call):
            raise PayError(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    except PayError as error:
        return refuse(world, request, error, call)
    return _signed(world, request, 204 if content is None else 200, content, call)


def refuse(world: World, request: Request, error: PayError, call: Call | None = None) -> Response:
    """Return the signed error answer."""
    old = bool(call and world.faults.take(Fault.OLD_SPELLING, call))
    return _signed(world, request, error.status, error.body(old), call, error.internal)


def _check_request(world: World, request: Request) -> None:
    body, headers = request.get_data(), request.headers
    target = request.environ.get("REQUEST_URI") or request.full_path.removesuffix("?")
    signing.authenticate(world, headers.get("Authorization"), request.method, target, body)
    accepted = headers.get("Accept", "")
    if not headers.get("User-Agent") or not ("application/json" in accepted or "*/*" in accepted):
        raise PayError(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
    if request.method == "POST" and request.mimetype != "application/json":
        raise PayError(400, "PARAM_ERROR", "Http头Content-Type须为application/json")
    known = ("", world.config.platform_public_key_id, world.config.certificate_serial)
    if headers.get("Wechatpay-Serial", "") not in known:
        raise PayError(400, "PARAM_ERROR", "Http头Wechatpay-Serial不是本商户可用的微信支付公钥或平台证书")


def _strike_before(world: World, call: Call) -> None:
    faults = world.faults
    if faults.take(Fault.RESET_BEFORE, call):
        transport.drop()
    if faults.take(Fault.RATE_LIMITED, call):
        raise PayError(429, "FREQUENCY_LIMITED", "频率超限，请降低请求频率")
    if faults.take(Fault.ERROR_BEFORE, call):
        raise PayError(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    if faults.take(Fault.USER_PAYING, call):
        raise PayError(202, "USERPAYING", "用户支付中，需要输入密码")
    if plan := faults.take(Fault.PAY_ERROR, call):
        given = plan.value if isinstance(plan.value, dict) else {}
        raise PayError(
            int(given.get("status", 400)), given.get("code", "INVALID_REQUEST"), given.get("message", "沙箱")
        )


def _signed(
    world: World, request: Request, status: int, content: Answer, call: Call | None, internal: str = "0"
) -> Response:
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    headers = _signature(world, request, body, call)
    if call and body and world.faults.take(Fault.BODY_TAMPERED, call):
        body += b" "
    response = Response(body, status=status, headers=headers)
    if content is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Request-ID"] = f"08{crypto.random_text(40, '0123456789ABCDEF')}-{internal}"
    return response


def _signature(world: World, request: Request, body: bytes, call: Call | None) -> dict[str, str]:
    signer = signing.answer_signer(world, request.headers.get("Wechatpay-Serial"))
    moment = world.clock.real()
    if call is None:
        return signer.headers(body, moment)
    faults = world.faults
    if faults.take(Fault.SIGNATURE_MISSING, call):
        return {}
    if plan := faults.take(Fault.SIGNATURE_AGED, call):
        moment -= plan.number(600)
    if faults.take(Fault.SIGNATURE_FORGED, call):
        signer = signer.forged()
    headers = signer.headers(body, moment)
    if faults.take(Fault.SIGNATURE_PROBE, call):
        headers["Wechatpay-Signature"] = signing.PROBE + headers["Wechatpay-Signature"]
    if faults.take(Fault.SIGNATURE_CORRUPT, call):
        signature = headers["Wechatpay-Signature"]
        headers["Wechatpay-Signature"] = ("B" if signature[0] == "A" else "A") + signature[1:]
    return headers
