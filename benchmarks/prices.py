"""Prices as parameters: what a million of this and an hour of that costs. Check them before you believe a sum."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices of one region, without free tiers, discounts or tax."""

    region: str
    currency: str
    # When and by whom they were last compared with the provider's page.
    as_of: str
    function_gb_second: float
    function_million_requests: float
    http_million_requests: float
    queue_million_requests: float
    schedule_million_invocations: float
    log_gb: float
    metric_month: float
    alarm_month: float
    secret_month: float
    out_gb: float
    acu_hour: float
    storage_gb_month: float
    io_million: float
    nat_hour: float
    nat_gb: float
    proxy_acu_hour: float


# From memory of the public price list (arm64 functions, Aurora Standard); nobody has compared them since.
VIRGINIA = Prices(
    region="us-east-1", currency="USD", as_of="2025-06, to be checked",
    function_gb_second=0.0000133334, function_million_requests=0.20, http_million_requests=1.00,
    queue_million_requests=0.40, schedule_million_invocations=1.00, log_gb=0.50, metric_month=0.30, alarm_month=0.10,
    secret_month=0.40, out_gb=0.09, acu_hour=0.12, storage_gb_month=0.10, io_million=0.20, nat_hour=0.045, nat_gb=0.045,
    proxy_acu_hour=0.015,
)  # fmt: skip
KNOWN = {VIRGINIA.region: VIRGINIA}


def load(region: str, path: Path | None) -> Prices:
    """A known region's, or those of a file as `as_json` writes it. Raises ValueError saying what is missing."""
    if path is not None:
        given = json.loads(path.read_text(encoding="utf-8"))
        wanted = {field.name for field in fields(Prices)}
        if missing := wanted ^ given.keys():
            raise ValueError(f"{path}: prices missing or unknown: {', '.join(sorted(missing))}")
        return Prices(**given)
    if region not in KNOWN:
        raise ValueError(f"no prices of {region} are known here: write them into a file and give it with --prices")
    return KNOWN[region]


def as_json(prices: Prices) -> str:
    """What `load` reads."""
    return json.dumps(asdict(prices), ensure_ascii=False, indent=2)
