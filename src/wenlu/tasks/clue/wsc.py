"""CLUEWSC2020: does a pronoun stand for a noun of the same text?

The two are marked where they stand, in either order: _床_太旧，我把[它]搬走了 ("bert4keras in hand,
baseline I have: CLUE benchmark code"). What is left is to label a text.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wenlu.corpus import Record
from wenlu.tasks.classification import Classification
from wenlu.tasks.task import Notes
from wenlu.text import nearest

SPANS = {"span1": ("nouns", "_", "_"), "span2": ("pronouns", "[", "]")}
"""What the two spans are, and what is put before and behind them."""


def marked(record: Record, notes: Notes) -> tuple[str]:
    """The text of a row with its noun and its pronoun marked.

    A span that does not stand where the row says is looked for: the nearest place is taken. If it
    is nowhere in the text, the text stays without its marks. Both are counted.
    """
    text = record.text("text")
    target = record.get("target")
    if not isinstance(target, Mapping):
        raise record.error(
            "there must be an object with span1_text, span1_index, span2_text and span2_index",
            "target",
        )
    within = Record(dict(target), record.file, record.line)
    found: list[tuple[int, int, str, str]] = []
    for span, (what, before, behind) in SPANS.items():
        piece, index = within.text(f"{span}_text"), within.get(f"{span}_index")
        if not piece:
            raise record.error("the text of the span is empty", f"{span}_text")
        if not isinstance(index, int) or isinstance(index, bool):
            raise record.error(
                f"{index!r} came; it must be the number of the span's first character, from 0",
                f"{span}_index",
            )
        start = nearest(text, piece, index)
        if start is None:
            notes[f"{what} that are nowhere in their text, left unmarked"] += 1
            continue
        if start != index:
            notes[f"{what} that do not stand where their index says, found nearby"] += 1
        found.append((start, start + len(piece), before, behind))
    return (_insert(text, found),)


def _insert(text: str, spans: list[tuple[int, int, str, str]]) -> str:
    """The text with marks around spans, which may stand inside each other."""
    signs = []
    for number, (start, end, before, behind) in enumerate(spans):
        # At one place: what closes comes first, the inner of two pairs closes first, and the outer
        # opens first.
        signs.append((start, 1, -end, number, before))
        signs.append((end, 0, -start, -number, behind))
    parts, done = [], 0
    for place, *_, sign in sorted(signs):
        parts += [text[done:place], sign]
        done = place
    return "".join([*parts, text[done:]])


WSC = Classification(
    name="wsc",
    summary="CLUE: does the [pronoun] stand for the _noun_? (CLUEWSC2020)",
    text_fields=("text",),
    compose=marked,
    labels=("true", "false"),
    names=MappingProxyType({"true": "是", "false": "否"}),
    test_files=("test", "test1.0", "test1.1"),
    submission_file="cluewsc10_predict.json",
    id_fields=("id", "idx"),
    repeated_ids=True,
)
