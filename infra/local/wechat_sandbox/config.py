"""Who plays in a sandbox: one mini-program, one merchant and the platform, with all their keys."""

from __future__ import annotations

import dataclasses
import json
import os
import string
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from . import crypto

IDENTITY_FILE = "identity.json"


@dataclasses.dataclass(frozen=True)
class SandboxConfig:
    """The identity of one sandbox. Keys are PEM; `platform_public_key_id` begins PUB_KEY_ID_.

    `merchant_private_key` may be empty when the merchant keeps its key to itself; the sandbox only verifies.
    """

    appid: str
    mchid: str
    merchant_serial: str
    merchant_public_key: str
    platform_public_key_id: str
    certificate_serial: str
    certificate: str
    app_secret: str = dataclasses.field(repr=False)
    api_v3_key: str = dataclasses.field(repr=False)
    merchant_private_key: str = dataclasses.field(repr=False)
    platform_private_key: str = dataclasses.field(repr=False)
    certificate_private_key: str = dataclasses.field(repr=False)

    @classmethod
    def generate(cls) -> SandboxConfig:
        """Make a new identity; nothing in it is known outside this process."""
        merchant, platform, certified = (crypto.new_private_key() for _ in range(3))
        certificate = crypto.certificate(certified)
        hexadecimal = string.digits + "ABCDEF"
        return cls(
            appid="wx" + crypto.random_text(16, "0123456789abcdef"),
            mchid="16" + crypto.random_text(8, string.digits),
            merchant_serial="5" + crypto.random_text(39, hexadecimal),
            merchant_public_key=crypto.public_pem(merchant.public_key()),
            platform_public_key_id="PUB_KEY_ID_01" + crypto.random_text(26, string.digits),
            certificate_serial=f"{certificate.serial_number:040X}",
            certificate=crypto.certificate_pem(certificate),
            app_secret=crypto.random_text(32, "0123456789abcdef"),
            api_v3_key=crypto.random_text(32),
            merchant_private_key=crypto.private_pem(merchant),
            platform_private_key=crypto.private_pem(platform),
            certificate_private_key=crypto.private_pem(certified),
        )

    @classmethod
    def load(cls, data_dir: Path) -> SandboxConfig:
        """Read the identity kept in the data directory; FileNotFoundError when there is none."""
        return cls(**json.loads((data_dir / IDENTITY_FILE).read_text("utf-8")))

    def save(self, data_dir: Path) -> Path:
        """Keep the identity in the data directory, readable by its owner alone."""
        return write_private(data_dir / IDENTITY_FILE, dataclasses.asdict(self))

    @classmethod
    def load_or_generate(cls, data_dir: Path) -> SandboxConfig:
        """Return the identity of the data directory, made and kept at the first start."""
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (data_dir / IDENTITY_FILE).exists():
            return cls.load(data_dir)
        config = cls.generate()
        config.save(data_dir)
        return config

    def merchant_secret(self) -> dict[str, object]:
        """Return what the merchant would hold: identifiers, its private key, the platform's public keys."""
        return {
            "app_id": self.appid,
            "app_secret": self.app_secret,
            "mchid": self.mchid,
            "merchant_serial": self.merchant_serial,
            "merchant_private_key": self.merchant_private_key,
            "api_v3_key": self.api_v3_key,
            "platform_public_keys": {
                self.platform_public_key_id: crypto.public_pem(self.platform_key.public_key()),
                self.certificate_serial: crypto.public_pem(self.certificate_key.public_key()),
            },
        }

    @cached_property
    def merchant_key(self) -> rsa.RSAPublicKey:
        """The merchant's public key, for checking its requests."""
        return crypto.load_public(self.merchant_public_key)

    @cached_property
    def platform_key(self) -> rsa.RSAPrivateKey:
        """The platform's key of public-key mode."""
        return crypto.load_private(self.platform_private_key)

    @cached_property
    def certificate_key(self) -> rsa.RSAPrivateKey:
        """The platform's key of certificate mode."""
        return crypto.load_private(self.certificate_private_key)

    @cached_property
    def x509(self) -> x509.Certificate:
        """The platform certificate, parsed."""
        return x509.load_pem_x509_certificate(self.certificate.encode())


def write_private(path: Path, content: dict[str, object]) -> Path:
    """Write JSON into a file that only its owner can read, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)
    return path
