"""The certificate authorities of Amazon RDS, one file per region: `python -m infra.build.certificates BUNDLE.pem`.

Lambda's own bundle holds the public authorities, RDS Proxy's among them, but not those that sign the certificates of
RDS and Aurora servers. Those are shipped in the common layer as /opt/certificates/REGION.pem: three roots instead of
everybody's, which is also quicker to load. BUNDLE.pem is what AWS publishes; regions it does not name keep their file.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from infra.build.tools import ROOT

FOLDER = ROOT / "layers" / "common" / "certificates"
# Where the layer is mounted in a function.
MOUNTED = "/opt/certificates"
_ROOT_NAME = re.compile(r"Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d) Root CA \w+ G\d+")


def source(region: str) -> str:
    """Where AWS publishes a region's bundle (RDS User Guide, "Using SSL/TLS to encrypt a connection")."""
    if region.startswith("cn-"):
        return f"https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/{region}/{region}-bundle.pem"
    return f"https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"


def by_region(bundle: bytes) -> dict[str, bytes]:
    """The valid roots of each region that the bundle names. Raises ValueError when it is not PEM."""
    found: dict[str, list[bytes]] = {}
    for certificate in x509.load_pem_x509_certificates(bundle):
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        match = _ROOT_NAME.fullmatch(str(names[0].value)) if names else None
        if match and certificate.issuer == certificate.subject and certificate.not_valid_after_utc > datetime.now(UTC):
            found.setdefault(match[1], []).append(certificate.public_bytes(Encoding.PEM))
    return {region: b"".join(sorted(set(roots))) for region, roots in sorted(found.items())}


def write(bundle: bytes, folder: Path = FOLDER) -> list[str]:
    """Write one file per region of the bundle; returns the regions. Raises ValueError when there is none."""
    regions = by_region(bundle)
    if not regions:
        raise ValueError("no authority of Amazon RDS in this bundle")
    folder.mkdir(exist_ok=True)
    for region, roots in regions.items():
        (folder / f"{region}.pem").write_bytes(roots)
    return list(regions)


if __name__ == "__main__":
    print(" ".join(write(Path(sys.argv[1]).read_bytes())))
