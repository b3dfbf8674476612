"""What strangers may see of a member's name."""

import pytest

from orchard.members.service import display


@pytest.mark.parametrize(
    ("nickname", "shown"),
    [("林小满", "林**"), ("A", "A**"), ("", "微信用户"), ("\u202e王小明", "\u2068\u202e**\u2069")],
)
def test_a_name_keeps_its_first_character_only(nickname: str, shown: str) -> None:
    assert display.masked(nickname) == shown
