"""Run the sandbox by itself: `python -m infra.local.wechat_sandbox --data-dir DIR --port N`."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from .config import write_private
from .server import SandboxServer

MERCHANT_FILE = "merchant.json"


def main() -> None:
    """Serve until SIGINT or SIGTERM; the first line on stdout is JSON: port, url, page, merchant_file."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.wechat_sandbox", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="keeps identity and books between starts")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes any free port")
    parser.add_argument("--no-notifier", action="store_true", help="deliver only when asked to")
    args = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with SandboxServer(data_dir=args.data_dir, port=args.port, notifier=not args.no_notifier) as sandbox:
        merchant = write_private(args.data_dir / MERCHANT_FILE, sandbox.config.merchant_secret())
        start = {"port": sandbox.port, "url": sandbox.url, "page": f"{sandbox.url}/sandbox/"}
        print(json.dumps(start | {"merchant_file": str(merchant)}), flush=True)
        over.wait()


if __name__ == "__main__":
    main()
