import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wenlu.evaluation import confused_classes, confused_pairs

matrices = st.integers(2, 9).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 9))
)


@given(matrices)
def test_pairs_are_the_mistakes_in_order(matrix: np.ndarray) -> None:
    pairs = confused_pairs(matrix, 1000)
    wrong = matrix.sum() - matrix.trace()
    assert sum(pair.count for pair in pairs) == wrong
    assert [pair.count for pair in pairs] == sorted((p.count for p in pairs), reverse=True)
    assert all(pair.count == matrix[pair.gold, pair.predicted] for pair in pairs)
    assert all(0 < pair.share <= 1 for pair in pairs)
    assert confused_pairs(matrix, 2) == pairs[:2]


@given(matrices, st.integers(2, 9))
def test_classes_are_few_different_and_hold_the_worst_pair(matrix: np.ndarray, count: int) -> None:
    chosen = confused_classes(matrix, count)
    assert len(chosen) == len(set(chosen)) <= count
    mutual = matrix + matrix.T
    np.fill_diagonal(mutual, 0)
    if mutual.any():
        worst = max(zip(*np.nonzero(mutual), strict=True), key=lambda pair: mutual[pair])
        assert mutual[np.ix_(chosen, chosen)].max() == mutual[worst]
    else:
        assert not chosen


def test_groups_stand_together() -> None:
    matrix = np.zeros((6, 6), dtype=np.int64)
    for first, second in ((0, 3), (3, 5), (1, 4), (4, 2)):
        matrix[first, second] = 9
    order = confused_classes(matrix, 6)
    assert {frozenset(order[:3]), frozenset(order[3:])} == {
        frozenset({0, 3, 5}),
        frozenset({1, 2, 4}),
    }
