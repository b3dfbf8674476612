"""The WeChat sandbox beside functions that run in this process, and the road back for its notifications."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto import mock_aws
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from infra.local.wechat_sandbox.client import SandboxClient
from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.server import SandboxServer
from tests.support import calls, environment

SECRET_ID = "orchard/wechat-pay"
_CALLBACKS = {"/wechat-pay/payments": "payments/pay_notify", "/wechat-pay/refunds": "payments/refund_notify"}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's name)
        """Say nothing."""


@Request.application
def _callback_gateway(request: Request) -> Response:
    """What the callback API does: the raw body and lower-case headers, as an HTTP API event."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    event = calls.http_event(request.method, request.path, body=request.get_data(), headers=headers)
    answer = calls.answer_of(calls.invoke(_CALLBACKS[request.path], event))
    return Response(answer.text, answer.status, answer.headers)


@dataclass(frozen=True)
class Platform:
    """What outlives a single test: the identity of app and merchant, and the ports."""

    config: SandboxConfig
    port: int
    notify_url: str


def _secret(config: SandboxConfig) -> str:
    held = config.merchant_secret()
    names = ("merchant_serial", "merchant_private_key", "api_v3_key", "platform_public_keys")
    return json.dumps({name: held[name] for name in names})


@contextmanager
def platform() -> Iterator[Platform]:
    """Keys in (moto's) Secrets Manager, the functions' settings pointing at the sandbox, callbacks coming back."""
    config = SandboxConfig.generate()
    server = make_server("127.0.0.1", 0, _callback_gateway, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    spare = SandboxServer(config)
    port = spare.port
    spare.stop()
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name=SECRET_ID, SecretString=_secret(config))
        found = Platform(config, port, f"http://127.0.0.1:{server.server_port}")
        environment.apply(_settings(found))
        yield found
    server.shutdown()


def _settings(found: Platform) -> dict[str, str]:
    url = f"http://127.0.0.1:{found.port}"
    return {
        "ORCHARD_WECHAT_APP_ID": found.config.appid,
        "ORCHARD_WECHAT_APP_SECRET": found.config.app_secret,
        "ORCHARD_WECHAT_API_URL": url,
        "ORCHARD_WECHAT_PAY_MERCHANT_ID": found.config.mchid,
        "ORCHARD_WECHAT_PAY_API_URL": url,
        "ORCHARD_WECHAT_PAY_NOTIFY_URL": found.notify_url,
        "ORCHARD_WECHAT_PAY_SECRET_ID": SECRET_ID,
    }


@contextmanager
def fresh_sandbox(found: Platform) -> Iterator[SandboxClient]:
    """An empty sandbox of the same identity on the same port; notifications go out by `deliver_notifications()`."""
    with SandboxServer(found.config, port=found.port) as server:
        yield server.client
