"""The verbs of group-buy, one file each theme.

What orders do to a seat is re-exported here and stays light; the endpoints' files are imported by name.
"""

from orchard.group_buy.service.holding import check_payable, give_back, held, pay, release, seen

__all__ = ["check_payable", "give_back", "held", "pay", "release", "seen"]
