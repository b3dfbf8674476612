"""Orchard: the rules of a shop behind a WeChat mini-program, shared by every cloud function."""
