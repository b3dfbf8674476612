"""The size of the two layers as deployed: unzipped, with bytecode."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, Figures
from infra.build import layers


def run(full: bool = False) -> Figures:
    """Build both layers for arm64 and measure them, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        built = layers.build(Path(folder))
        sizes = {name: layers.size_mb(path) for name, path in built.items()}
    figures = [Figure(f"{name}, unzipped", round(mb, 1), "MB") for name, mb in sizes.items()]
    total = Figure(
        "both layers, unzipped (the platform's limit with the function)", round(sum(sizes.values()), 1), "MB"
    )
    return [*figures, total.at_most(250)]
