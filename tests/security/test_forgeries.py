"""Thousands of forged and tampered notifications among genuine ones: none is believed, and every genuine one is.

`make test` sends 2,000; ORCHARD_FORGERIES=20000 sends ten times as many, ORCHARD_SEED draws others.
"""

import os
import random
from collections import Counter
from typing import Any

import pytest

from orchard.runtime.database import Connection
from tests.security.forgeries import Content, Forger
from tests.security.world import footprint
from tests.support.notices import Notice, Platform
from tests.support.till import PRICE_FEN, Buyer, Till

COUNT = int(os.environ.get("ORCHARD_FORGERIES", "2000"))
SEED = int(os.environ.get("ORCHARD_SEED", "7"))
_BATCHES = 10
# Alarms are what a well-signed misfit is meant to leave; the inbox keeps what the platform has signed.
_ALLOWED = {"payment_exception", "callback_inbox"}
# Most come from strangers, few are signed by the platform: in each deck of all kinds, so many to one.
_UNSIGNED_TO_UNTRUE = 2


@pytest.fixture
def draw() -> random.Random:
    """The same forgeries in every run with one seed."""
    return random.Random(SEED)


class Case:
    """What a genuine notification would say now, and how to make and recognise it."""

    def __init__(self, till: Till, platform: Platform, kind: str) -> None:
        self.till, self.platform, self.kind = till, platform, kind
        self.goods = till.shop.sell(price_fen=PRICE_FEN, stock=10_000)

    def open(self) -> tuple[str, Content]:
        """An order whose payment or refund waits to be told of: its number, and what there is to tell."""
        buyer = self.till.buyer()
        number = self.till.order(buyer, 2, self.goods)
        self.till.take_money(buyer, number)
        if self.kind == "transaction":
            return number, self._paid(buyer, number)
        self.till.sandbox.deliver_notifications()
        self.till.refund(number, key=number)
        self.till.send_refunds()
        # Done at the platform, and not told of.
        self.till.sandbox.misbehave("notice_lost", call="refund_notice")
        self.till.sandbox.deliver_notifications()
        return number, self._refunded(number)

    def _taken(self, number: str) -> dict[str, Any]:
        payments = self.till.sandbox.ledger()["payments"]
        return next(payment for payment in payments if payment["out_trade_no"] == number)

    def _paid(self, buyer: Buyer, number: str) -> Content:
        taken = self._taken(number)
        return self.platform.payment(number, buyer.openid, taken["paid_fen"], transaction_id=taken["transaction_id"])

    def _refunded(self, number: str) -> Content:
        taken, row = self._taken(number), self.till.refunds(number)[0]
        return self.platform.refund(row, taken["transaction_id"], taken["paid_fen"], "SUCCESS")

    def settled(self, number: str) -> bool:
        """Whether our books have what was told."""
        return self.till.state(number) == ("TO_SHIP" if self.kind == "transaction" else "REFUNDED")


def _tables(db: Connection, names: list[str]) -> dict[str, Any]:
    return footprint(db, [name for name in names if name not in _ALLOWED])


def _deck(forger: Forger) -> list[tuple[str, int]]:
    """Every kind with the refusal it must meet, shuffled; dealt to the end, it leaves none untried."""
    unsigned = [(name, 401) for name in sorted(forger.unsigned) for _ in range(_UNSIGNED_TO_UNTRUE)]
    deck = unsigned + [(name, 400) for name in sorted(forger.untrue)]
    assert len(deck) <= COUNT // 2 // _BATCHES * _BATCHES, (
        f"ORCHARD_FORGERIES={COUNT} is too few to try every kind: give {2 * (len(deck) + _BATCHES)} or more"
    )
    forger.draw.shuffle(deck)
    return deck


@pytest.mark.parametrize("kind", ["transaction", "refund"])
def test_no_forgery_is_believed(till: Till, platform: Platform, migrated: Any, draw: random.Random, kind: str) -> None:
    case, forger, seen = Case(till, platform, kind), Forger(platform, draw), Counter[str]()
    replays: list[Notice] = []
    deck = _deck(forger)
    for _ in range(_BATCHES):
        number, content = case.open()
        before = _tables(till.db, migrated[0])
        signed = _count(till, "callback_inbox"), sum(till.alarms().values())
        untrue = Counter[str]()
        for _ in range(COUNT // 2 // _BATCHES):
            name, expected = deck.pop()
            deck = deck or _deck(forger)
            notice = (forger.untrue if expected == 400 else forger.unsigned)[name](kind, content)
            assert notice.post().status == expected, name
            seen[name] += 1
            untrue[name] += expected == 400
        for notice in replays:
            assert notice.post().status == 200
        assert _tables(till.db, migrated[0]) == before
        assert not case.settled(number)
        # Each misfit called an operator; each but the other merchants' was signed for us, so it was kept.
        kept = untrue.total() - untrue["another merchant"]
        assert (_count(till, "callback_inbox"), sum(till.alarms().values())) == (
            signed[0] + kept, signed[1] + untrue.total()
        )  # fmt: skip
        genuine = platform.notice(kind, content)
        assert genuine.post().status == 200
        assert case.settled(number)
        replays = [genuine]
    assert seen.keys() == forger.unsigned.keys() | forger.untrue.keys()
    assert seen.total() >= COUNT // 2 - _BATCHES


def _count(till: Till, table: str) -> int:
    return int(till.rows(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])
