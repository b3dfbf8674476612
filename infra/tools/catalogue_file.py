"""Reading a catalogue file: JSON Lines, every bad line with its number and reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import nh3
from pydantic import ValidationError

from orchard.catalog.checks import Catalogue, LineError
from orchard.catalog.records import BrandRecord, CategoryRecord, ProductRecord, Record
from orchard.core.errors import InvalidInput
from orchard.runtime.bodies import parse_json

MAX_LINE_BYTES = 1024 * 1024
MAX_LINES = 500_000
_MAX_REASONS = 5
_TYPES: dict[str, type[Record]] = {"category": CategoryRecord, "brand": BrandRecord, "product": ProductRecord}
_TAGS = {
    "a", "b", "blockquote", "br", "div", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "li", "ol", "p", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"}, "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"},
}  # fmt: skip
# No scripts, styles, handlers, frames or forms; addresses are absolute http or https.
_CLEANER = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, url_relative="deny")


class BadLineError(ValueError):
    """A line that is no record; the text says why."""


@dataclass(frozen=True, slots=True)
class ReadCatalogue:
    """What a file holds, and what is wrong with it."""

    catalogue: Catalogue
    errors: list[LineError]


def clean_html(html: str) -> str:
    """HTML with nothing in it that could run or load anything but pictures and links."""
    return _CLEANER.clean(html)


def read(path: Path) -> ReadCatalogue:
    """Read and check a file line by line. Raises OSError."""
    catalogue, errors = Catalogue(), []
    with path.open("rb") as file:
        for number, line in _lines(file):
            try:
                reason = catalogue.add(number, parse_line(line))
            except BadLineError as error:
                reason = str(error)
            if reason:
                errors.append(LineError(number, reason))
    return ReadCatalogue(catalogue, errors)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that are not blank; a line past the limits is cut and ends the file."""
    for number in range(1, MAX_LINES + 2):
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line:
            return
        if line.strip(b"\xef\xbb\xbf \t\r\n"):
            yield number, line if number <= MAX_LINES else b""
        if len(line) > MAX_LINE_BYTES:
            return


def parse_line(line: bytes) -> Record:
    """One record from one line. Raises BadLineError."""
    if not line:
        raise BadLineError(f"more than {MAX_LINES} lines; the rest was not read")
    if len(line) > MAX_LINE_BYTES:
        raise BadLineError(f"longer than {MAX_LINE_BYTES} bytes; the rest of the file was not read")
    try:
        raw = parse_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadLineError("not UTF-8") from None
    except InvalidInput:
        raise BadLineError("not a JSON document (nested no deeper than 32, no name twice)") from None
    if not isinstance(raw, dict) or str(raw.get("type")) not in _TYPES:
        raise BadLineError(f"not an object with a type of {', '.join(_TYPES)}")
    return _record(raw)


def _record(raw: dict[str, Any]) -> Record:
    try:
        return _TYPES[raw["type"]].model_validate(raw, context={"clean_html": clean_html})
    except ValidationError as error:
        raise BadLineError("; ".join(_reasons(error))) from None


def _reasons(error: ValidationError) -> Iterator[str]:
    """What is wrong, in words, without repeating the values."""
    for item in error.errors(include_input=False, include_url=False)[:_MAX_REASONS]:
        place = ".".join(str(part) for part in item["loc"])
        yield f"{place}: {item['msg']}" if place else str(item["msg"])
