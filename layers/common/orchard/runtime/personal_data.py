"""Personal data at rest: every field encrypted on its own, with a keyed hash where it must be found again.

Personal Information Protection Law of the PRC, article 51: encryption and de-identification as security measures.
"""

import hashlib
import hmac
import secrets

from orchard.runtime import settings

_VERSION = b"\x01"
_NONCE_BYTES = 12


def encrypt(plain: str, context: str) -> bytes:
    """AES-256-GCM under a fresh nonce; `context` (table.column:owner) is bound in, so a value cannot be moved."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(settings.personal_data().key).encrypt(nonce, plain.encode(), context.encode())
    return _VERSION + nonce + sealed


def decrypt(stored: bytes, context: str) -> str:
    """The text behind `encrypt`. Raises cryptography's InvalidTag for a value of another place or key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if stored[:1] != _VERSION:
        raise ValueError("unknown personal data version")
    nonce, sealed = stored[1 : 1 + _NONCE_BYTES], stored[1 + _NONCE_BYTES :]
    return AESGCM(settings.personal_data().key).decrypt(nonce, sealed, context.encode()).decode()


def search_hash(value: str) -> bytes:
    """32 bytes by which an exact value can be found without being readable (HMAC-SHA256)."""
    return hmac.new(settings.personal_data().hash_key, value.encode(), hashlib.sha256).digest()
