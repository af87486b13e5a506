from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wenlu.evaluation.matching import Tally, match, mixed_up, shifted, tallies
from wenlu.evaluation.predictions import Span, Triple

SPANS = st.lists(
    st.builds(
        lambda kind, start: Span(kind, "字", start, start + 1),
        st.sampled_from("ab"),
        st.integers(0, 3),
    ),
    max_size=8,
)


def keys(spans: list[Span]) -> set[tuple[str, object]]:
    return {(each.label, each.place) for each in spans}


@given(SPANS, SPANS)
def test_every_piece_is_in_one_match(gold: list[Span], predicted: list[Span]) -> None:
    found = match(gold, predicted)
    wanted = [each.gold for each in found if each.gold]
    said = [each.predicted for each in found if each.predicted]
    assert Counter(map(hash, wanted)) == Counter(map(hash, dict.fromkeys(gold)))
    assert Counter(map(hash, said)) == Counter(map(hash, dict.fromkeys(predicted)))
    for each in found:
        assert each.piece in (each.gold, each.predicted)
        if each.gold and each.predicted:
            assert each.gold.place == each.predicted.place
    assert sum(each.verdict == "found" for each in found) == len(keys(gold) & keys(predicted))


@given(SPANS, SPANS)
def test_no_place_is_both_missed_and_surplus(gold: list[Span], predicted: list[Span]) -> None:
    found = match(gold, predicted)
    missed, surplus = (
        {each.piece.place for each in found if each.verdict == verdict}
        for verdict in ("missed", "surplus")
    )
    assert not missed & surplus


@given(SPANS, SPANS)
def test_tallies_and_matrix_count_the_same(gold: list[Span], predicted: list[Span]) -> None:
    found = match(gold, predicted)
    counts = tallies(found)
    for label, each in counts.items():
        wanted, said = ({k for k in keys(part) if k[0] == label} for part in (gold, predicted))
        assert each == Tally(len(wanted & said), len(wanted), len(said))
    labels = sorted(counts)
    matrix = mixed_up(found, labels)
    assert matrix.sum() == len(found)
    assert matrix[-1, -1] == 0
    for at, label in enumerate(labels):
        assert matrix[at].sum() == counts[label].gold
        assert matrix[:, at].sum() == counts[label].predicted
        assert matrix[at, at] == counts[label].found


def test_ratios() -> None:
    total = Tally(2, 4, 8) + Tally()
    assert (total.precision, total.recall) == (0.25, 0.5)
    assert total.f1 == 2 * 0.25 * 0.5 / 0.75
    assert (Tally().precision, Tally().recall, Tally().f1) == (0.0, 0.0, 0.0)


def test_a_span_with_other_bounds_has_moved() -> None:
    gold = [Span("a", "", 0, 4), Span("a", "", 6, 8), Span("b", "", 10, 12)]
    said = [Span("a", "", 1, 4), Span("a", "", 3, 5), Span("a", "", 10, 13), Span("a", "无")]
    assert shifted(match(gold, said)) == 1
    assert shifted(match([Span("a", "无")], [Span("a", "有", 0, 1)])) == 0


def test_relations_meet_whatever_their_case_and_marks() -> None:
    gold = Triple("《Abc》", "作者", (("@value", "X"), ("inWork", "y")))
    said = Triple("abc", "作者", (("inWork", "《Y》"), ("@value", "x")))
    other = Triple("abc", "作者", (("@value", "x"),))
    assert [each.verdict for each in match([gold], [said, other])] == ["found", "surplus"]
    renamed = Triple("abc", "导演", said.object)
    assert [each.verdict for each in match([gold], [renamed])] == ["wrong"]
