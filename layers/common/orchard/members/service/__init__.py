"""Members: log in and out, profile, phone number, addresses. Other capabilities read addresses and openids here."""

from orchard.members.models import Address
from orchard.members.service.addresses import (
    add_address,
    address_statement,
    delete_address,
    list_addresses,
    read_address,
    replace_address,
    show_address,
)
from orchard.members.service.login import freeze, join, log_in, log_out, member_openid, unfreeze
from orchard.members.service.profile import bind_phone, change_profile, show_profile

__all__ = [
    "Address",
    "add_address",
    "address_statement",
    "bind_phone",
    "change_profile",
    "delete_address",
    "freeze",
    "join",
    "list_addresses",
    "log_in",
    "log_out",
    "member_openid",
    "read_address",
    "replace_address",
    "show_address",
    "show_profile",
    "unfreeze",
]
