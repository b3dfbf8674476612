"""States and records of members, and what may be refused to them."""

from dataclasses import dataclass, field
from enum import StrEnum

from orchard.core.errors import Conflict, Forbidden

MAX_ADDRESSES = 50


class MemberState(StrEnum):
    """A frozen member has no session and gets none."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"


class Gender(StrEnum):
    """As the member states it."""

    UNKNOWN = "UNKNOWN"
    MALE = "MALE"
    FEMALE = "FEMALE"


class MemberFrozen(Forbidden):
    """The shop has frozen this member."""

    code = "member_frozen"
    message = "账号已被冻结，请联系客服"


class PhoneTaken(Conflict):
    """The phone number is bound to another member.

    Refused rather than moved: staff find members by their number, and numbers are handed on by carriers, so moving
    it silently would give one person's history to another. The caller has proved the number, so nothing leaks.
    """

    code = "phone_taken"
    message = "该手机号已绑定其他账号，请联系客服"


class TooManyAddresses(Conflict):
    """The member keeps MAX_ADDRESSES addresses already."""

    code = "too_many_addresses"
    message = "收货地址已达上限，请先删除不用的地址"


@dataclass(frozen=True, slots=True)
class Address:
    """A delivery address in plain, for its owner and for shipping. Coordinates are GCJ-02 degrees, if known."""

    address_id: int
    recipient: str = field(repr=False)
    phone: str = field(repr=False)
    region_code: str
    province: str
    city: str
    district: str
    detail: str = field(repr=False)
    tag: str
    is_default: bool
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
