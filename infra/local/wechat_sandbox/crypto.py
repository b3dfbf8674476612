"""The cryptography of WeChat Pay v3: RSA PKCS#1 v1.5 with SHA-256, AES-256-GCM, and key material in PEM."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
import string

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

_ALPHANUMERIC = string.ascii_letters + string.digits


def random_text(length: int, alphabet: str = _ALPHANUMERIC) -> str:
    """Return `length` random characters (nonces, secrets, identifiers)."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def lines(*parts: str | bytes) -> bytes:
    """Join the parts of a string to sign: every part ends with a line feed."""
    return b"".join((p.encode() if isinstance(p, str) else p) + b"\n" for p in parts)


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """Return the base64 signature of the message (WECHATPAY2-SHA256-RSA2048)."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(key: rsa.RSAPublicKey, message: bytes, signature: str) -> bool:
    """Tell whether the base64 signature belongs to the message."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal(api_v3_key: str, plaintext: bytes, nonce: str, associated_data: str) -> str:
    """Encrypt with AES-256-GCM; the tag is the last 16 bytes of the decoded answer."""
    cipher = AESGCM(api_v3_key.encode())
    return base64.b64encode(cipher.encrypt(nonce.encode(), plaintext, associated_data.encode())).decode()


def new_private_key() -> rsa.RSAPrivateKey:
    """Generate an RSA 2048 key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Return the key as unencrypted PKCS#8 PEM, as a merchant downloads it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Return the key as SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def load_private(pem: str) -> rsa.RSAPrivateKey:
    """Read an RSA private key; ValueError when it is of another kind."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("an RSA private key is needed")
    return key


def load_public(pem: str) -> rsa.RSAPublicKey:
    """Read an RSA public key; ValueError when it is of another kind."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("an RSA public key is needed")
    return key


def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Make a platform certificate, signed by itself, valid for five years."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WeChat sandbox platform")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        # Bit 156 is set so that the hexadecimal serial always has forty digits, as real ones have.
        serial_number=secrets.randbits(156) | 1 << 156,
        not_valid_before=start,
        not_valid_after=start + dt.timedelta(days=5 * 365),
    )
    return builder.sign(key, hashes.SHA256())


def certificate_pem(cert: x509.Certificate) -> str:
    """Return the certificate as PEM."""
    return cert.public_bytes(serialization.Encoding.PEM).decode()
