"""What a member may write about themselves: pure checks, each linear in its input."""

import re
import unicodedata
from datetime import date

# Administrative divisions of GB/T 2260: the first two digits of every province-level division.
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]", re.ASCII)
# Jiayuguan, Dongguan, Zhongshan and Danzhou have no districts: there the city's own code is the finest there is.
_WITHOUT_DISTRICTS = frozenset({"620200", "441900", "442000", "460400"})
# Mobile: 11 digits from 13 to 19. Landline: area code, 7 or 8 digits, extension.
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(?:-[0-9]{1,6})?", re.ASCII)
_OLDEST_BIRTHDAY = date(1900, 1, 1)


def is_district(region_code: str) -> bool:
    """Whether a six-digit code names a district, a county, or a city that has neither."""
    if not _PROVINCE.fullmatch(region_code[:2]):
        return False
    return region_code in _WITHOUT_DISTRICTS or not region_code.endswith("00")


def normal_phone(text: str) -> str:
    """A mainland mobile or landline number, full-width digits made plain. Raises ValueError for anything else."""
    phone = unicodedata.normalize("NFKC", text).strip()
    if not _PHONE.fullmatch(phone):
        raise ValueError("not a mainland phone number")
    return phone


def is_single_line(text: str) -> bool:
    """Whether text has neither a line break nor another separator that some display would break at."""
    return not any(character in "\n\r\u2028\u2029" for character in text)


def is_birthday(day: date, today: date) -> bool:
    """Whether somebody alive on `today` may have been born on `day`."""
    return _OLDEST_BIRTHDAY <= day <= today
