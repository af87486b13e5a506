"""Charts as inline SVG.

The drawing is stretched to the width of the page, its words are not: they stand beside it in
HTML, so that they are as easy to read on a telephone as on a desk.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from wenlu.evaluation.numerals import decimals
from wenlu.evaluation.report.axes import SIZE, Axis, axis
from wenlu.evaluation.report.markup import Html, chinese, empty, join, tag

Point = tuple[float, float]
Write = Callable[[float], str]

MOST_POINTS = 400
"""A line of more points is drawn by the lowest and the highest of each short stretch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a chart; points that are not finite leave a gap."""

    name: tuple[str, str]
    """In English and in Chinese."""
    points: Sequence[Point]
    style: str
    """Class of the style sheet that gives its colour and width."""
    dots: bool = False
    """Whether each point is marked."""
    follow: bool = True
    """Whether the pointer reads values off this line."""


@dataclass(frozen=True, slots=True)
class Note:
    """Words beside a point of a chart."""

    x: float
    y: float
    words: str


def line_chart(
    title: tuple[str, str],
    lines: Sequence[Line],
    *,
    across: tuple[str, str],
    write: Write = decimals,
    low: float | None = None,
    high: float | None = None,
    x_low: float | None = None,
    x_high: float | None = None,
    whole_x: bool = True,
    write_x: Write = "{:,.6g}".format,
    rules: Sequence[float] = (),
    note: Note | None = None,
    kind: str = "",
) -> Html:
    """A chart of lines over one axis.

    Args:
        title: what is shown, in English and in Chinese.
        lines: what is drawn, the lowest layer first.
        across: what the horizontal axis counts, in English and in Chinese.
        write: how a value is written.
        low: low end of the vertical axis, else a round number below the values.
        high: high end of the vertical axis, else a round number above the values.
        x_low: low end of the horizontal axis, else the first point.
        x_high: high end of the horizontal axis, else the last point.
        whole_x: whether the horizontal axis counts whole things.
        write_x: how a place on the horizontal axis is written.
        rules: places on the horizontal axis that get a faint upright line.
        note: words beside one point.
        kind: further classes of the figure.
    """
    lines = [line for line in lines if any(isfinite(y) for _, y in line.points)]
    everything = [point for line in lines for point in line.points if isfinite(point[1])]
    if not everything:
        caption = tag("figcaption", tag("b", *_names(title)))
        return tag("figure", caption, empty("No finite value was logged."), class_="chart")
    xs, ys = zip(*everything, strict=True)
    x_axis = axis(
        xs, low=min(xs) if x_low is None else x_low, high=x_high or max(xs), whole=whole_x
    )
    y_axis = axis(ys, low=low, high=high, ticks=4)
    drawing = [
        *(_rule(x_axis.place(x)) for x in rules),
        *(_path(line, x_axis, y_axis) for line in lines),
    ]
    marks = [] if note is None else [_note(note, x_axis, y_axis)]
    last = lines[-1].points[-1]
    return frame(
        title,
        [(line.name, line.style) for line in lines],
        join(drawing),
        x_axis=x_axis,
        y_axis=y_axis,
        across=across,
        write=write,
        write_x=write_x,
        marks=marks,
        summary=f"{title[0]}: {lines[-1].name[0]} from {write(lines[-1].points[0][1])} "
        f"to {write(last[1])}, over {across[0]} up to {write_x(x_axis.high)}",
        readings=_readings(lines, x_axis, y_axis, across[0], write, write_x),
        kind=kind,
    )


def frame(
    title: tuple[str, str],
    legend: Sequence[tuple[tuple[str, str], str]],
    drawing: Html,
    *,
    summary: str,
    x_axis: Axis,
    y_axis: Axis,
    across: tuple[str, str],
    write: Write = decimals,
    write_x: Write = decimals,
    marks: Sequence[Html] = (),
    readings: str | None = None,
    kind: str = "",
) -> Html:
    """A figure: its title, the key to its lines, the drawing, and the words along its axes."""
    key = [
        tag("span", tag("i", class_=style), *_names(name), class_="key") for name, style in legend
    ]
    ticks, grid = [], []
    for y in y_axis.ticks:
        up = y_axis.place(y)
        ticks.append(tag("span", write(y), class_="y", style=f"top:{100 - 100 * up:.2f}%"))
        grid.append(stroke(f"M0 {SIZE * (1 - up):.1f}H{SIZE}", "grid"))
    for x in x_axis.ticks:
        along = x_axis.place(x)
        ticks.append(tag("span", write_x(x), class_="x", style=f"left:{100 * along:.2f}%"))
    picture = tag(
        "svg",
        *grid,
        drawing,
        viewBox=f"0 0 {SIZE} {SIZE}",
        preserveAspectRatio="none",
        role="img",
        aria_label=summary,
        focusable="false",
    )
    plot = tag("div", picture, *ticks, *marks, class_="plot", data_readings=readings)
    return tag(
        "figure",
        tag("figcaption", tag("b", *_names(title)), *key if len(key) > 1 else ()),
        plot,
        tag("div", *_names(across), class_="across"),
        class_=f"chart {kind}".strip(),
    )


def smooth(points: Sequence[Point], share: float = 0.015) -> list[Point]:
    """Exponential average along a line, free of the pull of its first value.

    Args:
        points: the line; points that are not finite are passed over.
        share: the part of the line over which the weight of a value falls to half.
    """
    keep = 0.5 ** (1 / max(share * len(points), 1.0))
    total = weight = 0.0
    line = []
    for x, y in points:
        if isfinite(y):
            total, weight = keep * total + (1 - keep) * y, keep * weight + (1 - keep)
            line.append((x, total / weight))
    return line


def thin(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most about `most` points of a line: the lowest and the highest of each stretch."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) * 2 // most)
    kept = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        finite = [point for point in stretch if isfinite(point[1])]
        ends = (min(finite, key=_height), max(finite, key=_height)) if finite else stretch[:1]
        kept += sorted(set(ends))
    return kept


def _height(point: Point) -> float:
    return point[1]


def _names(name: tuple[str, str]) -> list[str]:
    return [name[0], " ", chinese(name[1])] if name[1] else [name[0]]


def _path(line: Line, x_axis: Axis, y_axis: Axis) -> Html:
    steps, pen = [], "M"
    for x, y in thin(line.points):
        if isfinite(y):
            at = f"{SIZE * x_axis.place(x):.1f} {SIZE * (1 - y_axis.place(y)):.1f}"
            steps.append(f"{pen}{at}")
            pen = "L"
        else:
            pen = "M"
    alone = line.dots or len(steps) == 1
    dots = "".join(f"M{step[1:]}h.01" for step in steps) if alone else ""
    drawn = [stroke("".join(steps), line.style)]
    return join([*drawn, stroke(dots, f"{line.style} dots") if dots else None])


def _rule(along: float) -> Html:
    return stroke(f"M{SIZE * along:.1f} 0V{SIZE}", "rule")


def stroke(path: str, style: str) -> Html:
    """A line of the drawing, as wide as its style says however the drawing is stretched."""
    return tag("path", d=path, class_=style, vector_effect="non-scaling-stroke")


def _note(note: Note, x_axis: Axis, y_axis: Axis) -> Html:
    along, up = x_axis.place(note.x), y_axis.place(note.y)
    side = "" if along < 0.3 else " centre" if along < 0.7 else " left"
    where = f"left:{100 * along:.2f}%;top:{100 - 100 * up:.2f}%"
    return tag("span", note.words, class_=f"note{side}", style=where)


def _readings(
    lines: Sequence[Line], x_axis: Axis, y_axis: Axis, across: str, write: Write, write_x: Write
) -> str:
    """What the pointer reads, for the few lines of script: [along, up, words] in per mille."""
    found = [
        [
            round(SIZE * x_axis.place(x)),
            round(SIZE * y_axis.place(y)),
            f"{across} {write_x(x)} · {line.name[0]} {write(y)}",
        ]
        for line in lines
        if line.follow
        for x, y in thin(line.points, 200)
        if isfinite(y)
    ]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
