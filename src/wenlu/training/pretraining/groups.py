"""Pairs from groups of similar sentences, each both ways round.

Of every group, two sentences are drawn anew in each epoch, and make two rows next to each other:
[CLS] a [SEP] b [SEP] and [CLS] b [SEP] a [SEP]. Batches consist of whole pairs, and no batch has
the same sentence in two of them: each would be a wrong answer for the other's partner.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus import TokenCorpus
from wenlu.errors import ConfigError, DataError
from wenlu.text import Tokenizer
from wenlu.training.batching import BUCKET_BATCHES
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.objectives import Objective
from wenlu.training.pretraining.rows import NOT_A_PAIR, RowPlan
from wenlu.training.pretraining.shortening import Shortening

Numbers = NDArray[np.int64]


class GroupedData(PretrainingData):
    """Batches of a token corpus whose documents are groups of similar sentences.

    Groups without two different sentences make no row. A pair that is left over, or has a sentence
    in common with so many others that no batch is left for it, waits for another epoch.

    Args:
        corpus: the groups, as `write_tokens(..., groups=True)` leaves them.
        tokenizer: that it was tokenized with.
        objectives: to be trained together.
        max_length: tokens of a row at most; a sentence may have about half of them.
        batch_tokens: tokens of a batch at most, padding included.
        seed: decides order, pairs and masks.
    """

    def __init__(
        self,
        corpus: TokenCorpus,
        tokenizer: Tokenizer,
        objectives: Sequence[Objective],
        *,
        max_length: int,
        batch_tokens: int,
        seed: int,
    ) -> None:
        if batch_tokens < 4 * max_length:
            raise ConfigError(
                f"two pairs, each both ways round, may take 4 x {max_length} tokens, and a batch "
                f"has room for {batch_tokens}; give more batch_tokens or a smaller max_length"
            )
        super().__init__(
            corpus,
            tokenizer,
            objectives,
            max_length=max_length,
            batch_tokens=batch_tokens,
            seed=seed,
        )
        self._shortening = Shortening(tokenizer, (max_length - 3) // 2)

    def _plan(
        self, documents: list[int], random: np.random.Generator, number: int
    ) -> tuple[RowPlan, list[Numbers]]:
        plan, sentences = plan_pairs(self.corpus, documents, self._shortening, random)
        batches = batch_pairs(
            plan.lengths[::2],
            sentences,
            tokens=self.batch_tokens,
            seed=self.seed,
            epoch=number,
        )
        if not batches:
            raise DataError(
                f"of {len(documents)} groups no two make a batch: each must have two different "
                "sentences, and not all have one in common. Give more groups"
            )
        return plan, [np.stack([2 * one, 2 * one + 1], 1).ravel() for one in batches]


def plan_pairs(
    corpus: TokenCorpus,
    groups: Sequence[int],
    shortening: Shortening,
    random: np.random.Generator,
) -> tuple[RowPlan, Numbers]:
    """The rows of some groups, in their order: row 2i and row 2i + 1 are pair i, both ways round.

    Args:
        corpus: the groups.
        groups: numbers of groups.
        shortening: cuts sentences that are too long.
        random: where chance comes from.

    Returns:
        The rows, and for each of n pairs two numbers (n, 2) that say which sentences these are:
        equal for those that are token by token the same.
    """
    tokens, word_starts = np.asarray(corpus.tokens), np.asarray(corpus.word_starts)
    bounds = np.asarray(corpus.sentences)
    seen: dict[bytes, int] = {}

    def take(sentence: int) -> tuple[int, tuple[int, int]]:
        start, end = bounds[sentence : sentence + 2].tolist()
        if end - start > shortening.room:
            end = start + shortening(tokens[start:end], word_starts[start:end])
        return seen.setdefault(tokens[start:end].tobytes(), len(seen)), (start, end)

    pairs, sentences, owner = [], [], []
    numbers = np.asarray(groups, np.int64)
    lows = corpus.documents[numbers]
    counts = corpus.documents[numbers + 1] - lows
    drawn = random.random((2, len(groups))) * [counts, counts - 1]
    draws = zip(groups, lows.tolist(), counts.tolist(), *drawn.astype(int).tolist(), strict=True)
    for group, low, count, one, other in draws:
        first, a = take(low + one)
        for step in range(count - 1):
            second, b = take(low + (one + 1 + (other + step) % (count - 1)) % count)
            if second != first:
                pairs.append((a, b))
                sentences.append((first, second))
                owner.append(group)
                break
    places = np.array(pairs, np.int64).reshape(-1, 2, 2)
    document = np.array(owner, np.int64).repeat(2)
    plan = RowPlan(
        places.reshape(-1, 2),
        places[:, ::-1].reshape(-1, 2),
        np.full(len(document), NOT_A_PAIR),  # neither follows the other
        document,
    )
    return plan, np.array(sentences, np.int64).reshape(-1, 2)


def batch_pairs(
    lengths: Numbers, sentences: Numbers, *, tokens: int, seed: int, epoch: int
) -> list[Numbers]:
    """Pairs shuffled into batches of two or more, of similar length, without a common sentence.

    A pair that has a sentence in common with one of a batch waits for another batch.

    Args:
        lengths: tokens of a row, for each of n pairs.
        sentences: (n, 2) which sentences they are.
        tokens: budget of a batch, rows (two a pair) times longest.
        seed: of the run.
        epoch: counted from 0.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    mean = max(1.0, 2 * float(lengths.mean())) if len(lengths) else 1.0
    stretch = max(1, round(BUCKET_BATCHES * tokens / mean))
    size, members = lengths.tolist(), sentences.tolist()
    batches: list[Numbers] = []
    waiting: list[int] = []
    for start in range(0, len(order), stretch):
        waiting += order[start : start + stretch].tolist()
        waiting.sort(key=size.__getitem__)
        last = start + stretch >= len(order)
        while waiting:
            batch, left, full = _fill(waiting, size, members, tokens)
            if not (full or last):
                break  # with the next stretch there is more to choose from
            if len(batch) > 1:
                batches.append(np.array(batch))
            waiting = left
    return [batches[i] for i in random.permutation(len(batches))]


def _fill(
    pairs: list[int], size: list[int], members: list[list[int]], tokens: int
) -> tuple[list[int], list[int], bool]:
    """A batch of the first pairs that go together, those that are left, and whether it is full."""
    batch: list[int] = []
    left: list[int] = []
    held: set[int] = set()
    for place, pair in enumerate(pairs):
        if not held.isdisjoint(members[pair]):
            left.append(pair)
        elif 2 * (len(batch) + 1) * size[pair] > tokens:
            return batch, left + pairs[place:], True
        else:
            batch.append(pair)
            held.update(members[pair])
    return batch, left, False
