"""The closed base of every request and response, and the field types that all capabilities share."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

from orchard.core import text

_MAX_BIGINT = 2**63 - 1


class Schema(BaseModel):
    """Closed and frozen: unknown fields are refused, so a client cannot smuggle in a price or an owner.

    Errors do not repeat their input, which may be personal data on its way to a log.
    Validators are built at first use: a function imports many models and uses few, and a cold start pays for imports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)


def _parse_id(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError("not an id")
    if isinstance(value, int):
        number = value
    elif isinstance(value, str) and 0 < len(value) <= 19 and value.isascii() and value.isdigit():
        number = int(value)
    else:
        raise ValueError("not an id")
    if not 0 < number <= _MAX_BIGINT:
        raise ValueError("not an id")
    return number


def _plain_text(value: str) -> str:
    if text.has_control_characters(value):
        raise ValueError("control characters are not allowed")
    return value.strip()


# A 63-bit row id: a string in JSON, because JavaScript numbers end at 2**53.
Id = Annotated[
    int,
    BeforeValidator(_parse_id),
    PlainSerializer(str, return_type=str),
    # WithJsonSchema would say the same, but importing it loads all of pydantic's schema generator.
    Field(json_schema_extra={"type": "string", "pattern": r"^[0-9]{1,19}$"}),
]
# Strict integers: "1", 1.0 and true are not quantities.
Quantity = Annotated[int, Field(strict=True, ge=1, le=999)]
Fen = Annotated[int, Field(strict=True, ge=0, le=10**12)]
# Text that people typed: no control characters, outer blanks cut. Give max_length with Field.
PlainText = Annotated[str, AfterValidator(_plain_text)]
# Six-digit administrative division code (GB/T 2260): province, city, district by two digits each.
RegionCode = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$")]
UtcTime = Annotated[
    datetime,
    PlainSerializer(lambda value: value.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
]
