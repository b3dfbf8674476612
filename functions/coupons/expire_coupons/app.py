"""Every hour: expire coupons that ended, remind the owners of those that end within a day."""

from orchard.coupons.service import ending
from orchard.runtime.jobs import Job

job = Job("expire_coupons", ending.expire_coupons)
handler = job.handler
