import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.randomness import key, subkeys
from wenlu.training.pretraining.batch import Labels, PretrainingBatch, Rows, fill_rows
from wenlu.training.pretraining.rows import Layout, plan_rows

from .small import LAYOUTS, TOKENIZER, Shape, in_memory

CLS, SEP, PAD = TOKENIZER.cls_id, TOKENIZER.sep_id, TOKENIZER.pad_id
shapes = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=2, max_size=5)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(deadline=None)
@given(shapes, st.data())
def test_the_rows_token_for_token(layout: Layout, shape: Shape, data: st.DataObject) -> None:
    total = sum(map(sum, shape))
    starts = data.draw(st.lists(st.booleans(), min_size=total, max_size=total))
    corpus = in_memory(shape, tokens=range(100, 100 + total), word_starts=starts)
    plan = plan_rows(corpus, range(len(shape)), layout, 16, np.random.default_rng(1))
    some = st.lists(st.integers(0, len(plan.lengths) - 1), min_size=1, max_size=8)
    chosen = np.array(data.draw(some))
    keys = subkeys(key(1), chosen)
    rows = fill_rows(corpus, plan, chosen, keys, TOKENIZER)

    width = int(plan.lengths[chosen].max())
    for place, row in enumerate(chosen):
        (a, a_end), (b, b_end) = plan.first[row], plan.second[row]
        first, second = corpus.tokens[a:a_end].tolist(), corpus.tokens[b:b_end].tolist()
        ids = [CLS, *first, SEP]
        text = [False, *[True] * len(first), False]
        words = [True, *starts[a:a_end], True]
        if second:
            ids += [*second, SEP]
            text += [*[True] * len(second), False]
            words += [*starts[b:b_end], True]
        segments = [0] * (len(first) + 2) + [1] * (len(ids) - len(first) - 2)
        padding = width - len(ids)
        assert rows.ids[place].tolist() == ids + [PAD] * padding
        assert rows.segments[place].tolist() == segments + [0] * padding
        assert rows.text[place].tolist() == text + [False] * padding
        assert rows.word_starts[place].tolist() == words + [True] * padding
        assert rows.lengths[place] == len(ids)
        assert rows.relation[place] == plan.relation[row]
    assert rows.keys is keys


def test_the_corpus_is_not_written_to() -> None:
    corpus = in_memory([[3, 4]])
    plan = plan_rows(corpus, [0], "single", 16, np.random.default_rng(1))
    rows = fill_rows(corpus, plan, np.array([0]), key(1), TOKENIZER)
    rows.ids[:] = 0
    assert corpus.tokens.tolist() == list(range(7))


def test_moved_whole() -> None:
    batch = PretrainingBatch(
        torch.ones(2, 3, dtype=torch.int64),
        torch.zeros(2, 3, dtype=torch.int64),
        None,
        {"mlm": Labels(torch.tensor([1]), torch.tensor([2]))},
    )
    moved = batch.to(torch.device("meta"))
    assert moved.lengths is None
    assert moved.ids.shape == (2, 3)
    for tensor in (moved.ids, moved.segments, *moved.labels["mlm"]):
        assert tensor.device.type == "meta"
    again = batch._replace(lengths=torch.tensor([3, 2])).to(torch.device("cpu"))
    assert again.lengths is not None
    assert again.lengths.tolist() == [3, 2]


def test_what_objectives_may_rely_on() -> None:
    """The fields that they read are arrays of the types that are said."""
    corpus = in_memory([[3, 4], [5]])
    plan = plan_rows(corpus, [0, 1], "consecutive", 16, np.random.default_rng(1))
    chosen = np.arange(len(plan.lengths))
    rows = fill_rows(corpus, plan, chosen, subkeys(key(1), chosen), TOKENIZER)
    types = {name: getattr(rows, name).dtype for name in Rows._fields}
    assert types == {
        "ids": np.int64,
        "segments": np.int64,
        "lengths": np.int64,
        "text": np.bool_,
        "word_starts": np.bool_,
        "keys": np.uint64,
        "relation": np.int64,
    }
