"""What a merchant needs to speak to WeChat Pay. Loading it is the runtime's business."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchard.gateways.errors import ConfigurationError

_API_V3_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class MerchantKeys:
    """The merchant's identity and keys.

    `merchant_private_key` is PEM (PKCS#8 or PKCS#1), `api_v3_key` 32 ASCII characters. `platform_public_keys` maps
    the serial in `Wechatpay-Serial` to a PEM public key (PUB_KEY_ID_...) or certificate (hex serial); while a
    merchant migrates, both kinds are in use. Raises ConfigurationError, which names the field and shows no value.
    """

    merchant_id: str
    app_id: str
    merchant_serial: str
    merchant_private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    platform_public_keys: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("merchant_id", "app_id", "merchant_serial", "merchant_private_key", "api_v3_key"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"WeChat Pay {name} is missing")
        if len(self.api_v3_key.encode()) != _API_V3_KEY_BYTES:
            raise ConfigurationError("WeChat Pay api_v3_key must be 32 bytes long")
        if not self.platform_public_keys:
            raise ConfigurationError("WeChat Pay platform_public_keys is empty")
