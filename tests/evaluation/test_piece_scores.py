import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.evaluation.counting import macro_f1_score, piece_scores

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


def of_type(kind: str, pieces: list[Pieces]) -> list[Pieces]:
    return [[piece for piece in found if piece[0] == kind] for found in pieces]


@given(texts)
@settings(max_examples=25)
def test_one_piece_at_a_time(pairs: list[tuple[Pieces, Pieces]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs]
    scores, found = [], 0
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
        counted = piece_scores(of_type(kind, gold), of_type(kind, predicted))
        assert counted["precision"].value == pytest.approx(precision)
        assert counted["recall"].value == pytest.approx(recall)
        found += right
    assert macro_f1_score(gold, predicted, TYPES).value == pytest.approx(sum(scores) / 10)
    assert piece_scores(gold, predicted)["f1"].counts[:, 0].sum() == found


def test_the_score_is_a_mean_over_all_types() -> None:
    """Two types with F1 1 and 1/2, eight with nothing: 0.15."""
    gold = [[("a", "甲"), ("b", "乙"), ("b", "丙"), ("c", "丁")]]
    predicted = [[("a", "甲"), ("b", "乙"), ("b", "戊"), ("d", "丁")]]
    assert [macro_f1_score(gold, predicted, (k,)).value for k in "abcd"] == [1, 0.5, 0, 0]
    assert macro_f1_score(gold, predicted, TYPES).value == pytest.approx(0.15)


def test_places_and_repeats_count_over_spans_only() -> None:
    gold, predicted = [[(0, 2), (5, 7)]], [[(0, 2), (0, 2), (3, 5)]]
    assert piece_scores(gold, predicted)["f1"].counts.tolist() == [[1, 2, 2]]
    words = [[("a", "甲"), ("a", "甲")]]
    assert macro_f1_score(words, [[("a", "甲")]], ("a",)).value == 1.0


def test_nothing_at_all() -> None:
    assert piece_scores([], [])["f1"].value == macro_f1_score([[]], [[]], TYPES).value == 0.0
