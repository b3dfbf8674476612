"""Act as the shopper's WeChat: `python -m infra.local.wechat_sandbox.shopper --url URL pending|confirm|...`."""

from __future__ import annotations

import argparse
import sys

import urllib3

from .client import ControlError, SandboxClient

_NONE = "没有待支付的订单 No payment is waiting."


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; return 0, or 1 when the payment was refused or nothing is waiting."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.wechat_sandbox.shopper", description=__doc__)
    parser.add_argument("--url", required=True, help="where the sandbox serves")
    parser.add_argument("command", choices=("pending", "confirm", "cancel", "walk-away"))
    parser.add_argument("prepay_id", nargs="?", help="the newest waiting payment where none is named")
    args = parser.parse_args(arguments)
    client = SandboxClient(args.url)
    try:
        return _pending(client) if args.command == "pending" else _act(client, args.command, args.prepay_id)
    except (ControlError, urllib3.exceptions.HTTPError) as error:
        print(f"沙箱没有回应 The sandbox did not do it: {error}", file=sys.stderr)
        return 1
    finally:
        client.close()


def _pending(client: SandboxClient) -> int:
    waiting = client.pending_payments()
    if not waiting:
        print(_NONE, file=sys.stderr)
    for payment in waiting:
        yuan = f"{payment['total_fen'] // 100}.{payment['total_fen'] % 100:02d}"
        print(payment["prepay_id"], f"¥{yuan}", payment["out_trade_no"], payment["description"], sep="\t")
    return 0


def _act(client: SandboxClient, command: str, prepay_id: str | None) -> int:
    if prepay_id is None:
        waiting = client.pending_payments()
        if not waiting:
            print(_NONE, file=sys.stderr)
            return 1
        prepay_id = str(waiting[0]["prepay_id"])
    act = {"confirm": client.confirm_payment, "cancel": client.cancel_payment, "walk-away": client.walk_away}
    message = act[command](prepay_id)["errMsg"]
    print(message or "已离开 walked away")
    expected = {"confirm": "requestPayment:ok", "cancel": "requestPayment:fail cancel", "walk-away": None}
    return 0 if message == expected[command] else 1


if __name__ == "__main__":
    sys.exit(main())
