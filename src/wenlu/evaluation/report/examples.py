"""Lists of single texts: how many are shown, how much of each, and what stands behind a click."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from wenlu.evaluation.numerals import percent
from wenlu.evaluation.report.markup import Html, both, join, quoted, tag

Item = TypeVar("Item")

WORST, NEAREST = 30, 15
"""How many of each kind of mistake are shown."""
OPEN = 10
"""So many of them without a click."""
SHORT, LONG = 160, 2000
"""Characters of a text that are shown, without a click and at most."""


def example_list(chosen: Sequence[Item], show: Callable[[Item], Html]) -> Html:
    """The first few, and the others behind a click."""
    first = tag("ol", *map(show, chosen[:OPEN]), class_="mistakes")
    rest = chosen[OPEN:]
    if not rest:
        return first
    more = tag("ol", *map(show, rest), class_="mistakes", start=OPEN + 1)
    return join([first, tag("details", tag("summary", both(f"{len(rest)} more", "更多")), more)])


def shown_text(text: str) -> Html:
    """A text; of a long one the beginning, and the rest behind a click."""
    if len(text) <= SHORT:
        return tag("p", quoted(text), class_="text")
    whole_text = text if len(text) <= LONG else f"{text[:LONG]}…"
    summary = tag("summary", quoted(text[:SHORT]), "…")
    return tag("details", summary, tag("p", quoted(whole_text)), class_="text")


def verdict(*parts: Html | None, id: str) -> Html:
    """The line under a text: what was said of it, and its id."""
    named = tag("small", "id ", quoted(id)) if id else None
    return tag("p", *parts, named, class_="verdict")


def gold_words(words: Html | str) -> Html:
    """What is right."""
    return tag("span", both("gold", "真实"), " ", tag("b", words), class_="gold")


def predicted_words(words: Html | str) -> Html:
    """What was said instead."""
    return tag("span", both("predicted", "预测"), " ", tag("b", words), class_="wrong")


def chances(rows: Sequence[tuple[str, float, str | None]]) -> Html:
    """A bar for each of several names.

    Args:
        rows: name, probability, and "gold" or "wrong" or neither.
    """
    lines = [
        tag(
            "tr",
            tag("th", quoted(name), scope="row", title=name),
            tag("td", tag("i", class_="bar", style=f"width:{100 * chance:.1f}%")),
            tag("td", percent(chance, 1), class_="n"),
            class_=kind,
        )
        for name, chance, kind in rows
    ]
    return tag("table", tag("tbody", *lines), class_="chances", aria_label="Probabilities")
