"""Putting the shop on AWS, and taking it off again: `make deploy ENV=...`, `make destroy ENV=...`."""
