"""Seeded mistakes: each `.patch` beside this file is one that somebody could make, and the tests must fail on it.

`make teeth` applies one after the other to a copy of the tree and runs the tests that its header names.
"""
