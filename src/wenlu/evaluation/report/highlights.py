"""A text with pieces of it marked where they stand.

Pieces may stand inside or across each other. So each gets a lane below the line, short pieces
nearest to the words, and the text is cut wherever a piece begins or ends: every stretch then
carries the marks of its pieces, one inside the other. What a piece is called stands after its
last word. It is drawn by the style sheet and is no part of the text, which can be copied as it is.

Places are code points, the end exclusive.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from wenlu.evaluation.report.examples import LONG
from wenlu.evaluation.report.markup import Html, chinese, join, quoted, tag

WHOLE = 300
"""Characters up to which a text is shown whole without a click."""
REACH = 40
"""Characters that are shown around a piece of a longer text."""
LANES = 6
"""Pieces that may stand above each other; further ones are listed below the text."""

FOUND, MISSED, SURPLUS, WRONG = "found", "missed", "surplus", "wrong"
"""Kinds of marks, which are classes of the style sheet."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of a text."""

    kind: str
    label: str
    words: str
    """What it says, for a piece that has no place."""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text that lies in the same pieces from its beginning to its end."""

    start: int
    end: int
    lanes: tuple[tuple[int, Mark], ...]
    """The pieces, the nearest to the words first, each with its lane."""


def marked_text(text: str, marks: Sequence[Mark]) -> Html:
    """A text with its pieces; of a long one what stands around them, and the rest on a click."""
    lanes = _lanes(text, marks)
    drawn = {mark for mark, _ in lanes}
    everything = [(0, len(text))]
    if len(text) <= WHOLE:
        shown = _paragraph(text, lanes, everything)
        return join([shown, _beside([mark for mark in marks if mark not in drawn])])
    if len(text) > LONG:
        everything = _around(text, drawn, LONG)
    part = _around(text, drawn, WHOLE)
    inside = {mark for mark in drawn if _is_inside(mark, everything)}
    summary = tag("summary", _words(text, lanes, part), class_="marked", style=_height(lanes))
    body = _paragraph(text, lanes, everything)
    opened = tag("details", summary, body, class_="text")
    return join([opened, _beside([mark for mark in marks if mark not in inside])])


def legend(*, wrong: str = "", in_chinese: str = "") -> Html:
    """What the marks say.

    Args:
        wrong: what the mark for a right place under another label stands for, if it may occur.
        in_chinese: the same in Chinese.
    """
    signs = [(FOUND, "found", "找到"), (MISSED, "missed", "漏掉"), (SURPLUS, "surplus", "多余")]
    if wrong:
        signs.append((WRONG, wrong, in_chinese))
    shown = [
        tag("span", tag("mark", english, class_=kind), " ", chinese(name), class_="sign")
        for kind, english, name in signs
    ]
    return tag("p", *shown, class_="hint legend")


def stretches(text: str, lanes: Iterable[tuple[Mark, int]]) -> list[Stretch]:
    """The text cut wherever a piece begins or ends."""
    begins: defaultdict[int, list[tuple[int, Mark]]] = defaultdict(list)
    ends: defaultdict[int, list[tuple[int, Mark]]] = defaultdict(list)
    for mark, lane in lanes:
        start, end = _ends(mark)
        begins[start].append((lane, mark))
        ends[end].append((lane, mark))
    open_now: list[tuple[int, Mark]] = []
    found = []
    for start, end in pairwise(sorted({0, len(text), *begins, *ends})):
        open_now = [each for each in open_now if each not in ends[start]] + begins[start]
        open_now.sort(key=lambda each: each[0])
        found.append(Stretch(start, end, tuple(open_now)))
    return found


def _lanes(text: str, marks: Sequence[Mark]) -> list[tuple[Mark, int]]:
    """The lane of each piece that has a place and finds room, so that none meets in a lane."""
    placed = [
        mark
        for mark in dict.fromkeys(marks)
        if mark.start is not None
        and mark.end is not None
        and 0 <= mark.start < mark.end <= len(text)
    ]
    placed.sort(key=lambda mark: (_ends(mark)[1] - _ends(mark)[0], _ends(mark)))
    taken: list[list[tuple[int, int]]] = [[] for _ in range(LANES)]
    found = []
    for mark in placed:
        start, end = _ends(mark)
        free = (
            lane
            for lane, held in enumerate(taken)
            if all(end <= low or high <= start for low, high in held)
        )
        lane = next(free, None)
        if lane is not None:
            taken[lane].append((start, end))
            found.append((mark, lane))
    return found


def _ends(mark: Mark) -> tuple[int, int]:
    assert mark.start is not None
    assert mark.end is not None
    return mark.start, mark.end


def _is_inside(mark: Mark, ranges: Sequence[tuple[int, int]]) -> bool:
    start, end = _ends(mark)
    return any(low <= start and end <= high for low, high in ranges)


def _around(text: str, marks: Collection[Mark], most: int) -> list[tuple[int, int]]:
    """Parts of the text that hold pieces, as many as go into so many characters."""
    ranges: list[tuple[int, int]] = []
    for start, end in sorted(map(_ends, marks)) or [(0, most - REACH)]:
        low, high = max(0, start - REACH), min(len(text), end + REACH)
        if ranges and low <= ranges[-1][1]:
            low, high = ranges[-1][0], max(high, ranges[-1][1])
            grown = [*ranges[:-1], (low, high)]
        else:
            grown = [*ranges, (low, high)]
        if ranges and sum(high - low for low, high in grown) > most:
            break
        ranges = grown
    return ranges


def _paragraph(
    text: str, lanes: Sequence[tuple[Mark, int]], ranges: Sequence[tuple[int, int]]
) -> Html:
    return tag("p", _words(text, lanes, ranges), class_="text marked", style=_height(lanes))


def _height(lanes: Sequence[tuple[Mark, int]]) -> str | None:
    highest = max((lane for _, lane in lanes), default=0)
    return f"--lanes:{highest}" if highest else None


def _words(text: str, lanes: Sequence[tuple[Mark, int]], ranges: Sequence[tuple[int, int]]) -> Html:
    shown: list[Html] = []
    gap = tag("span", "…", class_="gap")
    cut = stretches(text, lanes)
    for low, high in ranges:
        if low > 0:
            shown.append(gap)
        for each in cut:
            start, end = max(low, each.start), min(high, each.end)
            if start < end:
                shown.append(_stretch(text[start:end], end, each.lanes))
    if not ranges or ranges[-1][1] < len(text):
        shown.append(gap)
    return tag("bdi", *shown, lang="zh-Hans")


def _stretch(words: str, end: int, lanes: Sequence[tuple[int, Mark]]) -> Html:
    piece = join([words])
    for lane, mark in lanes:
        piece = tag(
            "mark",
            piece,
            class_=mark.kind,
            style=f"--lane:{lane}" if lane else None,
            data_label=mark.label if mark.end == end else None,
        )
    return piece


def _beside(marks: Sequence[Mark]) -> Html | None:
    """Pieces that are not marked in the text."""
    if not marks:
        return None
    listed = [
        tag("mark", quoted(mark.words), class_=mark.kind, data_label=mark.label) for mark in marks
    ]
    return tag(
        "p", "not shown above ", chinese("文中未标出"), " ", join(listed, " "), class_="beside"
    )
