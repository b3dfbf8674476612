"""All SQL of the catalogue: reading (lists, search, details), events, and loading."""
