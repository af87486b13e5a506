from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from wenlu.corpus import TokenCorpus
from wenlu.errors import DataError
from wenlu.training.pretraining import data as module
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.rows import NOT_A_PAIR
from wenlu.training.pretraining.settings import MaskingSettings

from .small import TOKENIZER, in_memory, some_shape


def make(
    corpus: TokenCorpus, *objectives: str, seed: int = 3, batch_tokens: int = 256
) -> PretrainingData:
    return PretrainingData(
        corpus,
        TOKENIZER,
        make_objectives(objectives or ("mlm", "nsp"), TOKENIZER, MaskingSettings()),
        max_length=32,
        batch_tokens=batch_tokens,
        seed=seed,
    )


@pytest.fixture
def blocks(corpus: TokenCorpus, monkeypatch: pytest.MonkeyPatch) -> int:
    """Make an epoch several blocks."""
    monkeypatch.setattr(module, "BLOCK_TOKENS", len(corpus.tokens) // 4)
    return 4


def tensors(batch: PretrainingBatch) -> list[Any]:
    flat = [batch.ids, batch.segments, batch.lengths]
    for name in sorted(batch.labels):
        flat += batch.labels[name]
    return [x if x is None else x.tolist() for x in flat]


def some(data: PretrainingData, count: int, block: int = 0, batch: int = 0) -> list[Any]:
    return [tensors(data.batch(*place)) for place in islice(data.batches(block, batch), count)]


@pytest.mark.usefixtures("blocks")
def test_all_is_a_pure_function_of_seed_and_place(corpus: TokenCorpus) -> None:
    one, other = make(corpus), make(corpus)
    assert one.blocks == 4
    order = list(islice(one.batches(0, 0), 60))
    assert order[-1][0] >= 4  # into the second epoch
    for block, batch in np.random.default_rng(0).permutation(order).tolist():
        assert tensors(one.batch(block, batch)) == tensors(other.batch(block, batch))


def test_another_seed_differs(corpus: TokenCorpus) -> None:
    assert some(make(corpus), 9) != some(make(corpus, seed=4), 9)


def rows_of(data: PretrainingData, block: int) -> list[tuple[int, ...]]:
    plan = data.block(block).plan
    return [(*a, *b) for a, b in zip(plan.first.tolist(), plan.second.tolist(), strict=True)]


@pytest.mark.usefixtures("blocks")
def test_another_epoch_has_other_rows_and_blocks(corpus: TokenCorpus) -> None:
    data = make(corpus)
    assert set(rows_of(data, 0)) != set(rows_of(data, 4))
    documents = [set(data.block(block).plan.document.tolist()) for block in range(8)]
    assert set().union(*documents[:4]) == set().union(*documents[4:]) == set(range(120))
    assert sum(map(len, documents[:4])) == 120  # each document in one block
    assert documents[0] != documents[4]


def test_another_epoch_has_other_masks() -> None:
    """On the same text, other words are hidden."""
    data = make(in_memory([[9]] * 5, tokens=[7] * 45), "mlm")
    first, second = (data.batch(block, 0).labels["mlm"].places.tolist() for block in (0, 1))
    assert first != second


@pytest.mark.usefixtures("blocks")
def test_all_rows_of_a_block_come_once(corpus: TokenCorpus) -> None:
    data = make(corpus)
    for number in range(6):
        block = data.block(number)
        rows = np.concatenate(block.batches)
        np.testing.assert_array_equal(np.sort(rows), np.arange(len(block.plan.lengths)))
        for place, chosen in enumerate(block.batches):
            batch = data.batch(number, place)
            assert len(batch.ids) == len(chosen)
            assert batch.ids.numel() <= 256
            lengths = block.plan.lengths[chosen]
            assert batch.ids.shape[1] == lengths.max()
            assert data.lengths(number, place).tolist() == lengths.tolist()
            if batch.lengths is None:
                assert (lengths == lengths.max()).all()
            else:
                assert batch.lengths.tolist() == lengths.tolist()


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_going_on_gives_the_same_batches(after: int, corpus: TokenCorpus) -> None:
    everything = list(islice(make(corpus).batches(0, 0), 70))
    block, batch = everything[after]
    assert list(islice(make(corpus).batches(block, batch), 70 - after)) == everything[after:]
    assert some(make(corpus), 5, block, batch) == some(make(corpus), after + 5)[after:]


@pytest.mark.usefixtures("blocks")
def test_a_block_that_is_finished_leads_to_the_next(corpus: TokenCorpus) -> None:
    data = make(corpus)
    count = len(data.block(0).batches)
    assert next(data.batches(0, count)) == (1, 0)
    assert next(data.batches(0, count - 1)) == (0, count - 1)


def test_more_blocks_than_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some blocks of an epoch are then empty, and passed over."""
    monkeypatch.setattr(module, "BLOCK_TOKENS", 100)
    data = make(in_memory([[10] * 30, [10] * 40], tokens=[7] * 700), batch_tokens=10_000)
    assert data.blocks == 7
    places = list(islice(data.batches(0, 0), 4))
    assert places == [(0, 0), (1, 0), (7, 0), (8, 0)]
    assert [len(tensors(data.batch(*place))) for place in places]


@pytest.mark.usefixtures("blocks")
def test_how_much_was_seen(corpus: TokenCorpus) -> None:
    data = make(corpus)
    assert data.epochs(0, 0) == 0.0
    assert data.epochs(0, len(data.block(0).batches)) == 0.25
    assert data.epochs(9, 0) == 2.25


def test_sources(heldout: TokenCorpus) -> None:
    data = make(heldout)
    assert set(heldout.sources) == {"新闻", "小说"}
    counts = Counter[int]()
    for number in range(len(data.block(0).batches)):
        found = data.sources(0, number)
        planned = data.block(0)
        assert len(found) == len(planned.batches[number])
        for source, row in zip(found.tolist(), planned.batches[number], strict=True):
            start = planned.plan.first[row, 0]
            document = np.searchsorted(heldout.sentences[heldout.documents], start, "right") - 1
            assert source == heldout.document_sources[document]
            counts[source] += 1
    assert len(counts) == 2


def test_what_objectives_need_decides_the_layout(corpus: TokenCorpus) -> None:
    relations = {}
    for names in (("mlm",), ("lm",), ("unilm",), ("mlm", "unilm"), ("sop",), ("mlm", "nsp")):
        batch = make(corpus, *names).batch(0, 0)
        assert batch.labels.keys() == set(names)
        relations[names] = set(make(corpus, *names).block(0).plan.relation.tolist())
        for name, labels in batch.labels.items():
            assert len(labels.places) == len(labels.targets)
            if name in ("lm", "unilm"):  # what is predicted stands in the batch, a place later
                assert torch.equal(batch.ids.flatten()[labels.places + 1], labels.targets)
    assert relations["mlm",] == relations["lm",] == {NOT_A_PAIR}
    assert relations["unilm",] - {NOT_A_PAIR} == relations["mlm", "unilm"] - {NOT_A_PAIR} == {0}
    assert {0, 1} <= relations["sop",]
    assert {0, 1} <= relations["mlm", "nsp"]


def test_one_document_is_too_few_for_random_texts() -> None:
    message = (
        "next-sentence prediction takes its wrong answers from other documents, but memory has 1; "
        "give more text, or leave out the objective nsp"
    )
    with pytest.raises(DataError, match=message):
        make(in_memory([[3, 4]]))


@pytest.mark.parametrize(("names", "told"), [(("mlm", "nsp"), "nsp"), (("unilm",), "unilm")])
def test_pairs_need_documents_of_several_sentences(names: tuple[str, ...], told: str) -> None:
    message = f"^{told} takes pairs of texts that follow each other, but each document of memory"
    with pytest.raises(DataError, match=message):
        make(in_memory([[5], [9]]), *names)
    make(in_memory([[5], [9]]), "mlm")


def test_a_large_corpus_is_planned_in_blocks() -> None:
    shape = some_shape(50)
    assert make(in_memory(shape)).blocks == 1
    assert module.BLOCK_TOKENS > 1_000_000
