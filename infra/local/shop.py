"""What an installation of the shop needs from outside its template: parameters and secrets, here for one machine."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.mariadb import MariaDb
from infra.local.processes import write_private

DATABASE = "orchard"
_SHOP_SECRET = "orchard/shop"  # noqa: S105  # names, not secrets
_PAY_SECRET = "orchard/wechat-pay"  # noqa: S105
_DATABASE_SECRET = "orchard/database"  # noqa: S105
_ADMIN_SECRET = "orchard/database-administrator"  # noqa: S105
_DATABASE_USER = "orchard_functions"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop is installed. `merchant` is what the sandbox's merchant holds, `kept` the shop's own secrets."""

    database: MariaDb
    api_urls: Mapping[str, str]
    sandbox_url: str
    merchant: Mapping[str, Any]
    kept: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Installation:
    """The template's parameters, and the Secrets Manager secrets that it refers to by name."""

    parameters: dict[str, str]
    secrets: dict[str, dict[str, Any]]


def install_shop(place: Place) -> Installation:
    """The shop's parameters and secrets on this machine."""
    merchant = dict(place.merchant)
    shop = {**place.kept, "wechat_app_secret": merchant["app_secret"]}
    functions = {"username": _DATABASE_USER, "password": shop.pop("database_password")}
    administrator = {"username": place.database.user, "password": place.database.password}
    pay_keys = ("merchant_serial", "merchant_private_key", "api_v3_key", "platform_public_keys")
    return Installation(
        parameters={
            "Environment": "local",
            "ShopSecretId": _SHOP_SECRET,
            "WeChatPaySecretId": _PAY_SECRET,
            "DatabaseHost": place.database.host,
            "DatabasePort": str(place.database.port),
            "DatabaseName": DATABASE,
            "DatabaseTlsCa": "",
            "DatabaseSecretId": _DATABASE_SECRET,
            "DatabaseAdminSecretArn": _ADMIN_SECRET,
            "WeChatAppId": merchant["app_id"],
            "WeChatApiUrl": place.sandbox_url,
            "WeChatMerchantId": merchant["mchid"],
            "WeChatPayApiUrl": place.sandbox_url,
            "CallbackUrl": place.api_urls["CallbackApi"],
            "SnapStart": "false",
        },
        secrets={
            _SHOP_SECRET: shop,
            _DATABASE_SECRET: functions,
            _ADMIN_SECRET: administrator,
            _PAY_SECRET: {key: merchant[key] for key in pay_keys},
        },
    )


def kept_secrets(folder: Path) -> dict[str, str]:
    """The secrets that stay with the data: made at the first start, readable by their owner alone."""
    path = folder / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    generated = {
        "session_secret": secrets.token_urlsafe(48),
        "personal_data_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "personal_data_hash_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "database_password": secrets.token_urlsafe(24),
    }
    if generated.keys() - kept.keys():
        kept = generated | kept
        write_private(path, json.dumps(kept))
    return kept
