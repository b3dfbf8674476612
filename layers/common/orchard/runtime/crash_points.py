"""Named points between the steps of a bracket: where a function may die, and what it leaves must be finished by others.

They do nothing. The crash campaign replaces `reached` in the processes that it kills; nothing else may.
"""


def reached(point: str) -> None:
    """Nothing. `point` is `module.step`, a literal that stands at one place only."""
