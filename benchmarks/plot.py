"""One picture of a result file: every ratio that has a spread, part by part."""

import json
from pathlib import Path
from typing import Any

_SHOWN = 12


def draw(results: Path) -> Path:
    """Write `<name>.svg` beside `<name>.json`."""
    from matplotlib.figure import Figure as Canvas

    parts = _ratios(json.loads(results.read_text(encoding="utf-8"))["parts"])
    canvas = Canvas(figsize=(9, 1.2 + sum(0.6 + 0.28 * len(rows) for rows in parts.values())), layout="constrained")
    heights = [len(rows) + 1 for rows in parts.values()] or [1]
    axes = canvas.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, rows) in zip(axes, parts.items(), strict=False):
        _draw_part(axis, title, rows)
    path = results.with_suffix(".svg")
    canvas.savefig(path, metadata={"Date": None})
    return path


def _ratios(parts: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Ratios alone can be compared between machines; the dearest of a long part."""
    found = {}
    for part in parts.values():
        rows = [figure for figure in part["figures"] if figure.get("unit") == "ratio"]
        gated = [row for row in rows if "gate" in row]
        dearest = sorted((row for row in rows if "gate" not in row), key=lambda row: row["value"], reverse=True)
        if rows:
            kept = [*gated, *dearest][: max(_SHOWN, len(gated))]
            found[part["title"]] = [row for row in rows if row in kept]
    return found


def _draw_part(axis: Any, title: str, rows: list[dict[str, Any]]) -> None:
    names = [row["name"] for row in rows][::-1]
    values = [row["value"] for row in rows][::-1]
    lows = [row["value"] - row.get("low", row["value"]) for row in rows][::-1]
    highs = [row.get("high", row["value"]) - row["value"] for row in rows][::-1]
    verdict = {None: "#7a8a99", True: "#4c9a6a", False: "#c0504d"}
    colours = [verdict[row.get("passed")] for row in rows][::-1]
    axis.barh(names, values, xerr=[lows, highs], color=colours, height=0.6, error_kw={"elinewidth": 0.8})
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=7)
    for place, value in enumerate(values):
        axis.text(value, place, f" {value}", va="center", fontsize=7)
