"""Requests and answers of members. Owners see their own addresses in plain; a phone number is always masked."""

import re
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchard.core import clock, text
from orchard.core.schemas import Id, RegionCode, Schema, UtcTime
from orchard.members import rules
from orchard.members.models import Gender

_PHONE_PATTERN = r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?)$"
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _single_line(value: str) -> str:
    if text.has_control_characters(value) or not rules.is_single_line(value):
        raise ValueError("control characters are not allowed")
    return value.strip()


def _not_blank(value: str) -> str:
    if not value:
        raise ValueError("blank")
    return value


def _district(value: str) -> str:
    if not rules.is_district(value):
        raise ValueError("not a district")
    return value


def _iso_date(value: Any) -> Any:
    # pydantic alone would also take timestamps and times of day.
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        raise ValueError("not a date")
    if isinstance(value, int | float):
        raise ValueError("not a date")
    return value


def _birthday(value: date) -> date:
    if not rules.is_birthday(value, clock.business_date(clock.utc_now())):
        raise ValueError("not a birthday")
    return value


WeChatCode = Annotated[str, Field(min_length=1, max_length=512)]
Nickname = Annotated[str, Field(max_length=32), AfterValidator(_single_line)]
# An https address on a named host. It is stored and shown, never fetched. Empty means none.
AvatarUrl = Annotated[
    str,
    Field(
        max_length=500,
        pattern=r"^(https://([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*(/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?)?$",
    ),
]
Birthday = Annotated[date, BeforeValidator(_iso_date), AfterValidator(_birthday)]
District = Annotated[RegionCode, AfterValidator(_district)]
PlaceName = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_single_line), AfterValidator(_not_blank)]
Recipient = Annotated[str, Field(min_length=1, max_length=30), AfterValidator(_single_line), AfterValidator(_not_blank)]
Detail = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_single_line), AfterValidator(_not_blank)]
Tag = Annotated[str, Field(max_length=10), AfterValidator(_single_line)]
Phone = Annotated[
    str,
    Field(min_length=7, max_length=24, json_schema_extra={"pattern": _PHONE_PATTERN}),
    AfterValidator(rules.normal_phone),
    Field(json_schema_extra={"type": "string", "pattern": r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?)$"}),
]
Latitude = Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]


class LogInRequest(Schema):
    """`code` is what wx.login returned: five minutes old at most, good for one use."""

    code: WeChatCode


class Profile(Schema):
    """A member as they see themselves. `display_name` is the nickname made safe to stand among other text."""

    member_id: Id
    nickname: str
    display_name: str
    avatar_url: str
    gender: Gender
    birthday: date | None
    phone: str | None
    joined_at: UtcTime


class LoggedIn(Schema):
    """`token` goes into `Authorization: Bearer`, for `expires_in` seconds."""

    token: str
    expires_in: int
    is_new: bool
    profile: Profile


class LogOutRequest(Schema):
    """`everywhere` ends all sessions of the member, not only this one."""

    everywhere: Annotated[bool, Field(strict=True)] = False


class LoggedOut(Schema):
    """How many sessions ended."""

    sessions_ended: int


class ProfileChange(Schema):
    """What to change; fields left out stay. An empty nickname or avatar, or a null birthday, is taken away."""

    nickname: Nickname = ""
    avatar_url: AvatarUrl = ""
    gender: Gender = Gender.UNKNOWN
    birthday: Birthday | None = None


class PhoneRequest(Schema):
    """`code` is what the phone button returned: five minutes old at most, good for one use."""

    code: WeChatCode


class AddressDraft(Schema):
    """A whole address. Coordinates (GCJ-02) come both or not at all."""

    recipient: Recipient
    phone: Phone
    region_code: District
    province: PlaceName
    city: PlaceName
    district: PlaceName
    detail: Detail
    tag: Tag = ""
    is_default: Annotated[bool, Field(strict=True)] = False
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _position_is_whole(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("half a position")
        return self


class AddressDetail(Schema):
    """One address in plain, for its owner."""

    address_id: Id
    recipient: str
    phone: str
    region_code: RegionCode
    province: str
    city: str
    district: str
    detail: str
    tag: str
    is_default: bool
    latitude: float | None
    longitude: float | None


class AddressList(Schema):
    """All addresses, the default first, then the newest."""

    addresses: list[AddressDetail]
