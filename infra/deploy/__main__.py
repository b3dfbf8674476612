"""`python -m infra.deploy deploy|destroy ENVIRONMENT`; the Makefile's targets of these names call it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.deploy import deployment, plan
from infra.deploy.problems import DeployError


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when all is done, 1 with a message when not."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="put the shop on AWS, or take it off")
    parser.add_argument("act", choices=["deploy", "destroy"])
    parser.add_argument("environment")
    parser.add_argument("--secrets", type=Path, help="TOML file with what only the retailer has")
    parser.add_argument("--confirm", help="the environment's name, instead of typing it")
    options = parser.parse_args(arguments)
    try:
        chosen = plan.read(options.environment)
        if options.act == "deploy":
            deployment.deploy(chosen, options.secrets, _say)
        else:
            deployment.destroy(chosen, options.confirm or _typed(options.environment), _say)
    except (DeployError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _typed(environment: str) -> str:
    try:
        return input(f"This deletes the functions, queues and logs of {environment}. Type its name to go on: ").strip()
    except EOFError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
