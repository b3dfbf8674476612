"""The server API over HTTP: every answer is HTTP 200, refusals carry an errcode."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from . import crypto, shoppers, transport
from .errors import ServerApiError
from .faults import Call, Fault
from .world import World


def code_to_session(world: World, request: Request) -> dict[str, Any]:
    """GET /sns/jscode2session?appid&secret&js_code&grant_type=authorization_code."""
    given = request.args
    _check_app(world, given.get("appid"), given.get("secret"))
    if given.get("grant_type") != "authorization_code":
        raise ServerApiError(40002)
    if not given.get("js_code"):
        raise ServerApiError(41008)
    return shoppers.log_in(world, given["js_code"])


def stable_token(world: World, request: Request) -> dict[str, Any]:
    """POST /cgi-bin/stable_token {grant_type, appid, secret, force_refresh}."""
    given = _json(request)
    _check_app(world, given.get("appid"), given.get("secret"))
    if given.get("grant_type") != "client_credential":
        raise ServerApiError(40002)
    force = given.get("force_refresh", False)
    if not isinstance(force, bool):
        raise ServerApiError(47001)
    return shoppers.stable_token(world, force)


def plain_token(world: World, request: Request) -> dict[str, Any]:
    """GET /cgi-bin/token?grant_type=client_credential&appid&secret."""
    _check_app(world, request.args.get("appid"), request.args.get("secret"))
    if request.args.get("grant_type") != "client_credential":
        raise ServerApiError(40002)
    return shoppers.plain_token(world)


def phone_number(world: World, request: Request) -> dict[str, Any]:
    """POST /wxa/business/getuserphonenumber?access_token= {code}."""
    shoppers.check_token(world, request.args.get("access_token"))
    code = _json(request).get("code")
    if not isinstance(code, str):
        raise ServerApiError(40029)
    numeric = world.faults.take(Fault.NUMERIC_COUNTRY_CODE, Call.PHONE) is not None
    return {"errcode": 0, "errmsg": "ok", "phone_info": shoppers.phone_info(world, code, numeric)}


def _check_app(world: World, appid: Any, secret: Any) -> None:
    if not appid:
        raise ServerApiError(41002)
    if not secret:
        raise ServerApiError(41004)
    if appid != world.config.appid:
        raise ServerApiError(40013)
    if secret != world.config.app_secret:
        raise ServerApiError(40125)


def _json(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        raise ServerApiError(43002)
    if not request.get_data():
        raise ServerApiError(44002)
    try:
        content = json.loads(request.get_data())
    except ValueError:
        raise ServerApiError(47001) from None
    if not isinstance(content, dict):
        raise ServerApiError(47001)
    return content


HANDLERS: dict[str, tuple[Call, Callable[[World, Request], dict[str, Any]]]] = {
    "code_to_session": (Call.LOGIN, code_to_session),
    "stable_token": (Call.TOKEN, stable_token),
    "plain_token": (Call.TOKEN, plain_token),
    "phone_number": (Call.PHONE, phone_number),
}


def rules() -> list[Rule]:
    """Return the routes; an endpoint is a key of HANDLERS. Wrong methods are answered with 43002."""
    both = ["GET", "POST"]
    return [
        Rule("/sns/jscode2session", methods=["GET"], endpoint="code_to_session"),
        Rule("/cgi-bin/stable_token", methods=both, endpoint="stable_token"),
        Rule("/cgi-bin/token", methods=["GET"], endpoint="plain_token"),
        Rule("/wxa/business/getuserphonenumber", methods=both, endpoint="phone_number"),
    ]


def respond(world: World, request: Request, endpoint: str, stopping: threading.Event) -> Response:
    """Answer one call."""
    call, handler = HANDLERS[endpoint]
    try:
        _strike_before(world, call)
        content = handler(world, request)
        transport.after_commit(world.faults, call, stopping)
        if world.faults.take(Fault.ERROR_AFTER, call):
            raise ServerApiError(-1)
    except ServerApiError as error:
        content = error.body(crypto.random_text(24, "0123456789abcdef-"))
    # The login call really answers JSON under text/plain.
    kind = "text/plain" if call is Call.LOGIN else "application/json; encoding=utf-8"
    return Response(json.dumps(content, ensure_ascii=False), content_type=kind)


def _strike_before(world: World, call: Call) -> None:
    faults = world.faults
    if faults.take(Fault.RESET_BEFORE, call):
        transport.drop()
    if faults.take(Fault.RATE_LIMITED, call):
        raise ServerApiError(45011)
    if faults.take(Fault.ERROR_BEFORE, call):
        raise ServerApiError(-1)
    if plan := faults.take(Fault.WECHAT_ERROR, call):
        raise ServerApiError(int(plan.number(-1)))
