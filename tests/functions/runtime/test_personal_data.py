"""Fields at rest: never the same bytes twice, never readable or findable without the keys."""

import base64
import hashlib
import secrets

import pytest
from cryptography.exceptions import InvalidTag

from orchard.runtime import personal_data, settings
from orchard.runtime.database import Connection

PHONE = "13800138000"
PLACE = "member.phone_sealed:1"


def _new_key(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, base64.b64encode(secrets.token_bytes(32)).decode())
    settings.forget()


def test_the_same_value_in_the_same_place_is_never_sealed_to_the_same_bytes(db: Connection) -> None:
    sealed = {personal_data.encrypt(PHONE, PLACE) for _ in range(50)}
    # Version, then the nonce: one nonce used twice would give away what both values differ in.
    assert len({value[1:13] for value in sealed}) == 50
    assert {personal_data.decrypt(value, PLACE) for value in sealed} == {PHONE}


def test_a_value_opens_in_its_own_place_and_with_its_own_key_alone(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = personal_data.encrypt(PHONE, PLACE)
    with pytest.raises(InvalidTag):
        personal_data.decrypt(sealed, "member.phone_sealed:2")
    _new_key(monkeypatch, "ORCHARD_PERSONAL_DATA_KEY")
    with pytest.raises(InvalidTag):
        personal_data.decrypt(sealed, PLACE)
    monkeypatch.undo()
    settings.forget()
    assert personal_data.decrypt(sealed, PLACE) == PHONE


def test_a_search_hash_needs_its_key(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    found = personal_data.search_hash(PHONE)
    assert personal_data.search_hash(PHONE) == found
    assert found != hashlib.sha256(PHONE.encode()).digest()
    _new_key(monkeypatch, "ORCHARD_PERSONAL_DATA_HASH_KEY")
    assert personal_data.search_hash(PHONE) != found
    monkeypatch.undo()
    settings.forget()
