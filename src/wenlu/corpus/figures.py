"""Figures, drawn with matplotlib."""

from pathlib import Path
from typing import Any

from wenlu.atomic import atomic_write
from wenlu.errors import ConfigError, MissingExtraError

_KINDS = (".png", ".svg", ".pdf")


def check_figure(path: Path) -> None:
    """Refuse a figure that could not be written, before the work that leads to it is done."""
    if path.suffix.lower() not in _KINDS:
        raise ConfigError(
            f"a figure cannot be written as {path.name}; its name must end in {', '.join(_KINDS)}"
        )
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", f"drawing {path}") from None


def new_figure() -> tuple[Any, Any]:
    """A figure and its axes; nothing is shown on a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def save_figure(figure: Any, path: Path) -> None:  # noqa: ANN401
    """Write a figure, whole or not at all."""
    with atomic_write(path, "wb") as file:
        figure.savefig(file, format=path.suffix.lower()[1:], dpi=150)
