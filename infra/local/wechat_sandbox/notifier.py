"""The postman: delivers what is due by HTTP POST, on demand or from its own thread."""

from __future__ import annotations

import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from . import envelopes, notices, payments, refunds
from .faults import Fault
from .notices import Notice
from .world import World, rfc3339

TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.5
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Delivery:
    """One attempt. `status` is None when no answer came; `variant` is genuine, probe or the fault's name."""

    notice_id: str
    event_type: str
    reference: str
    attempt: int
    variant: str
    serial: str
    status: int | None
    error: str | None
    accepted: bool


class Notifier:
    """Delivers due notifications; one run at a time, so that no attempt is made twice by accident."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        # No retries and no redirects: only the notify_url itself is ever called.
        self._http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False, maxsize=4)

    def run_due(self) -> list[Delivery]:
        """Settle what is due in virtual time, then attempt every due notification once; return the attempts."""
        with self._running:
            settle_due(self._world)
            batch = self._ordered(notices.due(self._world))
            return [delivery for notice in batch for delivery in self._attempt(notice)]

    def _ordered(self, batch: list[Notice]) -> list[Notice]:
        for notice in batch[1:]:
            if self._world.faults.take(Fault.NOTICES_REORDERED, notice.kind):
                return batch[::-1]
        return batch

    def _attempt(self, notice: Notice) -> list[Delivery]:
        world, faults = self._world, self._world.faults
        if faults.take(Fault.NOTICE_LOST, notice.kind):
            notices.lose(world, notice)
            return []
        if late := faults.take(Fault.NOTICE_LATE, notice.kind):
            notices.put_off(world, notice, late.number(60))
            return []
        first = [self._probe(notice)] if faults.take(Fault.NOTICE_PROBE, notice.kind) else []
        deliveries = self._send(notice)
        seen = not faults.take(Fault.NOTICE_ACK_LOST, notice.kind)
        notices.conclude(world, notice, seen and any(delivery.accepted for delivery in deliveries))
        return first + deliveries

    def _send(self, notice: Notice) -> list[Delivery]:
        spoiler = self._world.faults.first(envelopes.SPOILERS, notice.kind)
        doubled = self._world.faults.take(Fault.NOTICE_DOUBLED, notice.kind)
        headers, body = envelopes.compose(self._world, notice, spoiler, notice.attempts)
        variant = spoiler.fault.value if spoiler else "genuine"
        copies = 2 if doubled else 1
        with ThreadPoolExecutor(2 if doubled and doubled.value == "parallel" else 1) as pool:
            posts = [pool.submit(self._post, notice, headers, body, variant) for _ in range(copies)]
        return [post.result() for post in posts]

    def _probe(self, notice: Notice) -> Delivery:
        headers, body = envelopes.compose(self._world, notice, None, notice.attempts)
        return self._post(notice, envelopes.probe(headers), body, "probe")

    def _post(self, notice: Notice, headers: dict[str, str], body: bytes, variant: str) -> Delivery:
        status, error = None, None
        try:
            answer = self._http.request(
                "POST", notice.notify_url, headers=headers, body=body, redirect=False, preload_content=True
            )
            status = answer.status
        except urllib3.exceptions.HTTPError as problem:
            error = f"{type(problem).__name__}: {problem}"[:300]
        serial = next(value for name, value in headers.items() if name.lower() == "wechatpay-serial")
        delivery = Delivery(
            notice.id, notice.event_type, notice.reference, notice.attempts + 1, variant, serial, status,
            error, status in (200, 204),
        )  # fmt: skip
        self._log(delivery)
        return delivery

    def _log(self, delivery: Delivery) -> None:
        with self._world.store.transaction() as tx:
            tx.execute(
                "INSERT INTO deliveries (notice_id, attempt, at, variant, serial, status, error, accepted)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    delivery.notice_id, delivery.attempt, self._world.clock.now(), delivery.variant,
                    delivery.serial, delivery.status, delivery.error, delivery.accepted,
                ),
            )  # fmt: skip

    def start(self) -> None:
        """Deliver from a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._loop, name="wechat-notifier", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self.run_due()
            except Exception:
                log.exception("a delivery run failed; the next one tries again")

    def stop(self) -> None:
        """End the thread after the delivery in hand, and close connections."""
        self._stop.set()
        if self._thread:
            self._thread.join(TIMEOUT_SECONDS + 1)
        self._http.clear()


def settle_due(world: World) -> None:
    """Do what the platform does by itself as time passes."""
    refunds.settle_due(world)
    payments.close_stale(world)


def describe(world: World, delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as JSON, stamped with the platform's time."""
    return dataclasses.asdict(delivery) | {"at": rfc3339(world.clock.now())}
