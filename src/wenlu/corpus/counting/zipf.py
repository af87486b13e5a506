"""Zipf's picture of a text: how often a word comes, by its rank."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from wenlu.corpus.figures import new_figure, save_figure


def plot_zipf(
    curve: Sequence[tuple[int, int]], path: str | PathLike[str], unit: str = "word"
) -> None:
    """Draw counts against ranks, both on logarithmic axes.

    Args:
        curve: ranks and counts, as `CountSummary` has them.
        path: `.png`, `.svg` or `.pdf`.
        unit: what was counted.
    """
    figure, axes = new_figure()
    if curve:
        ranks, counts = zip(*curve, strict=True)
        axes.loglog(ranks, counts, marker=".", markersize=3, linewidth=1)
    axes.set_xlabel(f"rank of the {unit}")
    axes.set_ylabel("count")
    axes.grid(visible=True, which="both", alpha=0.2)
    save_figure(figure, Path(path))
