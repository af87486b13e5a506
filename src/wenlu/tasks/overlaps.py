"""Types whose pieces never overlap in the training data, and so do not in what is found.

Every span is scored by itself, so a model that is not sure where a name ends finds it twice. Where
the training data never has two pieces of a type on one character, only the better one is kept.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from wenlu.tasks.span_layouts import Span, Spans


def flat_types(marked: Iterable[Spans]) -> tuple[str, ...]:
    """The types of which no two pieces of one text share a character, in order.

    Args:
        marked: of each text its pieces, in order of their starts.
    """
    seen, nested = set[str](), set[str]()
    for spans in marked:
        of: dict[str, list[Span]] = {}
        for span in spans:
            of.setdefault(span.type, []).append(span)
        seen.update(of)
        nested.update(
            kind for kind, own in of.items() if any(b.start < a.end for a, b in pairwise(own))
        )
    return tuple(sorted(seen - nested))


def without_overlaps(
    scores: Mapping[Span, float], types: Iterable[str], length: int
) -> dict[Span, float]:
    """Of pieces of one of the `types` that share a character, only the one with the best score.

    Args:
        scores: the pieces of a text and how sure the model is of each.
        types: those of `flat_types`; pieces of other types are all kept.
        length: characters of the text.
    """
    taken = {kind: bytearray(length) for kind in types}
    kept: dict[Span, float] = {}
    for span in sorted(scores, key=lambda span: (-scores[span], span)):
        if (places := taken.get(span.type)) is not None:
            if any(places[span.start : span.end]):
                continue
            places[span.start : span.end] = b"\1" * (span.end - span.start)
        kept[span] = scores[span]
    return kept
