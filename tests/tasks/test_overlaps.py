"""Flat types and what is kept of overlapping pieces, held against brute force."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from wenlu.tasks.overlaps import flat_types, without_overlaps
from wenlu.tasks.span_layouts import Span

LENGTH = 12
pieces = st.builds(
    lambda start, size, kind: Span(start, min(start + size, LENGTH), kind),
    st.integers(0, LENGTH - 1),
    st.integers(1, 6),
    st.sampled_from("甲乙丙"),
)
marked = st.lists(pieces, unique=True, max_size=6).map(lambda spans: tuple(sorted(spans)))


def overlap(a: Span, b: Span) -> bool:
    return a.type == b.type and bool({*range(a.start, a.end)} & {*range(b.start, b.end)})


@given(st.lists(marked, max_size=5))
def test_a_type_is_flat_if_no_two_of_its_pieces_share_a_character(texts: list) -> None:
    kinds = {span.type for spans in texts for span in spans}
    nested = {a.type for spans in texts for a, b in combinations(spans, 2) if overlap(a, b)}
    assert flat_types(texts) == tuple(sorted(kinds - nested))


@given(
    st.dictionaries(pieces, st.integers(1, 4).map(float), max_size=12),
    st.sets(st.sampled_from("甲乙丙")),
)
def test_of_pieces_that_overlap_the_best_stays(scores: dict, flat: set) -> None:
    kept = without_overlaps(scores, flat, LENGTH)
    assert kept.items() <= scores.items()
    assert not [a for a, b in combinations(kept, 2) if a.type in flat and overlap(a, b)]
    for lost in scores.keys() - kept.keys():
        assert lost.type in flat
        assert any(overlap(lost, other) and score >= scores[lost] for other, score in kept.items())


def test_of_equals_the_first_and_shorter_one_stays() -> None:
    """So that the outcome does not hang on the order in which pieces were found."""
    short, long, later = Span(0, 2, "甲"), Span(0, 4, "甲"), Span(1, 3, "甲")
    assert without_overlaps({later: 1.0, long: 1.0, short: 1.0}, "甲", 4) == {short: 1.0}
