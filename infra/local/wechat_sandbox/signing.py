"""Pay v3 signatures in both directions: the merchant's Authorization is checked, the platform's answers are signed."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import rsa

from . import crypto
from .errors import PayError
from .world import World

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FIELDS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
SKEW_SECONDS = 300
PROBE = "WECHATPAY/SIGNTEST/"
_FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')


def refuse(message: str) -> PayError:
    """Return the 401 SIGN_ERROR."""
    return PayError(401, "SIGN_ERROR", f"签名错误：{message}")


def parse_authorization(header: str | None) -> dict[str, str]:
    """Read the Authorization header into its five fields; PayError 401 unless each stands there once."""
    scheme, _, rest = (header or "").partition(" ")
    if scheme != SCHEME:
        raise refuse("Http头Authorization缺失或认证类型不正确")
    pairs = _FIELD.findall(rest)
    if "".join(_FIELD.split(rest)[::3]).strip() or len(pairs) != len(FIELDS) or dict(pairs).keys() != FIELDS:
        raise refuse("Authorization的字段不完整或格式不正确")
    return dict(pairs)


def authenticate(world: World, header: str | None, method: str, target: str, body: bytes) -> None:
    """Check who calls: scheme, fields, merchant, serial, real-time skew, signature and (by setting) the nonce.

    `target` is path and query exactly as they were sent. PayError 401 SIGN_ERROR.
    """
    fields = parse_authorization(header)
    if fields["mchid"] != world.config.mchid:
        raise refuse("商户号不存在")
    if fields["serial_no"] != world.config.merchant_serial:
        raise refuse("商户证书序列号有误")
    if not re.fullmatch(r"[0-9]{10}", fields["timestamp"]):
        raise refuse("timestamp格式不正确")
    if abs(world.clock.real() - int(fields["timestamp"])) > SKEW_SECONDS:
        raise refuse("timestamp与当前时间相差超过5分钟")
    if not 1 <= len(fields["nonce_str"]) <= 64:
        raise refuse("nonce_str长度不正确")
    message = crypto.lines(method, target, fields["timestamp"], fields["nonce_str"], body)
    if not crypto.verify(world.config.merchant_key, message, fields["signature"]):
        raise refuse("签名验证不通过")
    if world.settings.refuse_replayed_nonce:
        _remember_nonce(world, fields["nonce_str"])


def _remember_nonce(world: World, nonce: str) -> None:
    now = world.clock.real()
    with world.store.transaction() as tx:
        tx.execute("DELETE FROM nonces WHERE seen_at < ?", (now - 2 * SKEW_SECONDS,))
        if not tx.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (nonce, now)).rowcount:
            raise refuse("nonce_str重复")


@lru_cache(maxsize=1)
def stranger() -> rsa.RSAPrivateKey:
    """Return a key that nobody trusts, for forgeries."""
    return crypto.new_private_key()


@dataclasses.dataclass(frozen=True)
class Signer:
    """A platform key under its serial."""

    serial: str
    key: rsa.RSAPrivateKey

    def headers(self, body: bytes, timestamp: float) -> dict[str, str]:
        """Return the five signature headers over the raw body (empty for a 204)."""
        stamp, nonce = str(int(timestamp)), crypto.random_text(32)
        return {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": crypto.sign(self.key, crypto.lines(stamp, nonce, body)),
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def forged(self) -> Signer:
        """Return a forger who claims this serial."""
        return Signer(self.serial, stranger())


def answer_signer(world: World, asked_serial: str | None) -> Signer:
    """Return who signs an answer: by the serial mode, in mixed mode by the key that the request names."""
    mode = world.settings.serial_mode
    if mode == "mixed":
        mode = "public_key" if (asked_serial or "").startswith("PUB_KEY_ID_") else "certificate"
    return _signer(world, mode)


def notice_signer(world: World, turn: int) -> Signer:
    """Return who signs a notification: by the serial mode, in mixed mode the two take turns."""
    mode = world.settings.serial_mode
    if mode == "mixed":
        mode = ("public_key", "certificate")[turn % 2]
    return _signer(world, mode)


def _signer(world: World, mode: str) -> Signer:
    config = world.config
    if mode == "public_key":
        return Signer(config.platform_public_key_id, config.platform_key)
    return Signer(config.certificate_serial, config.certificate_key)
