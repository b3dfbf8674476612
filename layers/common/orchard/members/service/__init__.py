"""The verbs of members, one file each theme.

What other capabilities need (an address for an order, the openid for a payment) is re-exported here. The endpoints' own
files are imported by name, so that placing an order loads neither the login nor the profile.
"""

from orchard.members.models import Address
from orchard.members.service.address_book import address_statement, read_address
from orchard.members.service.display import masked_names
from orchard.members.service.identity import freeze, join, member_openid, unfreeze

__all__ = [
    "Address",
    "address_statement",
    "freeze",
    "join",
    "masked_names",
    "member_openid",
    "read_address",
    "unfreeze",
]
