import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.evaluation.spans import cluener_f1, cluener_tallies, tally

TYPES = tuple("abcdefghij")
SEEN = tuple("abc")
texts = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("甲乙丙")), max_size=6),
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("甲乙丙")), max_size=6),
    ),
    max_size=6,
)
Pieces = list[tuple[str, str]]


@given(texts)
@settings(max_examples=25)
def test_one_piece_at_a_time(pairs: list[tuple[Pieces, Pieces]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs]
    scores = []
    for kind in SEEN:
        right = wrong = missed = 0
        for wanted, given_ in pairs:
            for words in "甲乙丙":
                a, b = (kind, words) in wanted, (kind, words) in given_
                right, wrong, missed = (
                    right + (a and b),
                    wrong + (b and not a),
                    missed + (a and not b),
                )
        precision = right / (right + wrong) if right + wrong else 0.0
        recall = right / (right + missed) if right + missed else 0.0
        total = precision + recall
        scores.append(2 * precision * recall / total if total else 0.0)
        counted = cluener_tallies(gold, predicted, TYPES)[kind]
        assert counted.precision == pytest.approx(precision)
        assert counted.recall == pytest.approx(recall)
    assert cluener_f1(gold, predicted, TYPES) == pytest.approx(sum(scores) / 10)
    everything = tally(gold, predicted)
    per_type = cluener_tallies(gold, predicted, TYPES).values()
    assert everything.found == sum(t.found for t in per_type)


def test_the_score_is_a_mean_over_all_types() -> None:
    """Two types with F1 1 and 1/2, eight with nothing: 0.15."""
    gold = [[("a", "甲"), ("b", "乙"), ("b", "丙"), ("c", "丁")]]
    predicted = [[("a", "甲"), ("b", "乙"), ("b", "戊"), ("d", "丁")]]
    assert [t.f1 for t in cluener_tallies(gold, predicted, TYPES).values()][:4] == [1, 0.5, 0, 0]
    assert cluener_f1(gold, predicted, TYPES) == pytest.approx(0.15)


def test_places_and_repeats_count_over_spans_only() -> None:
    gold, predicted = [[(0, 2), (5, 7)]], [[(0, 2), (0, 2), (3, 5)]]
    found = tally(gold, predicted)
    assert (found.found, found.gold, found.predicted) == (1, 2, 2)
    words = [[("a", "甲"), ("a", "甲")]]
    assert cluener_f1(words, [[("a", "甲")]], ("a",)) == 1.0


def test_nothing_at_all() -> None:
    assert tally([], []).f1 == cluener_f1([[]], [[]], TYPES) == 0.0
