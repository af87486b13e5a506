from typing import Any

import numpy as np
import pytest

from wenlu.errors import ConfigError
from wenlu.training.relation_dataset import RelationDataset

IDS = [[2, 7, 8, 3], [2, 3], [2, 9, 3]]
SUBJECTS = [[(1, 1), (1, 2)], [], [(1, 1)]]
TRIPLES = [[(1, 2, 0, 1, 1)], [], [(1, 1, 4, 1, 1), (1, 1, 5, 1, 1)]]


def test_rows_are_padded_to_the_longest_of_a_batch() -> None:
    data = RelationDataset(IDS, subjects=SUBJECTS, triples=TRIPLES, pad_id=6)
    assert (len(data), data.lengths.tolist()) == (3, [4, 2, 3])
    batch = data.batch(np.array([2, 1]))
    assert batch.ids.tolist() == [[2, 9, 3], [2, 3, 6]]
    assert batch.lengths is not None
    assert batch.lengths.tolist() == [3, 2]
    assert batch.subjects is not None
    assert batch.subjects.tolist() == [[[1, 1]], [[-1, -1]]]
    assert batch.triples is not None
    assert batch.triples.tolist() == [[[1, 1, 4, 1, 1], [1, 1, 5, 1, 1]], [[-1] * 5, [-1] * 5]]
    both = data.batch(np.array([0, 2])).subjects
    assert both is not None
    assert both.tolist() == [[[1, 1], [1, 2]], [[1, 1], [-1, -1]]]


def test_rows_without_anything_to_find() -> None:
    data = RelationDataset(IDS, subjects=[[], [], []], triples=[[], [], []], pad_id=0)
    batch = data.batch(np.array([1, 0]))
    assert batch.subjects is not None
    assert batch.subjects.tolist() == [[[-1, -1]], [[-1, -1]]]


def test_rows_of_which_nothing_is_known() -> None:
    batch = RelationDataset(IDS, subjects=None, triples=None, pad_id=0).batch(np.array([0]))
    assert batch.subjects is batch.triples is None


def test_a_fingerprint_is_of_all_that_the_rows_hold() -> None:
    def of(subjects: Any, triples: Any) -> bytes:  # noqa: ANN401
        return RelationDataset(IDS, subjects=subjects, triples=triples, pad_id=0).fingerprint()

    assert of(SUBJECTS, TRIPLES) == of(SUBJECTS, TRIPLES)
    moved = [[(1, 1)], [(1, 2)], [(1, 1)]]  # the same marks, in other rows
    others = [of(moved, TRIPLES), of(None, TRIPLES), of(SUBJECTS, TRIPLES[::-1])]
    assert len({of(SUBJECTS, TRIPLES), *others}) == 4


def test_every_text_needs_its_marks() -> None:
    with pytest.raises(ConfigError, match="every text needs its subjects and its triples"):
        RelationDataset(IDS, subjects=[[]], triples=TRIPLES, pad_id=0)
