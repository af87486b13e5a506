from wenlu.training.pretraining.objectives import SentenceOrder

from ..small import in_memory, some_shape
from .rows import many, pairs_of


def test_the_class_is_one_where_the_texts_are_swapped() -> None:
    rows = many(in_memory(some_shape(30)), "swap", 32)
    labels = dict(pairs_of(SentenceOrder().prepare(rows)))
    width, seen = rows.ids.shape[1], set()
    for row in range(len(rows.ids)):
        end = int((rows.segments[row] == 0)[: rows.lengths[row]].sum()) - 1
        first, second = rows.ids[row, 1:end], rows.ids[row, end + 1 : rows.lengths[row] - 1]
        if not len(second):
            assert row * width not in labels
            continue
        if labels[row * width]:
            first, second = second, first
        assert second[0] == first[-1] + 1
        seen.add(labels[row * width])
    assert seen == {0, 1}


def test_it_needs_pairs_of_which_half_are_swapped() -> None:
    objective = SentenceOrder()
    assert (objective.name, objective.layout, objective.attention) == ("sop", "swap", "full")
    assert set(objective.heads) == {"pooler", "nsp"}
