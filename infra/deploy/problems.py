"""What stops a deployment, said so that the operator can mend it."""

from collections.abc import Sequence


class DeployError(Exception):
    """Nothing was changed by the step that raised this. The message is for the operator and shows no secret."""


def stop_if_any(problems: Sequence[str]) -> None:
    """Raise one DeployError that names every problem."""
    if problems:
        raise DeployError("These are missing or wrong:\n" + "\n".join(f"  - {problem}" for problem in problems))
