"""Phone numbers, districts and birthdays; every check is linear in its input."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchard.members import rules
from orchard.members.schemas import AddressDraft, ProfileChange


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13800138000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        (" 19912345678 ", "19912345678"),
        ("020-12345678", "020-12345678"),
        ("07551234567", "07551234567"),
        ("0755-1234567-8001", "0755-1234567-8001"),
    ],
)
def test_mainland_numbers_are_kept_in_plain_digits(written: str, kept: str) -> None:
    assert rules.normal_phone(written) == kept


@pytest.mark.parametrize(
    "written",
    ["", "12800138000", "1380013800", "138001380000", "+8613800138000", "020-123", "13800138000\n1", "١٣٨٠٠١٣٨٠٠٠"],
)
def test_other_numbers_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="phone"):
        rules.normal_phone(written)


@given(st.text(alphabet="0123456789-", max_size=30))
def test_an_accepted_number_is_its_own_normal_form(text: str) -> None:
    try:
        phone = rules.normal_phone(text)
    except ValueError:
        return
    assert rules.normal_phone(phone) == phone
    assert phone[0] in "01"


@pytest.mark.parametrize(
    ("code", "fits"),
    [
        ("440106", True), ("110101", True), ("429004", True), ("441900", True), ("442000", True), ("460400", True),
        ("440100", False), ("440000", False), ("990101", False), ("160101", False), ("070101", False),
    ],
)  # fmt: skip
def test_a_district_is_the_finest_code_there_is(code: str, fits: bool) -> None:
    assert rules.is_district(code) is fits


@pytest.mark.parametrize(
    "change",
    [
        {"nickname": "果" * 33},
        {"nickname": "a\nb"},
        {"nickname": "a\r\nSet-Cookie: x"},
        {"nickname": "a\u2028b"},
        {"nickname": "\ud800"},
        {"nickname": None},
        {"avatar_url": "http://img.example.com/a.png"},
        {"avatar_url": "https://localhost/a.png"},
        {"avatar_url": "https://127.0.0.1/a.png"},
        {"avatar_url": "https://[::1]/a.png"},
        {"avatar_url": "https://user@img.example.com/a.png"},
        {"avatar_url": "https://img.example.com:8443/a.png"},
        {"avatar_url": "https://img.example.com/" + "a" * 500},
        {"avatar_url": 'https://img.example.com/"onerror'},
        {"avatar_url": "https://img.example.com/a\r\nx"},
        {"avatar_url": "javascript:alert(1)"},
        {"gender": "female"},
        {"birthday": "2999-01-01"},
        {"birthday": "1899-12-31"},
        {"birthday": "2001-02-29"},
        {"birthday": "20010228"},
        {"birthday": 0},
        {"birthday": "2001-02-28T00:00:00"},
        {"role": "staff"},
        {"balance_fen": 1},
        {"state": "ACTIVE"},
        {"member_id": "1"},
    ],
)
def test_a_profile_takes_nothing_else(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProfileChange.model_validate(change)


@pytest.mark.parametrize("nickname", ["👨‍👩‍👧‍👦🏳️‍🌈", "\u202eevil\u202c", "𠮷野家", "مرحبا", "العربية果", "é"])
def test_a_profile_takes_names_of_every_script(nickname: str) -> None:
    assert ProfileChange.model_validate({"nickname": nickname}).nickname == nickname


def test_a_birthday_may_be_today_but_not_tomorrow() -> None:
    today = date(2026, 3, 1)
    assert rules.is_birthday(today, today)
    assert not rules.is_birthday(date(2026, 3, 2), today)


KILLERS = ["0" * 200_000, "1" + "3" * 200_000, "0755-" + "1" * 100_000 + "-", "-" * 200_000, "ﷺ" * 20_000]


@pytest.mark.parametrize("text", KILLERS, ids=range(len(KILLERS)))
def test_long_hostile_text_is_refused_without_being_matched(text: str) -> None:
    # Bounded repetition makes the match linear; a quadratic one would take minutes on these.
    with pytest.raises(ValueError, match="phone"):
        rules.normal_phone(text)
    address = {
        "recipient": "李", "phone": text, "region_code": "440106", "province": "广东省", "city": "广州市",
        "district": "天河区", "detail": "某路", "is_default": False,
    }  # fmt: skip
    with pytest.raises(ValidationError):
        AddressDraft.model_validate(address)
    with pytest.raises(ValidationError):
        ProfileChange.model_validate({"avatar_url": "https://" + "a.-" * len(text)})
