"""Requests and answers: `placing` for quotes and orders to come, `reading` for orders that are."""
