"""The verbs of coupons, one file each theme.

What orders do to a coupon is re-exported here and stays light; the endpoints' files are imported by name.
"""

from orchard.coupons.service.holding import confirm, give_back, held, lock, release

__all__ = ["confirm", "give_back", "held", "lock", "release"]
