"""The running bundle under a campaign: answers are noted, states leave footprints, the books are compared."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from infra.demo.shop_client import ShopClient
from infra.local.cloud import LocalCloud
from tests.campaigns.footprints import Footprints
from tests.campaigns.sometimes import heard, sometimes
from tests.support import books, environment, notices
from tests.support.coupons import Coupons
from tests.support.scenario import RunningShop, Shopper

T = TypeVar("T")
# What the jobs would come to by themselves, hours later.
_ASKED = (
    ("sync_payments", "payment", "next_query_at", "state IN ('UNKNOWN', 'PREPAID')"),
    ("finish_open_intents", "payment_call", "next_try_at", "ended_at IS NULL"),
    ("finish_open_intents", "refund", "next_try_at", "next_try_at IS NOT NULL"),
)
# Several processes write into one log, and now and then into one line.
_STARTED = re.compile(r"START RequestId: [0-9a-f-]+ Function: ([a-z_]+)")
_PATIENCE_SECONDS = 300


class Phone(ShopClient):
    """A shopper's phone that notes every answer and fails on any that is neither a success nor a typed refusal."""

    def attempt(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, key: str | None = None
    ) -> tuple[int, Any]:
        """One call; returns status and JSON."""
        status, answer = super().attempt(method, path, body, query=query, key=key)
        heard(method, path, status, answer)
        return status, answer

    def refused(self, code: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """One call that must be refused with this code; the problem."""
        status, answer = self.attempt(method, path, body, **more)
        assert status >= 400, f"{method} {path} was not refused with {code}"
        assert answer["code"] == code, (method, path, status, answer)
        return answer


class Field(RunningShop):
    """The running shop of a campaign."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        super().__init__(cloud, folder)
        self.coupons = Coupons(self.db)
        self.footprints = Footprints(self.db)
        self.footprints.install()
        self._noted = 0

    def shopper(self, **given: str) -> Shopper:
        """A new WeChat user (phone= if wanted), logged in, with a phone that notes its answers."""
        openid = str(self.wechat.create_shopper(**given)["openid"])
        phone = Phone(self.cloud.api_url)
        phone.log_in(self.wechat.login_code(openid))
        return Shopper(phone, openid, self.wechat)

    def nobody(self, token: str | None = None) -> Phone:
        """A phone without a session, or with a token of any kind."""
        return Phone(self.cloud.api_url, token)

    def post(self, notice: notices.Notice, **headers: str) -> int:
        """Deliver a notification to the callback API; the answer's status. A refusal is noted."""
        path = {"transaction": "/wechat-pay/payments", "refund": "/wechat-pay/refunds"}[notice.kind]
        sent = {"content-type": "application/json", **notice.headers, **headers}
        answer = self._http.request("POST", self.cloud.callback_url + path, body=notice.body, headers=sent)
        if answer.status != 200:
            assert answer.status < 500, (path, answer.status, answer.data)
            sometimes(f"refusal: {answer.json()['message']}")
        return answer.status

    def http(self) -> urllib3.PoolManager:
        """Plain HTTP, for what a phone does not send."""
        return self._http

    def fire(self, job: str, payload: Any = None) -> Any:
        """Start a function now, with an event of its own if wanted; its answer."""
        return self.cloud.fire(job, payload)

    @contextmanager
    def as_function(self, name: str) -> Iterator[None]:
        """With the settings of one function, for what a merchant does beside the API."""
        before = dict(os.environ)
        environment.apply(self.cloud.bundle.function(name).environment)
        yield
        os.environ.clear()
        environment.apply(before)

    def drain(self) -> None:
        """Wait until no message waits or is under way; many may."""
        self.eventually(lambda: self.cloud.waiting_messages() == 0, _PATIENCE_SECONDS)

    def settle(self) -> None:
        """Whatever is still awaited is asked for, then as every scenario ends."""
        self.wechat.behave()
        for job, table, column, where in _ASKED:
            self.change(f"UPDATE {table} SET {column} = UTC_TIMESTAMP(6) WHERE {where}")
            self.cloud.fire(job)
        super().settle()

    def check(self) -> None:
        """Every invariant that holds at all times."""
        books.assert_sound(self.db)

    def note(self) -> None:
        """Note the states that rows went through and the functions that ran."""
        self.footprints.note()
        mark, self._noted = self._noted, self.log_mark()
        for name in _STARTED.findall("\n".join(self.log_since(mark))):
            sometimes(f"function: {name}")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Start all calls at the same moment and wait for all; their results in order. Raises the first error."""
    start = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)
    errors: list[BaseException] = []

    def run(place: int) -> None:
        start.wait(30)
        try:
            results[place] = calls[place]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def statuses(answers: Sequence[tuple[int, Any]]) -> list[int]:
    """The statuses of answers, sorted."""
    return sorted(status for status, _ in answers)
