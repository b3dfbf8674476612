"""How long the platform lets an invocation run."""

from typing import Any

# Enough for an item that touches the database alone.
ITEM_SECONDS = 5.0


class TimeLeft:
    """How long the invocation may still run; a job begins no item that it might not end (`item_seconds` at worst)."""

    def __init__(self, context: Any, item_seconds: float = ITEM_SECONDS) -> None:
        self._context = context
        self._item_seconds = item_seconds

    @property
    def seconds(self) -> float:
        """Seconds until the platform stops the function; an hour where nobody says."""
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        return float(remaining()) / 1000 if remaining else 3600.0

    def __bool__(self) -> bool:
        return self.seconds > self._item_seconds
