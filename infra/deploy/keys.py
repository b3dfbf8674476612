"""The shop's secrets in Secrets Manager: made once, never overwritten, with what only the retailer has."""

import base64
import json
import secrets
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.build.tools import ROOT
from infra.deploy.problems import DeployError
from orchard.runtime.settings import ConfigurationError, WeChatPayKeys

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Values = dict[str, Any]
_KEY_BYTES = 32


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


# Secret -> JSON key -> how to make it; None is what only the retailer has.
WANTED: dict[str, dict[str, Callable[[], str] | None]] = {
    "database": {"username": lambda: "orchard_functions", "password": lambda: secrets.token_urlsafe(32)},
    "shop": {
        "session_secret": lambda: secrets.token_urlsafe(48),
        "personal_data_key": _key,
        "personal_data_hash_key": _key,
        "wechat_app_secret": None,
    },
    "wechat-pay": dict.fromkeys(WeChatPayKeys.model_fields),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One secret as it is now: its name, ARN, and the version that functions are to read."""

    name: str
    arn: str
    version: str


class Keys:
    """The secrets of one environment. Look first (`problems`), then make (`ensure`)."""

    def __init__(
        self, client: "SecretsManagerClient", environment: str, given: Mapping[str, Values], *, make_account: bool
    ) -> None:
        self._client = client
        self._environment = environment
        self._given = given
        self._wanted = {name: dict(keys) for name, keys in WANTED.items()}
        if not make_account:
            # The account exists at a database of one's own: nobody can make up its password.
            self._wanted["database"] = dict.fromkeys(WANTED["database"])
        self._now = {name: self._read(name) for name in self._wanted}

    def name(self, secret: str) -> str:
        """The secret's name in Secrets Manager."""
        return f"orchard/{self._environment}/{secret}"

    def problems(self) -> list[str]:
        """What is neither stored nor given nor to be made, and what was given differently from what is stored."""
        found = []
        for secret, keys in self._wanted.items():
            given, now = self._given.get(secret, {}), self._now[secret] or {}
            found += [f"the secrets file has no use for {secret}.{key}" for key in sorted(given.keys() - keys.keys())]
            for key, make in keys.items():
                if not now.get(key) and not given.get(key) and make is None:
                    found.append(f"{secret}.{key}: not in the secrets file, nor in {self.name(secret)}")
                elif now.get(key) and given.get(key, now[key]) != now[key]:
                    found.append(f"{secret}.{key}: {self.name(secret)} holds another value, which is never overwritten")
        unknown = sorted(self._given.keys() - self._wanted.keys())
        return found + [f"the secrets file has no use for [{name}]" for name in unknown] + self._unusable()

    def ensure(self) -> dict[str, Stored]:
        """Make what is missing; what is stored stays as it is. Raises DeployError."""
        return {name: self._ensure(name) for name in self._wanted}

    def _unusable(self) -> list[str]:
        values = {**self._given.get("wechat-pay", {}), **(self._now["wechat-pay"] or {})}
        if not all(values.get(key) for key in WeChatPayKeys.model_fields):
            return []
        try:
            WeChatPayKeys.model_validate(values)
        except (ConfigurationError, ValueError) as error:
            wrong = {str(detail["loc"][0]) for detail in getattr(error, "errors", list)()}
            return [f"wechat-pay.{key}: not of the length or kind that WeChat Pay gives out" for key in sorted(wrong)]
        return []

    def _ensure(self, secret: str) -> Stored:
        now = self._now[secret]
        made = {
            key: self._given.get(secret, {}).get(key) or (make() if make else None)
            for key, make in self._wanted[secret].items()
            if not (now or {}).get(key)
        }
        if now is None:
            self._client.create_secret(Name=self.name(secret), SecretString=json.dumps(made))
        elif made:
            self._client.put_secret_value(SecretId=self.name(secret), SecretString=json.dumps({**now, **made}))
        stored = self._client.get_secret_value(SecretId=self.name(secret))
        return Stored(self.name(secret), stored["ARN"], stored["VersionId"])

    def _read(self, secret: str) -> Values | None:
        try:
            text = self._client.get_secret_value(SecretId=self.name(secret))["SecretString"]
        except self._client.exceptions.ResourceNotFoundException:
            return None
        except self._client.exceptions.InvalidRequestException as error:
            raise DeployError(f"{self.name(secret)} is marked for deletion: restore it first ({error})") from None
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise DeployError(f"{self.name(secret)} is not a JSON object")
        return values


def read_file(path: Path | None) -> dict[str, Values]:
    """The retailer's own secrets from a TOML file. Raises DeployError unless its owner alone can read it."""
    if path is None:
        return {}
    path = path.resolve()
    if not path.is_file():
        raise DeployError(f"{path} is not a file")
    if path.is_relative_to(ROOT):
        raise DeployError(f"{path} lies in the repository: keep secrets elsewhere")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DeployError(f"{path} can be read by others: chmod 600 {path}")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own message may show a line.
        raise DeployError(f"{path} is not TOML") from None
    return {name: values for name, values in document.items() if isinstance(values, dict)}
