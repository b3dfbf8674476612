"""Read by interpreters that have this folder on their path: everything they ask the time of is so many seconds off."""

import datetime
import os

import time_machine

_seconds = float(os.environ["ORCHARD_CAMPAIGN_SKEW_SECONDS"])
_moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=_seconds)
time_machine.travel(_moment, tick=True).start()
