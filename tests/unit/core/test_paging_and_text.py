import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.core import text
from orchard.core.errors import InvalidInput
from orchard.core.paging import decode_cursor, encode_cursor


@given(st.integers(0, 2**63 - 1), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_a_cursor_comes_back_as_it_went(number: int, word: str) -> None:
    assert decode_cursor("list", encode_cursor("list", (number, word)), (int, str)) == (number, word)


@given(st.text(max_size=80))
def test_made_up_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor("list", cursor, (int,))


@pytest.mark.parametrize("position", range(12))
def test_a_tampered_cursor_is_refused(position: int) -> None:
    good = encode_cursor("list", (42,))
    spot = position % len(good)
    bad = good[:spot] + ("A" if good[spot] != "A" else "B") + good[spot + 1 :]
    with pytest.raises(InvalidInput):
        decode_cursor("list", bad, (int,))


def test_a_cursor_of_another_list_or_shape_is_refused() -> None:
    cursor = encode_cursor("orders:1", (42,))
    for scope, types in (("orders:2", (int,)), ("orders:1", (str,)), ("orders:1", (int, int))):
        with pytest.raises(InvalidInput):
            decode_cursor(scope, cursor, types)


def test_first_page_has_no_cursor() -> None:
    assert decode_cursor("list", None, (int,)) is None


def test_folding_equates_width_case_and_blanks() -> None:
    assert text.fold("　ＡＰＰＬＥ　红富士 ") == text.fold("apple 红富士")


def test_control_characters_are_seen_and_emoji_families_are_not_mistaken_for_them() -> None:
    assert text.has_control_characters("a\x00b")
    assert text.has_control_characters("a\r\nSet-Cookie: x")
    assert not text.has_control_characters("👨‍👩‍👧‍👦 𠮷野 第二行\n")


def test_direction_overrides_are_isolated_in_display() -> None:
    assert text.isolate("plain") == "plain"
    assert text.isolate("\u202eevil") == "\u2068\u202eevil\u2069"


def test_masks_keep_only_the_ends() -> None:
    assert text.mask_phone("13800138000") == "138****8000"
    assert text.mask_phone("110") == "****"
    assert text.mask_name("欧阳娜娜") == "欧**"
