import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from wenlu.training.span_dataset import SpanDataset

IDS = [[2, 7, 8, 3], [2, 3], [2, 9, 9, 9, 9, 3]]
SPANS = [[(0, 1, 2), (1, 1, 1)], [], [(1, 1, 4)]]


def dataset() -> SpanDataset:
    return SpanDataset(IDS, SPANS, pad_id=0)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=5))
def test_a_batch_has_the_rows_in_their_order(rows: list[int]) -> None:
    batch = dataset().batch(np.array(rows))
    width = max(len(IDS[row]) for row in rows)
    assert batch.ids.tolist() == [IDS[row] + [0] * (width - len(IDS[row])) for row in rows]
    assert batch.positives is not None
    expected = [[at, *span] for at, row in enumerate(rows) for span in SPANS[row]]
    assert batch.positives.tolist() == expected
    assert batch.positives.shape == (len(expected), 4)
    assert batch.positives.dtype == torch.int64
    padded = {len(IDS[row]) for row in rows} != {width}
    assert (batch.lengths is not None) == padded


def test_without_spans_there_are_no_targets() -> None:
    data = SpanDataset(IDS, None, pad_id=0)
    assert data.batch(np.array([0, 2])).positives is None
    assert data.lengths.tolist() == [4, 2, 6]


def test_texts_without_any_span() -> None:
    batch = SpanDataset(IDS[:1], [[]], pad_id=0).batch(np.array([0]))
    assert batch.positives is not None
    assert batch.positives.shape == (0, 4)


def test_fingerprints_tell_data_apart() -> None:
    other = [[(0, 1, 2)], [(1, 1, 1)], [(1, 1, 4)]]  # the same spans, of other rows
    found = [
        dataset(),
        SpanDataset(IDS, other, pad_id=0),
        SpanDataset(IDS, None, pad_id=0),
        SpanDataset(IDS[::-1], SPANS, pad_id=0),
    ]
    assert len({data.fingerprint() for data in found}) == len(found)
    assert dataset().fingerprint() == dataset().fingerprint()
