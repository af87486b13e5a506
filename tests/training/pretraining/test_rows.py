from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wenlu.corpus import TokenCorpus
from wenlu.training.pretraining.rows import (
    IN_ORDER,
    NOT_A_PAIR,
    OUT_OF_ORDER,
    Layout,
    RowPlan,
    plan_rows,
)

from .small import LAYOUTS, Shape, in_memory, some_shape

shapes = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=2, max_size=6)
max_lengths = st.integers(8, 40)
seeds = st.integers(0, 2**32)


def plan(
    corpus: TokenCorpus, layout: Layout, max_length: int = 20, seed: int = 0, order: int | None = 0
) -> RowPlan:
    documents = np.arange(len(corpus.documents) - 1)
    if order is not None:
        documents = np.random.default_rng(order).permutation(documents)
    return plan_rows(corpus, documents.tolist(), layout, max_length, np.random.default_rng(seed))


def bounds(corpus: TokenCorpus, document: int) -> tuple[int, int]:
    first, last = corpus.documents[document : document + 2]
    return int(corpus.sentences[first]), int(corpus.sentences[last])


def tokens(texts: list[tuple[int, int]]) -> list[int]:
    return [token for start, end in texts for token in range(start, end)]


def texts_in_order(corpus: TokenCorpus, found: RowPlan) -> dict[int, list[tuple[int, int]]]:
    """For each document its own texts as they come, random second ones left out."""
    texts: dict[int, list[tuple[int, int]]] = {}
    for first, second, relation, document in zip(
        found.first.tolist(),
        found.second.tolist(),
        found.relation.tolist(),
        found.document.tolist(),
        strict=True,
    ):
        own = bounds(corpus, document)
        texts.setdefault(document, []).append(tuple(first))
        if relation != NOT_A_PAIR and own[0] <= second[0] < own[1]:
            texts[document].append(tuple(second))
    return texts


def assert_once(corpus: TokenCorpus, found: RowPlan) -> None:
    """Every token of every document exactly once."""
    texts = texts_in_order(corpus, found)
    assert texts.keys() == set(range(len(corpus.documents) - 1))
    for document, own in texts.items():
        assert sorted(tokens(own)) == list(range(*bounds(corpus, document)))


def assert_rows_fit(found: RowPlan, max_length: int) -> None:
    first, second = (np.diff(texts)[:, 0] for texts in (found.first, found.second))
    assert (first > 0).all()
    pairs = found.relation != NOT_A_PAIR
    np.testing.assert_array_equal(second > 0, pairs)
    np.testing.assert_array_equal(found.lengths, first + second + np.where(pairs, 3, 2))
    assert found.lengths.max() <= max_length


def assert_whole_sentences(corpus: TokenCorpus, found: RowPlan, room: int) -> None:
    """Texts start and end with sentences, unless one is longer than a row."""
    starts = set(corpus.sentences.tolist())
    for first, second in pairwise(corpus.sentences.tolist()):
        starts.update(range(first, second, room))
    paired = found.relation != NOT_A_PAIR
    ends = np.concatenate([found.first.ravel(), found.second[paired].ravel()])
    assert set(ends.tolist()) <= starts


@pytest.mark.parametrize("layout", ["single", "consecutive", "swap"])
@settings(deadline=None)
@given(shapes, max_lengths, seeds)
def test_every_token_comes_once(layout: Layout, shape: Shape, max_length: int, seed: int) -> None:
    corpus = in_memory(shape)
    found = plan(corpus, layout, max_length, seed)
    assert_once(corpus, found)
    assert_rows_fit(found, max_length)
    assert_whole_sentences(corpus, found, max_length - (2 if layout == "single" else 3))
    swapped = found.relation == OUT_OF_ORDER
    if layout != "swap":
        assert not swapped.any()
    pairs = found.relation != NOT_A_PAIR
    assert layout != "single" or not pairs.any()
    # The second text goes on where the first ended, or the other way round.
    np.testing.assert_array_equal(
        np.where(swapped, found.second[:, 1], found.first[:, 1])[pairs],
        np.where(swapped, found.first[:, 0], found.second[:, 0])[pairs],
    )


@settings(deadline=None)
@given(shapes, max_lengths, seeds)
def test_random_second_texts_are_of_other_documents(
    shape: Shape, max_length: int, seed: int
) -> None:
    corpus = in_memory(shape)
    found = plan(corpus, "next", max_length, seed)
    assert_once(corpus, found)  # without the random ones
    assert_rows_fit(found, max_length)
    for first, second, relation, document in zip(*found, strict=True):
        low, high = bounds(corpus, int(document))
        if relation == IN_ORDER:
            assert second[0] == first[1]
        if relation != OUT_OF_ORDER:
            continue
        assert second[1] <= low or second[0] >= high
        # It is of one document, begins with a sentence, and ends with one if one fits.
        other = int(np.searchsorted(corpus.sentences[corpus.documents], second[0], "right")) - 1
        assert second[1] <= bounds(corpus, other)[1]
        place = int(np.searchsorted(corpus.sentences, second[0]))
        assert corpus.sentences[place] == second[0]
        cut = second[1] < corpus.sentences[place + 1]
        assert cut or second[1] in corpus.sentences


@pytest.mark.parametrize("layout", ["next", "swap"])
def test_about_half_are_out_of_order(layout: Layout) -> None:
    found = plan(in_memory(some_shape(3000)), layout)
    pairs = found.relation != NOT_A_PAIR
    wrong = int((found.relation == OUT_OF_ORDER).sum())
    assert pairs.sum() > 7_000
    assert stats.binomtest(wrong, int(pairs.sum()), 0.5).pvalue > 1e-3


def test_the_length_does_not_tell_a_random_second_text() -> None:
    """The best guess from the lengths of both texts is next to no better than a coin."""
    found = plan(in_memory(some_shape(6_000, seed=3)), "next", max_length=40)
    pairs = found.relation != NOT_A_PAIR
    first, second = (np.diff(texts)[:, 0][pairs] for texts in (found.first, found.second))
    counts = np.zeros((2, 14, 14))
    np.add.at(counts, (found.relation[pairs], first // 3, second // 3), 1)
    shuffled = np.zeros_like(counts)
    random = np.random.default_rng(0)
    np.add.at(shuffled, (random.permutation(found.relation[pairs]), first // 3, second // 3), 1)
    guessed, chance = (table.max(0).sum() / table.sum() for table in (counts, shuffled))
    assert guessed - chance < 0.03
    one, other = (second[found.relation[pairs] == kind].mean() for kind in (0, 1))
    assert one == pytest.approx(other, rel=0.15)


def test_random_second_texts_come_from_everywhere() -> None:
    """In proportion to the tokens of documents, and not with the first sentence of one."""
    shape = [[10] * 40, [10] * 20, *[[10] * 5] * 8]
    corpus = in_memory(shape)
    starts: Counter[int] = Counter()
    for seed in range(400):
        found = plan(corpus, "next", 64, seed)
        own = found.document[found.relation == OUT_OF_ORDER]
        there = found.second[found.relation == OUT_OF_ORDER, 0]
        starts.update(there[own > 1].tolist())
    bounds_of_documents = corpus.sentences[corpus.documents]
    assert set(starts).isdisjoint(bounds_of_documents.tolist())
    documents = Counter[int]()
    for start, count in starts.items():
        documents[int(np.searchsorted(bounds_of_documents, start, "right")) - 1] += count
    assert 1.6 < documents[0] / documents[1] < 2.6


def test_one_document_that_is_nearly_everything() -> None:
    """Other text is found at once, however rare it is."""
    corpus = in_memory([[10] * 30_000, [3, 4]])
    found = plan(corpus, "next", 64, order=None)
    wrong = (found.relation == OUT_OF_ORDER) & (found.document == 0)
    assert wrong.sum() > 1000
    assert (found.second[wrong, 0] >= 300_000).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sentence_longer_than_a_row_is_cut_and_nothing_is_lost(layout: Layout) -> None:
    corpus = in_memory([[100], [5, 47, 3]])
    for seed in range(20):
        found = plan(corpus, layout, 20, seed)
        assert_once(corpus, found)
        assert_rows_fit(found, 20)
        room = 18 if layout == "single" else 17
        longest = found.first[found.document == 0]
        assert np.diff(longest)[:-1, 0].tolist() == [room] * (len(longest) - 1)


@pytest.mark.parametrize("layout", ["consecutive", "next", "swap"])
def test_a_single_sentence_is_a_row_of_one_text(layout: Layout) -> None:
    found = plan(in_memory([[5], [6], [7]]), layout, order=None)
    assert found.relation.tolist() == [NOT_A_PAIR] * 3
    assert found.second.tolist() == [[0, 0]] * 3
    assert found.lengths.tolist() == [7, 8, 9]
    assert found.first.tolist() == [[0, 5], [5, 11], [11, 18]]


def test_rows_are_filled() -> None:
    """But for the first and the last of a document, no further sentence would have fitted."""
    corpus = in_memory([[7, 3, 9, 4] * 50])
    for seed in range(10):
        found = plan(corpus, "single", 32, seed, order=None)
        lengths = found.lengths[1:-1]
        following = found.first[2:, 0]
        place = np.searchsorted(corpus.sentences, following)
        more = corpus.sentences[place + 1] - following
        assert (lengths + more > 32).all()


def test_documents_come_in_the_order_asked_for() -> None:
    corpus = in_memory(some_shape(9))
    for layout in LAYOUTS:
        order = [4, 0, 7]
        found = plan_rows(corpus, order, layout, 20, np.random.default_rng(0))
        assert list(dict.fromkeys(found.document.tolist())) == order


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_epoch_cuts_elsewhere(layout: Layout) -> None:
    corpus = in_memory([[4] * 100] * 3)
    plans = [plan(corpus, layout, 32, seed) for seed in (1, 2, 1)]
    for one, again in zip(plans[0], plans[2], strict=True):
        np.testing.assert_array_equal(one, again)
    cuts = [set(found.first[:, 0].tolist()) for found in plans[:2]]
    assert cuts[0] != cuts[1]


def test_no_documents() -> None:
    found = plan_rows(in_memory([[3]]), [], "single", 16, np.random.default_rng(0))
    assert len(found.lengths) == 0
    assert found.first.shape == found.second.shape == (0, 2)
