from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training import TextDataset

some_ids = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=12)


@given(some_ids, st.data())
def test_a_batch_is_the_rows_padded(ids: list[list[int]], data: st.DataObject) -> None:
    firsts = [data.draw(st.integers(0, len(row))) for row in ids]
    targets = [data.draw(st.integers(0, 4)) for _ in ids]
    rows = np.array(data.draw(st.lists(st.integers(0, len(ids) - 1), min_size=1, max_size=9)))
    batch = TextDataset(ids, first_parts=firsts, targets=targets, pad_id=7).batch(rows)

    width = max(len(ids[r]) for r in rows)
    padded = [ids[r] + [7] * (width - len(ids[r])) for r in rows]
    assert batch.ids.tolist() == padded
    lengths = [len(ids[r]) for r in rows]
    if set(lengths) == {width}:
        assert batch.lengths is None
    else:
        assert batch.lengths is not None
        assert batch.lengths.tolist() == lengths
    assert batch.segments is not None
    assert batch.segments.tolist() == [
        [int(firsts[r] <= place < len(ids[r])) for place in range(width)] for r in rows
    ]
    assert batch.targets is not None
    assert batch.targets.tolist() == [targets[r] for r in rows]
    assert {t.dtype for t in batch if t is not None} == {torch.int64}


def test_what_is_not_known_is_none() -> None:
    data = TextDataset([[1, 2], [3]], first_parts=None, targets=None, pad_id=0)
    batch = data.batch(np.array([1, 0]))
    assert (batch.segments, batch.targets) == (None, None)
    assert len(data) == 2
    assert data.lengths.tolist() == [2, 1]


def fingerprint(
    ids: Sequence[Sequence[int]] = ((1, 2, 3), (4,)),
    first_parts: Sequence[int] | None = (1, 1),
    targets: Sequence[int] | None = (0, 1),
) -> bytes:
    return TextDataset(ids, first_parts=first_parts, targets=targets, pad_id=0).fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"ids": [[1, 2, 9], [4]]},
        {"ids": [[1, 2], [3, 4]]},
        {"ids": [[4], [1, 2, 3]]},
        {"ids": [[1, 2, 3], [4], [5]], "first_parts": [1, 1, 1], "targets": [0, 1, 1]},
        {"first_parts": [1, 0]},
        {"first_parts": None},
        {"targets": [1, 0]},
        {"targets": None},
    ],
)
def test_any_change_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint() == fingerprint()
    assert fingerprint(**change) != fingerprint()
