"""Audit: what must be true of all books at all times, as queries. Reads every table, writes none."""
