"""Orders: quoted, placed, paid, closed; every step a row."""
