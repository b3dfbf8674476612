"""Secrets are made once, are never overwritten, and a missing one stops everything by its name."""

import base64
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.build.tools import ROOT
from infra.deploy import keys
from infra.deploy.problems import DeployError
from orchard.runtime.settings import DatabaseSettings, PersonalDataSettings, SessionSettings, WeChatPayKeys


def _keys(given: dict[str, dict[str, Any]], *, make_account: bool = True) -> keys.Keys:
    return keys.Keys(boto3.client("secretsmanager"), "staging", given, make_account=make_account)


def _stored(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        boto3.client("secretsmanager").get_secret_value(SecretId=f"orchard/staging/{name}")["SecretString"]
    )
    return found


def _names() -> set[str]:
    return {secret["Name"] for secret in boto3.client("secretsmanager").list_secrets()["SecretList"]}


def test_what_is_made_is_what_the_functions_take(given: dict[str, Any]) -> None:
    assert _keys(given).problems() == []
    _keys(given).ensure()
    shop = _stored("shop")
    SessionSettings.model_validate({"secret": shop["session_secret"]})
    PersonalDataSettings.model_validate({"key": shop["personal_data_key"], "hash_key": shop["personal_data_hash_key"]})
    assert len(base64.b64decode(shop["personal_data_key"])) == 32
    assert shop["personal_data_key"] != shop["personal_data_hash_key"]
    account = _stored("database")
    values = {"host": "h", "name": "n", "user": account["username"], "password": account["password"], "tls_ca": "x"}
    DatabaseSettings.model_validate(values)
    WeChatPayKeys.model_validate(_stored("wechat-pay"))


def test_a_second_deployment_changes_nothing(given: dict[str, Any]) -> None:
    first = _keys(given).ensure()
    before = {name: _stored(name) for name in keys.WANTED}
    assert _keys({}).problems() == []
    assert _keys({}).ensure() == first
    assert {name: _stored(name) for name in keys.WANTED} == before


def test_a_secret_changed_by_hand_is_taken_by_its_new_version(given: dict[str, Any]) -> None:
    first = _keys(given).ensure()
    changed = _stored("shop") | {"wechat_app_secret": "changed-by-hand-0123"}
    boto3.client("secretsmanager").put_secret_value(SecretId=first["shop"].name, SecretString=json.dumps(changed))
    second = _keys({}).ensure()
    assert _stored("shop") == changed
    assert second["shop"].version != first["shop"].version
    assert second["database"] == first["database"]


def test_a_value_that_differs_is_never_written_over(given: dict[str, Any]) -> None:
    _keys(given).ensure()
    other = {"shop": {"wechat_app_secret": "another-secret-0123"}}
    (problem,) = _keys(other).problems()
    assert problem.startswith("shop.wechat_app_secret: orchard/staging/shop holds another value")
    assert "another-secret" not in problem


def test_everything_that_is_missing_is_named_at_once() -> None:
    names = [problem.split(":")[0] for problem in _keys({}).problems()]
    assert names == ["shop.wechat_app_secret", *(f"wechat-pay.{key}" for key in WeChatPayKeys.model_fields)]
    assert _names() == set()


def test_only_what_is_missing_is_added_to_a_stored_secret(given: dict[str, Any]) -> None:
    kept = {"session_secret": "s" * 40, "personal_data_key": "k"}
    boto3.client("secretsmanager").create_secret(Name="orchard/staging/shop", SecretString=json.dumps(kept))
    _keys(given).ensure()
    assert _stored("shop").items() >= {**kept, **given["shop"]}.items()
    assert "personal_data_hash_key" in _stored("shop")


def test_keys_of_the_wrong_length_are_refused_without_being_shown(given: dict[str, Any]) -> None:
    given["wechat-pay"]["api_v3_key"] = "too-short"
    assert _keys(given).problems() == ["wechat-pay.api_v3_key: not of the length or kind that WeChat Pay gives out"]


def test_words_that_nobody_asks_for_are_named(given: dict[str, Any]) -> None:
    given["shop"]["wechat_app_secert"] = "x"
    given["pay"] = {"a": "b"}
    problems = _keys(given).problems()
    assert problems == [
        "the secrets file has no use for shop.wechat_app_secert",
        "the secrets file has no use for [pay]",
    ]


def test_the_account_of_ones_own_database_is_asked_for(given: dict[str, Any]) -> None:
    names = [problem.split(":")[0] for problem in _keys(given, make_account=False).problems()]
    assert names == ["database.username", "database.password"]


def test_a_secret_on_its_way_to_deletion_is_not_mistaken_for_none(given: dict[str, Any]) -> None:
    _keys(given).ensure()
    boto3.client("secretsmanager").delete_secret(SecretId="orchard/staging/shop")
    with pytest.raises(DeployError, match="restore"):
        _keys(given)


def test_the_file_is_read_when_its_owner_alone_can(tmp_path: Path) -> None:
    path = tmp_path / "staging.toml"
    path.write_text('[shop]\nwechat_app_secret = "x"\n')
    path.chmod(0o600)
    assert keys.read_file(path) == {"shop": {"wechat_app_secret": "x"}}
    path.chmod(0o640)
    with pytest.raises(DeployError, match="chmod 600"):
        keys.read_file(path)


def test_a_broken_file_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "staging.toml"
    path.write_text("api_v3_key = hidden")
    path.chmod(0o600)
    with pytest.raises(DeployError) as refused:
        keys.read_file(path)
    assert "hidden" not in str(refused.value)


def test_a_file_in_the_repository_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(ROOT / "samconfig.toml")
    for path in (ROOT / "samconfig.toml", link):
        with pytest.raises(DeployError, match="repository"):
            keys.read_file(path)
    with pytest.raises(DeployError, match="not a file"):
        keys.read_file(tmp_path / "absent.toml")
    assert keys.read_file(None) == {}
