"""The worker that gives new members their pack."""

from typing import Any

from orchard.runtime.database import Connection
from tests.support.calls import invoke
from tests.support.coupons import Coupons, mine
from tests.support.shop import Shoppers


def _deliver(db: Connection, *, times: int = 1) -> dict[str, Any]:
    rows = db.run(lambda tx: tx.rows("SELECT id, topic, subject, payload FROM outbox WHERE topic = 'member.joined'"))
    body = '{{"id": "{id}", "topic": "{topic}", "subject": "{subject}", "payload": {payload}}}'
    records = [{"messageId": f"{n}-{row['id']}", "body": body.format(**row)} for n in range(times) for row in rows]
    answer: dict[str, Any] = invoke("coupons/grant_newcomer_coupons", {"Records": records})
    return answer


def test_a_new_member_gets_the_whole_pack_once(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    pack = [coupons.offer(channel="NEWCOMER", name=f"新人券{n}") for n in range(3)]
    coupons.offer(name="领券中心")
    me = shopper()
    assert _deliver(db, times=2) == {"batchItemFailures": []}
    _deliver(db)
    assert sorted(int(c["template_id"]) for c in mine(me.token).json["coupons"]) == sorted(pack)
    assert [coupons.template(template_id)["issued"] for template_id in pack] == [1, 1, 1]


def test_what_is_sold_out_is_left_out(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    gone, left = coupons.offer(channel="NEWCOMER", quota=1), coupons.offer(channel="NEWCOMER")
    first, second = shopper(), shopper()
    assert _deliver(db) == {"batchItemFailures": []}
    assert coupons.template(gone)["issued"] == 1
    assert coupons.template(left)["issued"] == 2
    counts = sorted(len(mine(member.token).json["coupons"]) for member in (first, second))
    assert counts == [1, 2]


def test_a_replayed_event_under_another_id_gives_nothing_more(
    coupons: Coupons, shopper: Shoppers, db: Connection
) -> None:
    template_id = coupons.offer(channel="NEWCOMER")
    me = shopper()
    _deliver(db)
    payload = f'{{"id": "77", "topic": "member.joined", "subject": "x", "payload": {{"member_id": "{me.member_id}"}}}}'
    invoke("coupons/grant_newcomer_coupons", {"Records": [{"messageId": "again", "body": payload}]})
    assert coupons.template(template_id)["issued"] == 1
