"""Header names as they stand on the wire, which servers usually hide."""

from __future__ import annotations

import socket
import threading

import pytest

from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import Merchant


def listen(server: socket.socket, heard: list[bytes]) -> None:
    """Take one request as it comes, and accept it."""
    connection, _ = server.accept()
    with connection:
        heard.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("value", "name"),
    [("lower", b"wechatpay-signature"), ("upper", b"WECHATPAY-SIGNATURE"), (None, b"wechatpay-signature")],
)
def test_variants(sandbox: SandboxServer, value: str | None, name: bytes) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, args=(server, heard))
        thread.start()
        sandbox.client.misbehave("notice_headers", value=value)
        Merchant(sandbox, f"http://127.0.0.1:{server.getsockname()[1]}/notify").paid()
        [delivery] = sandbox.client.deliver_notifications()
        thread.join(10)
    assert delivery["accepted"]
    assert b"\r\n" + name + b": " in heard[0]
