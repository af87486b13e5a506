"""HTML whose safety does not depend on remembering to escape.

A plain string is text and is escaped wherever it enters; only `Html` passes as it is, and only
`tag`, `join` and `escape` make it. Characters that would act unseen (control characters,
overrides of the writing direction, lone surrogates) are shown instead.
"""

from collections.abc import Iterable
from html import escape as escape_html

from wenlu.terminal import show_unseen

_VOID = {"meta", "br", "col"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | int | None


def escape(text: str) -> Html:
    """Text as markup that shows exactly this text."""
    return Html(escape_html(show_unseen(text)))


def tag(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """An element; children that are None and attributes that are None or False are left out.

    Args:
        name: name of the element.
        children: what it holds, in order.
        attributes: `class_` stands for class, and `_` for `-`.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is not None and value is not False:
            key = key.rstrip("_").replace("_", "-")
            parts.append(key if value is True else f'{key}="{escape(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return Html(opening if name in _VOID else f"{opening}{join(children)}</{name}>")


def join(parts: Iterable[Child], between: str = "") -> Html:
    """Parts one after the other."""
    each = [
        part if isinstance(part, Html) else escape(str(part)) for part in parts if part is not None
    ]
    return Html(escape(between).join(each))


def chinese(text: str) -> Html:
    """Words of the page itself in Chinese."""
    return tag("span", text, lang="zh-Hans", class_="zh")


def both(english: str, in_chinese: str) -> Html:
    """Words of the page itself in both languages."""
    return join([english, " ", chinese(in_chinese)])


def quoted(text: str) -> Html:
    """Words of the user, kept from changing the direction of what stands around them."""
    return tag("bdi", text, lang="zh-Hans")


def rows_table(rows: Iterable[tuple[Child, Child]]) -> Html:
    """A table of names and values."""
    lines = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows]
    return tag("table", tag("tbody", *lines), class_="facts")


def scrolling(table: Html, label: str, *, kind: str = "") -> Html:
    """A box that scrolls, by touch and by keyboard, where its table is larger than the page.

    Args:
        table: what it holds.
        label: what it is called when read aloud.
        kind: `tall` limits its height, `fit` makes it no wider than its table.
    """
    style = f"scroll {kind}".strip()
    return tag("div", table, class_=style, role="region", aria_label=label, tabindex=0)


def barred(kind: str, words: str, share: float) -> Html:
    """A cell that holds a number with a bar under it, as long as a share of the cell."""
    bar = tag("i", class_="bar", style=f"width:{100 * share:.1f}%")
    return tag("td", tag("span", words), bar, class_=f"n barred {kind}")


def empty(sentence: str) -> Html:
    """What stands where there is nothing to show yet."""
    return tag("p", sentence, class_="empty")
