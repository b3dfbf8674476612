"""The size of the two layers as deployed: unzipped, with bytecode."""

import tempfile
from pathlib import Path

from infra.build import layers

Figures = dict[str, float | int | str]


def run() -> Figures:
    """Build both layers for arm64 and measure them, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        built = layers.build(Path(folder))
        sizes = {name: layers.size_mb(path) for name, path in built.items()}
    figures: Figures = {
        f"{name} unzipped, MB (limit 250 with the function)": round(mb, 1) for name, mb in sizes.items()
    }
    figures["both layers unzipped, MB"] = round(sum(sizes.values()), 1)
    return figures
