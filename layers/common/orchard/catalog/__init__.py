"""Catalogue: what the shop sells, listed, searched and shown; imported from JSON Lines."""
