"""The authority that signs an Aurora cluster's certificate: in the layer, or fetched from AWS before it is built."""

import urllib3

from infra.build import certificates
from infra.deploy.problems import DeployError

_MOST_BYTES = 1_000_000


def ensure(region: str, source: str = "") -> bool:
    """Fetch the region's file if the layer has none; whether it did. Raises DeployError with what to do by hand."""
    if (certificates.FOLDER / f"{region}.pem").is_file():
        return False
    url = source or certificates.source(region)
    advice = f"download {url} and run: python -m infra.build.certificates FILE"
    try:
        # The public authorities vouch for where it comes from; only roots named after RDS and the region are taken.
        answer = urllib3.PoolManager(timeout=20, retries=2).request("GET", url, preload_content=False)
        bundle = answer.read(_MOST_BYTES)
        regions = certificates.by_region(bundle) if answer.status == 200 else {}
    except (urllib3.exceptions.HTTPError, ValueError):
        regions = {}
    if region not in regions:
        raise DeployError(f"no certificate authority of RDS for {region}: {advice}")
    (certificates.FOLDER / f"{region}.pem").write_bytes(regions[region])
    return True
