"""The local cloud's command line: `python -m infra.local run|demo|reset|fire|invariants|status|exec|shopper`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from infra.local import commands
from infra.local.cloud import ROOT
from infra.local.processes import LocalCloudError

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Carry out one command; its exit status."""
    options = _parser().parse_args(arguments)
    _reach_loopback_directly()
    for number in _STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        return int(options.does(options))
    except LocalCloudError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Everything has stopped.", flush=True)
        return 0 if options.command == "run" else 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument(
        "--data",
        type=lambda text: Path(text).absolute(),
        default=Path(os.environ.get("ORCHARD_LOCAL_DATA", ROOT / "data")),
        help="the folder that keeps the shop (default: data)",
    )
    words = parser.add_subparsers(dest="command", required=True)

    def word(name: str, does: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = words.add_parser(name, help=text)
        added.set_defaults(does=does)
        return added

    word("run", lambda o: commands.run(o.data), "start everything, play a purchase, serve until Ctrl-C")
    word("demo", lambda o: commands.demo(), "play a purchase in a throw-away folder and check the books")
    word("reset", lambda o: commands.reset(o.data), "delete the shop's data")
    word("status", lambda o: commands.status(o.data), "say what runs where")
    word("invariants", lambda o: commands.invariants(o.data), "check the books")
    fire = word("fire", lambda o: commands.fire(o.data, o.name, o.payload), "invoke a function by name")
    fire.add_argument("name")
    fire.add_argument("payload", nargs="?", default={}, type=json.loads, help="JSON (default: {})")
    execute = word("exec", lambda o: commands.execute(o.data, o.arguments), "run a command on the shop's database")
    execute.add_argument("arguments", nargs=argparse.REMAINDER)
    shopper = word("shopper", lambda o: commands.shopper(o.data, o.arguments), "act as the shopper's WeChat")
    shopper.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Begin to stop; further signals do not disturb an orderly stop."""
    for other in _STOP_SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    print("\nStopping ...", flush=True)
    raise KeyboardInterrupt


def _reach_loopback_directly() -> None:
    """A proxy that the environment names is not for addresses on this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
