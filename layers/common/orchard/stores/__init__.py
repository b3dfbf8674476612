"""Stores: where orders are picked up or delivered from, and how far away they are."""
