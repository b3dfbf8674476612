"""The sweep: expire what ended, remind the owners of what is about to."""

from orchard.core.clock import from_database
from orchard.coupons.store import wallet
from orchard.runtime import outbox
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import Counts, TimeLeft

BATCH = 200


def expire_coupons(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Expire and remind in batches of 200, each a transaction of its own, until nothing is due or time is over.

    Reminders are outbox events `coupon.ending`, once per coupon. Two sweeps at once share the work.
    """
    counts = {"expired": 0, "reminded": 0}
    for name, work in (("expired", _expire), ("reminded", _remind)):
        while time_left:
            done = transactions.run(work)
            counts[name] += done
            if done == 0:
                break
    return counts


def _expire(tx: Tx) -> int:
    ids = wallet.ended_ids(tx, BATCH)
    rows = wallet.lock_ended(tx, ids) if ids else []
    if rows:
        tx.packet(wallet.expire(rows))
    return len(rows)


def _remind(tx: Tx) -> int:
    rows = wallet.due_reminders(tx, BATCH)
    if rows:
        told = [
            (
                str(row["id"]),
                {
                    "coupon_id": str(row["id"]),
                    "member_id": str(row["member_id"]),
                    "name": row["name"],
                    "ends_at": from_database(row["ends_at"]).isoformat().replace("+00:00", "Z"),
                },
            )
            for row in rows
        ]
        tx.packet([wallet.mark_reminded([row["id"] for row in rows]), outbox.emit_many("coupon.ending", told)])
    return len(rows)
