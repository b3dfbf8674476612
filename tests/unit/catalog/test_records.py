"""Which addresses a catalogue may carry, and what becomes of HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from infra.tools.catalogue_file import clean_html
from orchard.catalog.records import ProductRecord, Url

urls: TypeAdapter[str] = TypeAdapter(Url)


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x.jpg?y=1#z", "http://a.example", "https://a.example:8443/图.jpg", "http://[2001:db8::1]/a"],
)
def test_http_addresses_are_taken_as_they_are(url: str) -> None:
    assert urls.validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "a.jpg", "//a.example/x", "ftp://a.example/x", "javascript:alert(1)", "data:text/html,x", "http://",
        "http:///x", "https://:80/x", "https://u@a.example/", "https://a.example\\@b.example/", "https://a.example/a b",
        "https://a.example/\r\nSet-Cookie: x", "https://a.example/\u202e", " https://a.example", "HTTPS://a.example",
        "https://a.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        urls.validate_python(url)


def test_html_cannot_get_in_unclean() -> None:
    record = {
        "type": "product", "code": "a", "name": "x", "category": "c", "pictures": ["https://a.example/1"],
        "skus": [{"code": "s", "price_fen": 1, "weight_grams": 1}], "description": "<p>x</p>",
    }  # fmt: skip
    with pytest.raises(ValidationError, match="clean_html"):
        ProductRecord.model_validate(record)
    context = {"clean_html": clean_html}
    assert ProductRecord.model_validate(record, context=context).description == "<p>x</p>"


@given(st.text(max_size=200))
def test_cleaning_again_changes_nothing(html: str) -> None:
    once = clean_html(html)
    assert clean_html(once) == once


@pytest.mark.parametrize(
    "html",
    [
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)//",
        '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
        "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
        '<a href="\x01javascript:alert(1)">x</a>',
        "<a href='jav&#x0A;ascript:alert(1)'>x</a>",
        "<!--<img src=x onerror=alert(1)>-->",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    ],
)
def test_known_tricks_leave_nothing_that_runs(html: str) -> None:
    cleaned = clean_html(html).lower()
    assert "<script" not in cleaned
    assert "<svg" not in cleaned
    assert "href" not in cleaned
    assert "<img src=x" not in cleaned
    assert not any(f" {handler}=" in cleaned.split(">")[0] for handler in ("onerror", "onbegin"))
