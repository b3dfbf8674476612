"""Queue of member.joined: give a new member the newcomers' pack, once."""

from orchard.coupons.service import newcomers
from orchard.runtime.queues import Worker

worker = Worker("grant_newcomer_coupons", newcomers.grant_newcomer_coupons)
handler = worker.handler
