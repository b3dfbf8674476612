"""A function that ends in the middle of its work."""

from typing import NoReturn


def killed(*_: object) -> NoReturn:
    """Patched over one step: nothing of it, and nothing after it, happens."""
    raise SystemError("the function was killed here")
