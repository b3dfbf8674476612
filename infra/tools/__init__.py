"""Commands of the shop's operator."""
