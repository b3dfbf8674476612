"""Stock per SKU and location: on hand, reserved, and the ledger that explains both."""
