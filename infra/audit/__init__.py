"""Audits of what the bundle is made of: known weaknesses of its packages, and secrets among its files."""
