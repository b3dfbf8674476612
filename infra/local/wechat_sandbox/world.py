"""What every part of the sandbox stands on: identity, store, virtual clock, settings and misbehaviour."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from .config import SandboxConfig
from .faults import FaultBoard
from .store import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
SERIAL_MODES = ("public_key", "certificate", "mixed")


def rfc3339(moment: float) -> str:
    """Write epoch seconds as Pay v3 does: whole seconds, +08:00."""
    return dt.datetime.fromtimestamp(int(moment), SHANGHAI).isoformat()


class VirtualClock:
    """Real time plus an offset that only grows; the offset outlives a restart."""

    def __init__(self, store: Store, real: Callable[[], float] = time.time) -> None:
        self._store, self.real = store, real
        self._offset = float(store.read_setting("clock_offset", 0))

    def now(self) -> float:
        """Return the platform's time, in epoch seconds."""
        return self.real() + self._offset

    def advance(self, seconds: float) -> float:
        """Move forward and return the new time; ValueError when asked to go back."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 10**9:
            raise ValueError("seconds must be a number from 0 to 1000000000")
        self._offset += seconds
        self._store.write_setting("clock_offset", self._offset)
        return self.now()


@dataclasses.dataclass(frozen=True)
class Settings:
    """Standing choices, kept over a restart.

    serial_mode: public_key, certificate or mixed (answers follow the request, notifications alternate).
    minute_between_refunds: refuse a second refund of one order within a minute.
    refuse_replayed_nonce: refuse a nonce_str that was seen before.
    refund_delay_seconds: virtual seconds from acceptance to settlement.
    refund_state_on: when an order shows REFUND: accepted or success (official texts disagree).
    """

    serial_mode: str = "public_key"
    minute_between_refunds: bool = True
    refuse_replayed_nonce: bool = False
    refund_delay_seconds: int = 0
    refund_state_on: str = "success"

    def changed(self, changes: dict[str, Any]) -> Settings:
        """Return the settings with changes; ValueError for an unknown name or a value of the wrong kind."""
        for name, value in changes.items():
            if name not in Settings.__dataclass_fields__ or type(value) is not type(getattr(self, name)):
                raise ValueError(f"{name}: unknown setting or a value of the wrong kind")
        after = dataclasses.replace(self, **changes)
        if after.serial_mode not in SERIAL_MODES or after.refund_state_on not in ("accepted", "success"):
            raise ValueError("serial_mode or refund_state_on has a value that does not exist")
        if after.refund_delay_seconds < 0:
            raise ValueError("refund_delay_seconds must not be negative")
        return after


class World:
    """One sandbox without its network."""

    def __init__(self, config: SandboxConfig, path: str = ":memory:") -> None:
        self.config = config
        self.store = Store(path)
        self.clock = VirtualClock(self.store)
        self.faults = FaultBoard()
        self.settings = Settings().changed(self.store.read_setting("settings", {}))

    def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Change and keep settings; ValueError as in `Settings.changed`."""
        self.settings = self.settings.changed(changes)
        self.store.write_setting("settings", dataclasses.asdict(self.settings))
        return self.settings
