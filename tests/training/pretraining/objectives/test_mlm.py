import re
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from wenlu.corpus import TokenCorpus, write_tokens
from wenlu.errors import ConfigError
from wenlu.randomness import key, subkeys
from wenlu.training.pretraining.batch import Rows
from wenlu.training.pretraining.objectives import MaskedLanguageModel

from ..small import TOKENIZER, in_memory, write_documents
from .rows import handmade, many

MASK, VOCABULARY = 4, 20_000
WORDS = 1_000_000


def masking(**changes: Any) -> MaskedLanguageModel:  # noqa: ANN401
    return MaskedLanguageModel(**{"mask_id": MASK, "vocabulary": VOCABULARY, **changes})


class Masked:
    """What became of many rows."""

    def __init__(self, rows: Rows, objective: MaskedLanguageModel) -> None:
        self.before, self.rows = rows.ids.copy(), rows
        labels = objective.prepare(rows)
        self.targets = labels.targets.numpy()
        self.chosen = np.zeros(rows.ids.shape, bool)
        self.chosen.flat[labels.places.numpy()] = True
        self.masked = self.chosen & (rows.ids == MASK)
        self.same = self.chosen & (rows.ids == self.before)
        self.random = self.chosen & ~self.masked & ~self.same

    @property
    def words(self) -> NDArray[np.int64]:
        """Which word of all a token of the text is of."""
        return np.cumsum((self.rows.word_starts & self.rows.text).ravel())[self.rows.text.ravel()]

    def by_word(self, which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The share of each word's tokens that are so."""
        words = self.words - 1
        return np.bincount(words, which[self.rows.text]) / np.bincount(words)

    @property
    def shares(self) -> list[float]:
        """Of the chosen tokens: those masked, random and kept."""
        count = self.chosen.sum()
        return [float(x.sum() / count) for x in (self.masked, self.random, self.same)]

    @property
    def span(self) -> float:
        """Tokens that are chosen in a row, on average."""
        padded = np.pad(self.chosen, [(0, 0), (1, 0)])
        return float(self.chosen.sum() / (padded[:, 1:] & ~padded[:, :-1]).sum())


@pytest.fixture(scope="module")
def a_million_words() -> TokenCorpus:
    """Words of one to four tokens, in sentences of 20, in documents of 100."""
    random = np.random.default_rng(0)
    sizes = random.choice([1, 2, 3, 4], WORDS, p=[0.5, 0.4, 0.05, 0.05])
    starts = np.zeros(sizes.sum(), bool)
    starts[np.cumsum(sizes) - sizes] = True
    sentences = sizes.reshape(-1, 20).sum(1)
    return in_memory(
        sentences.reshape(-1, 100).tolist(),
        tokens=random.integers(5, VOCABULARY, sizes.sum()).tolist(),
        word_starts=starts.tolist(),
    )


@pytest.fixture(scope="module", params=["token", "word"])
def masked(request: pytest.FixtureRequest, a_million_words: TokenCorpus) -> Masked:
    unit: Literal["token", "word"] = request.param
    return Masked(many(a_million_words), masking(unit=unit))


def test_fifteen_of_a_hundred_words_are_chosen(masked: Masked) -> None:
    words = masked.by_word(masked.chosen)
    assert len(words) == WORDS
    assert set(words) == {0.0, 1.0}  # all of a word or nothing
    assert words.mean() == pytest.approx(0.15, abs=0.002)
    assert masked.chosen.sum() / masked.rows.text.sum() == pytest.approx(0.15, abs=0.002)


def test_eighty_ten_and_ten(masked: Masked) -> None:
    assert masked.shares == pytest.approx([0.8, 0.1, 0.1], abs=0.005)


def test_words_are_chosen_independently(masked: Masked) -> None:
    words = masked.by_word(masked.chosen) == 1.0
    for lag in (1, 2, 60):
        both = int((words[:-lag] & words[lag:]).sum())
        assert stats.binomtest(both, WORDS - lag, 0.15**2).pvalue > 1e-4


def test_what_is_decided_for_words_and_what_for_tokens(a_million_words: TokenCorpus) -> None:
    for unit, mixed in (("word", False), ("token", True)):
        found = Masked(many(a_million_words), masking(unit=unit))
        shares = found.by_word(found.masked)
        assert (((shares > 0) & (shares < 1)).mean() > 0.01) == mixed
        if unit == "word":
            kinds = [found.by_word(x) == 1.0 for x in (found.masked, found.random, found.same)]
            of = found.by_word(found.chosen) == 1.0
            assert [x.sum() / of.sum() for x in kinds] == pytest.approx([0.8, 0.1, 0.1], abs=0.005)
            assert sum(x.sum() for x in kinds) == pytest.approx(of.sum(), abs=20)
            # The random tokens of one word are still drawn one by one.
            two = found.random[:, :-1] & found.random[:, 1:]
            assert (found.rows.ids[:, :-1][two] == found.rows.ids[:, 1:][two]).mean() < 0.01


def test_random_tokens_are_of_the_whole_vocabulary(masked: Masked) -> None:
    ids = masked.rows.ids[masked.random]
    counts, _ = np.histogram(ids, 50, range=(0, VOCABULARY))
    assert stats.chisquare(counts).pvalue > 1e-4
    assert 0 <= ids.min() < ids.max() < VOCABULARY


def test_the_targets_are_what_stood_there_and_nothing_else_changes(masked: Masked) -> None:
    np.testing.assert_array_equal(masked.targets, masked.before[masked.chosen])
    np.testing.assert_array_equal(masked.rows.ids[~masked.chosen], masked.before[~masked.chosen])
    assert not (masked.chosen & ~masked.rows.text).any()


@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_another_rate(rate: float, a_million_words: TokenCorpus) -> None:
    found = Masked(many(a_million_words), masking(rate=rate))
    assert found.by_word(found.chosen).mean() == pytest.approx(rate, abs=0.002)


# What is in a row when words are known.


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> TokenCorpus:
    folder = tmp_path_factory.mktemp("chinese")
    text = write_documents(folder / "text.txt", 2_000)
    write_tokens([text], TOKENIZER, folder / "tokens", workers=1)
    return TokenCorpus(folder / "tokens")


def test_chinese_words_are_masked_whole(chinese: TokenCorpus) -> None:
    """A collator that knows no Chinese words masks single characters, next to unmasked ones."""
    word_length = chinese.statistics.tokens / chinese.statistics.words
    assert word_length > 1.5
    whole = Masked(many(chinese), masking(vocabulary=len(TOKENIZER)))
    single = Masked(many(chinese), masking(vocabulary=len(TOKENIZER), whole_words=False))
    # Neighbours are chosen by chance, too: a run of n ends after each with probability 1 - p.
    assert single.span == pytest.approx(1 / 0.85, rel=0.02)
    assert whole.span == pytest.approx(word_length / 0.85, rel=0.03)
    for found in (whole, single):
        assert found.chosen.sum() / found.rows.text.sum() == pytest.approx(0.15, abs=0.01)
    parts = single.by_word(single.chosen)
    assert ((parts > 0) & (parts < 1)).mean() > 0.05


def test_a_word_that_was_cut_is_two() -> None:
    """A row that begins in the middle of a word does not reach over to other texts."""
    rows = handmade(([5, 6, 7], [8, 9]), ([5, 6], [7, 8]))
    rows.word_starts[:, 1:] = False
    rows.word_starts[0, 2] = True  # (CLS) 5 | 6 7 | 8 9
    rows.word_starts[0, 4] = rows.word_starts[1, 3] = True  # the separators are no words
    keys = subkeys(key(0), np.arange(2000))
    seen: set[tuple[int, ...]] = set()
    for one in keys:
        fresh = rows._replace(ids=rows.ids.copy(), keys=np.repeat(one, 2))
        labels = masking(rate=0.5).prepare(fresh)
        seen.add(tuple(labels.places[labels.places < rows.ids.shape[1]].tolist()))
    parts = [(1,), (2, 3), (5, 6)]
    expected = {
        tuple(x for keep, part in zip(chosen, parts, strict=True) if keep for x in part)
        for chosen in np.ndindex(2, 2, 2)
    }
    assert seen == expected


# What it hangs on.


def test_masks_hang_on_the_row_and_not_on_its_batch(chinese: TokenCorpus) -> None:
    everything = many(chinese)
    alone = everything.ids.copy()
    labels = masking(vocabulary=len(TOKENIZER)).prepare(everything._replace(ids=alone))
    chosen = np.zeros(alone.shape, bool)
    chosen.flat[labels.places.numpy()] = True
    for some in ([3], [7, 3], list(range(40, 20, -1)), [3, 3]):
        width = int(everything.lengths[some].max())
        part = Rows(
            *(x[some][:, :width].copy() for x in everything[:2]),
            everything.lengths[some],
            *(x[some][:, :width] for x in everything[3:5]),
            everything.keys[some],
            everything.relation[some],
        )
        found = masking(vocabulary=len(TOKENIZER)).prepare(part)
        np.testing.assert_array_equal(part.ids, alone[some][:, :width])
        np.testing.assert_array_equal(found.places.numpy(), np.flatnonzero(chosen[some][:, :width]))


def test_other_rows_epochs_and_seeds_are_masked_otherwise() -> None:
    texts = [(list(range(5, 60)), [])] * 3
    found = []
    for keys in (subkeys(key(1), np.arange(3)), subkeys(key(2), np.arange(3))):
        rows = handmade(*texts)._replace(keys=keys)
        places = masking().prepare(rows).places.numpy()
        found += [tuple(x) for x in np.split(places % 57, np.searchsorted(places // 57, [1, 2]))]
    assert len(set(found)) == 6


def test_source_only(a_million_words: TokenCorpus) -> None:
    rows = many(a_million_words, "consecutive")
    found = Masked(rows, masking(source_only=True))
    assert not (found.chosen & (rows.segments == 1)).any()
    source = rows.text & (rows.segments == 0)
    assert found.chosen.sum() / source.sum() == pytest.approx(0.15, abs=0.002)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_rates_that_cannot_be(rate: float) -> None:
    message = re.escape(f"the share of masked words must be in (0, 1); got {rate}")
    with pytest.raises(ConfigError, match=message):
        masking(rate=rate)


def test_nothing_chosen_is_no_error() -> None:
    labels = masking(rate=1e-12).prepare(handmade(([5], [])))
    assert labels.places.tolist() == labels.targets.tolist() == []
