"""A platform of our own making for these tests: keys, signed answers and a server that says what it is told.

It is built on cryptography and werkzeug alone and shares no code with the gateways.
"""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from orchard.gateways.wechat_pay import MerchantKeys

PUBLIC_SERIAL = "PUB_KEY_ID_0116000000012026010100000000000001"
API_V3_KEY = "0123456789abcdef" * 2
APP_ID, MERCHANT_ID, MERCHANT_SERIAL = "wx0123456789abcdef", "1600000001", "5A" * 20
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
Answer = Callable[[Request], Response]


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    start = datetime.now(UTC) - timedelta(days=1)
    return x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), start, start + timedelta(days=9)
    ).sign(key, SHA256())


@dataclass
class Platform:
    """The merchant's key and the platform's two: one of public-key mode, one of certificate mode."""

    merchant: rsa.RSAPrivateKey
    public: rsa.RSAPrivateKey
    certified: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def generate(cls) -> "Platform":
        merchant, public, certified = (rsa.generate_private_key(65537, 2048) for _ in range(3))
        return cls(merchant, public, certified, certificate(certified))

    @property
    def certificate_serial(self) -> str:
        return f"{self.certificate.serial_number:X}"

    def public_keys(self) -> dict[str, str]:
        return {
            PUBLIC_SERIAL: public_pem(self.public),
            self.certificate_serial: self.certificate.public_bytes(Encoding.PEM).decode(),
        }

    def keys(self, **changed: Any) -> MerchantKeys:
        given = {
            "merchant_id": MERCHANT_ID,
            "app_id": APP_ID,
            "merchant_serial": MERCHANT_SERIAL,
            "merchant_private_key": private_pem(self.merchant),
            "api_v3_key": API_V3_KEY,
            "platform_public_keys": self.public_keys(),
        }
        return MerchantKeys(**(given | changed))

    def signed(
        self, body: bytes, at: datetime, serial: str = PUBLIC_SERIAL, key: rsa.RSAPrivateKey | None = None
    ) -> dict[str, str]:
        timestamp, nonce = str(int(at.timestamp())), "c5ac7061fccab6bf3e254dcf98995b8c"
        signer = key or (self.public if serial == PUBLIC_SERIAL else self.certified)
        signature = signer.sign(f"{timestamp}\n{nonce}\n".encode() + body + b"\n", padding.PKCS1v15(), SHA256())
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def reply(self, body: Any = None, status: int = 200, **how: Any) -> Answer:
        """A signed answer; `at` (default: now), `serial`, `key` as in `signed`."""

        def answer(request: Request) -> Response:
            raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
            moment = how.pop("at", None) or datetime.now(UTC)
            return Response(raw, status, {"Content-Type": "application/json", **self.signed(raw, moment, **how)})

        return answer


def plain(body: Any, status: int = 200, **headers: str) -> Answer:
    """An unsigned answer; bytes go out as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return lambda request: Response(raw, status, {"Content-Type": "application/json", **headers})


def stalled(request: Request) -> Response:
    """An answer later than the 0.3 seconds these tests' clients wait."""
    time.sleep(0.5)
    return Response(b"", 204)


def sealed(resource: Any, key: str = API_V3_KEY, nonce: str = "0123456789ab", aad: str = "transaction") -> str:
    raw = resource if isinstance(resource, bytes) else json.dumps(resource, ensure_ascii=False).encode()
    return base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), raw, aad.encode())).decode()


def envelope(resource: Any, **changed: Any) -> dict[str, Any]:
    """A notification's body; `resource__x` changes the field x of the encrypted part."""
    inner = {key.removeprefix("resource__"): changed.pop(key) for key in list(changed) if "__" in key}
    return {
        "id": "EV-2026030112000000000001",
        "create_time": "2026-03-01T12:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": sealed(resource),
            "associated_data": "transaction",
            "nonce": "0123456789ab",
        }
        | inner,
    } | changed


@dataclass
class Scripted:
    """A server that gives the scripted answers in turn and keeps what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        self.bodies.append(request.get_data())
        self.asked.append(request)
        return self.answers.pop(0)(request)(environ, start_response)

    def will(self, *answers: Answer) -> None:
        self.answers[:] = answers
        self.asked.clear()
        self.bodies.clear()


class _Quiet(WSGIRequestHandler):
    """The platform's own access log would drown out what the gateways write."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        """Write nothing."""


@contextmanager
def serving() -> Iterator[Scripted]:
    scripted = Scripted()
    server = make_server("127.0.0.1", 0, scripted, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield scripted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
