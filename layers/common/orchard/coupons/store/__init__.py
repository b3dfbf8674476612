"""All SQL of coupons: templates, members' coupons, codes."""
