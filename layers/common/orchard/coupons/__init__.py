"""Coupons: templates, what members hold of them, and what an order does to one."""
