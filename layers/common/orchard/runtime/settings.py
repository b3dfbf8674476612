"""Settings: frozen groups read from the environment, each validated only by the functions that use it.

A missing, empty or too-short secret refuses to start with `ConfigurationError`; nothing has a default secret.
The WeChat Pay keys are too large for the environment, so they come from Secrets Manager at first use.
"""

import base64
import binascii
import ipaddress
import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider


class ConfigurationError(RuntimeError):
    """A setting is missing or unusable; the message names it and never shows its value."""


def _key_bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


KeyBytes = Annotated[bytes, BeforeValidator(_key_bytes), Field(min_length=32, max_length=32, repr=False)]


class _Group(BaseModel):
    # Built at first use, since no function reads every group.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


G = TypeVar("G", bound=_Group)


class DatabaseSettings(_Group):
    """MariaDB or MySQL. `tls_ca` is a CA bundle's path; empty means no TLS, allowed to loopback hosts only."""

    host: str = Field(min_length=1)
    port: int = Field(default=3306, ge=1, le=65535)
    name: str = Field(min_length=1)
    user: str = Field(min_length=1)
    password: SecretStr = Field(min_length=8)
    tls_ca: str = ""

    @model_validator(mode="after")
    def _plain_text_only_at_home(self) -> Self:
        if not self.tls_ca and not _is_loopback(self.host):
            raise ValueError("TLS_CA is required for a database that is not on loopback")
        return self


class _Administrator(_Group):
    secret_id: str = ""
    host: str = ""
    tls_ca: str = ""


class _Account(_Group):
    username: str = Field(min_length=1)
    password: SecretStr = Field(min_length=8)


class SessionSettings(_Group):
    """`secret` signs session tokens; `days` is how long a login lasts."""

    secret: SecretStr = Field(min_length=32)
    days: int = Field(default=30, ge=1, le=365)


class PersonalDataSettings(_Group):
    """Keys for field encryption (AES-256-GCM) and for the keyed search hash (HMAC-SHA256), 32 bytes each."""

    key: KeyBytes
    hash_key: KeyBytes


class WeChatAppSettings(_Group):
    """Which mini-program this is: all that payments need to know of it."""

    app_id: str = Field(min_length=1, max_length=32)


class WeChatSettings(WeChatAppSettings):
    """The mini-program's identity at WeChat's server API, with the secret that proves it."""

    app_secret: SecretStr = Field(min_length=16)
    api_url: str = "https://api.weixin.qq.com"


class WeChatPaySettings(_Group):
    """The merchant at WeChat Pay."""

    merchant_id: str = Field(min_length=1, max_length=32)
    api_url: str = "https://api.mch.weixin.qq.com"
    secret_id: str = Field(min_length=1)


class WeChatPayNotifySettings(_Group):
    """The base that callbacks are posted below. Only those that ask for payments and refunds have it: the functions
    behind that address could not be told it before it exists.
    """

    url: str = Field(min_length=1, max_length=220)


class PaymentSettings(_Group):
    """How long an order may stay unpaid, in minutes."""

    minutes: int = Field(default=30, ge=1, le=1440)


class WeChatPayKeys(_Group):
    """The merchant's keys, from one Secrets Manager secret in JSON."""

    merchant_serial: str = Field(min_length=8)
    merchant_private_key: SecretStr = Field(min_length=100)
    api_v3_key: SecretStr = Field(min_length=32, max_length=32)
    platform_public_keys: dict[str, str] = Field(min_length=1)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _validate(group: type[G], values: dict[str, Any], source: str) -> G:
    try:
        return group.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'group'}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise ConfigurationError(f"settings {source}: {wrong}") from None


def _from_environment(group: type[G], prefix: str) -> G:
    names = {field: f"{prefix}_{field.upper()}" for field in group.model_fields}
    values = {field: os.environ[name] for field, name in names.items() if os.environ.get(name)}
    return _validate(group, values, f"{prefix}_*")


@lru_cache(maxsize=1)
def database() -> DatabaseSettings:
    """`ORCHARD_DATABASE_*`. Raises ConfigurationError, like every loader here."""
    return _from_environment(DatabaseSettings, "ORCHARD_DATABASE")


@lru_cache(maxsize=1)
def session() -> SessionSettings:
    """`ORCHARD_SESSION_*`."""
    return _from_environment(SessionSettings, "ORCHARD_SESSION")


@lru_cache(maxsize=1)
def personal_data() -> PersonalDataSettings:
    """`ORCHARD_PERSONAL_DATA_*`."""
    return _from_environment(PersonalDataSettings, "ORCHARD_PERSONAL_DATA")


@lru_cache(maxsize=1)
def wechat_app() -> WeChatAppSettings:
    """`ORCHARD_WECHAT_APP_ID`."""
    return _from_environment(WeChatAppSettings, "ORCHARD_WECHAT")


@lru_cache(maxsize=1)
def wechat() -> WeChatSettings:
    """`ORCHARD_WECHAT_*`."""
    return _from_environment(WeChatSettings, "ORCHARD_WECHAT")


@lru_cache(maxsize=1)
def wechat_pay() -> WeChatPaySettings:
    """`ORCHARD_WECHAT_PAY_*`."""
    return _from_environment(WeChatPaySettings, "ORCHARD_WECHAT_PAY")


@lru_cache(maxsize=1)
def wechat_pay_notify() -> WeChatPayNotifySettings:
    """`ORCHARD_WECHAT_PAY_NOTIFY_URL`."""
    return _from_environment(WeChatPayNotifySettings, "ORCHARD_WECHAT_PAY_NOTIFY")


@lru_cache(maxsize=1)
def payment() -> PaymentSettings:
    """`ORCHARD_PAYMENT_*`."""
    return _from_environment(PaymentSettings, "ORCHARD_PAYMENT")


@lru_cache(maxsize=1)
def subscriptions() -> dict[str, list[str]]:
    """`ORCHARD_SUBSCRIPTIONS`: topic -> queue URLs, written by the template. Only the outbox relay reads it."""
    try:
        parsed = json.loads(os.environ["ORCHARD_SUBSCRIPTIONS"])
        return {str(topic): [str(url) for url in urls] for topic, urls in parsed.items()}
    except (KeyError, ValueError, AttributeError, TypeError):
        raise ConfigurationError("ORCHARD_SUBSCRIPTIONS: not a JSON object of topic to queue URLs") from None


def wechat_pay_keys(*, reload: bool = False) -> WeChatPayKeys:
    """The merchant's keys, kept in memory for 15 minutes; `reload` asks Secrets Manager again after a rotation."""
    secret_id = wechat_pay().secret_id
    return _validate(WeChatPayKeys, _secret(secret_id, reload=reload), f"secret {secret_id}")


def database_administrator() -> DatabaseSettings | None:
    """The account that changes the schema: `ORCHARD_DATABASE_ADMIN_*` and the secret it names (`username`, `password`).

    None when no secret is named. It connects to the functions' own database, by another host where one is given.
    """
    group = _from_environment(_Administrator, "ORCHARD_DATABASE_ADMIN")
    if not group.secret_id:
        return None
    # The database service rotates this one by itself.
    account = _validate(_Account, _secret(group.secret_id, reload=True), f"secret {group.secret_id}")
    base = database()
    values = {"host": group.host or base.host, "port": base.port, "name": base.name, "user": account.username}
    values |= {"password": account.password, "tls_ca": group.tls_ca or base.tls_ca}
    return _validate(DatabaseSettings, values, "ORCHARD_DATABASE_ADMIN_*")


@lru_cache(maxsize=1)
def _secrets() -> "SecretsProvider":
    # Loads boto3: only those that need a secret at run time come here, and only at first use.
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from botocore.config import Config

    # boto3 would wait for a minute, which is longer than most functions may run.
    times: dict[str, Any] = {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 2}}
    return SecretsProvider(boto_config=Config(**times))


def _secret(secret_id: str, *, reload: bool = False) -> dict[str, Any]:
    from aws_lambda_powertools.utilities import parameters

    try:
        values = _secrets().get(secret_id, transform="json", max_age=900, force_fetch=reload)
    except parameters.GetParameterError as error:
        raise ConfigurationError(f"secret {secret_id}: cannot be read ({type(error).__name__})") from None
    except parameters.TransformParameterError:
        raise ConfigurationError(f"secret {secret_id}: not JSON") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"secret {secret_id}: not a JSON object")
    return values


def forget() -> None:
    """Drop every cached group; for tests that change the environment."""
    for loader in (
        database,
        session,
        personal_data,
        wechat_app,
        wechat,
        wechat_pay,
        wechat_pay_notify,
        payment,
        subscriptions,
        _secrets,
    ):
        loader.cache_clear()
