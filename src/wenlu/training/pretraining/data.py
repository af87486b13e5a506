"""The rows of a corpus in an order that is a pure function of (seed, epoch, place).

An epoch goes through the documents in a random order, in blocks of some millions of tokens. The
rows of a block are planned together, shuffled, and put into batches of similar length; so the
memory that planning takes does not grow with the corpus, and going on in the middle of an epoch
means planning one block.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from wenlu.corpus import TokenCorpus
from wenlu.errors import DataError
from wenlu.randomness import key, subkeys
from wenlu.text import Tokenizer
from wenlu.training.batching import plan_batches
from wenlu.training.pretraining.batch import PretrainingBatch, fill_rows
from wenlu.training.pretraining.objectives import Objective, layout_of
from wenlu.training.pretraining.rows import Layout, RowPlan, plan_rows

BLOCK_TOKENS = 1 << 24
"""Tokens of a block, about; a row's plan takes some 60 bytes."""


class Block(NamedTuple):
    """A stretch of an epoch, planned."""

    number: int
    """Counted from 0 over all epochs."""
    plan: RowPlan
    batches: list[NDArray[np.int64]]
    """Rows of the plan."""


class PretrainingData:
    """Batches of a token corpus for some objectives.

    Args:
        corpus: the text.
        tokenizer: that it was tokenized with.
        objectives: to be trained together.
        max_length: tokens of a row at most.
        batch_tokens: tokens of a batch at most, padding included.
        seed: decides order, rows and masks.
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
        self.corpus, self.tokenizer, self.objectives = corpus, tokenizer, list(objectives)
        self.max_length, self.batch_tokens, self.seed = max_length, batch_tokens, seed
        self.layout = layout_of(objectives)
        count = len(corpus.documents) - 1
        if self.layout == "next" and count < 2:
            raise DataError(
                f"next-sentence prediction takes its wrong answers from other documents, but "
                f"{corpus.folder} has {count}; give more text, or leave out the objective nsp"
            )
        following = self.layout in ("consecutive", "next", "swap")
        if following and len(corpus.sentences) == len(corpus.documents):
            names = " and ".join(one.name for one in objectives if one.layout is not None)
            raise DataError(
                f"{names} takes pairs of texts that follow each other, but each document of "
                f"{corpus.folder} is a single sentence; in TXT files, put blank lines between "
                "documents"
            )
        self.blocks = max(1, round(len(corpus.tokens) / BLOCK_TOKENS))
        """Blocks of an epoch."""
        self.block = lru_cache(maxsize=2)(self._block)

    def _block(self, number: int) -> Block:
        """The rows and batches of a block."""
        epoch, part = divmod(number, self.blocks)
        order = np.random.default_rng([self.seed, epoch]).permutation(
            len(self.corpus.documents) - 1
        )
        random = np.random.default_rng([self.seed, epoch, part])
        share = np.array_split(order, self.blocks)[part]
        return Block(number, *self._plan(share.tolist(), random, number))

    def _plan(
        self, documents: list[int], random: np.random.Generator, number: int
    ) -> tuple[RowPlan, list[NDArray[np.int64]]]:
        """The rows of some documents, and which of them make batches."""
        layout = cast(Layout, self.layout)
        plan = plan_rows(self.corpus, documents, layout, self.max_length, random)
        batches = plan_batches(
            plan.lengths,
            tokens=self.batch_tokens,
            rows=self.batch_tokens,
            seed=self.seed,
            epoch=number,
        )
        return plan, batches

    def epochs(self, block: int, batch: int) -> float:
        """How much of the corpus was seen before that batch; 1 is all of it once."""
        return (block + batch / len(self.block(block).batches)) / self.blocks

    def batches(self, block: int, batch: int) -> Iterator[tuple[int, int]]:
        """(block, batch) of all batches from that one on, without end."""
        while True:
            count = len(self.block(block).batches)
            yield from ((block, number) for number in range(batch, count))
            block, batch = block + 1, 0

    def batch(self, block: int, batch: int) -> PretrainingBatch:
        """One batch, prepared for the objectives."""
        planned = self.block(block)
        rows = planned.batches[batch]
        keys = subkeys(key(self.seed, block), rows)
        filled = fill_rows(self.corpus, planned.plan, rows, keys, self.tokenizer)
        labels = {one.name: one.prepare(filled) for one in self.objectives}
        padded = bool((filled.lengths < filled.ids.shape[1]).any())
        return PretrainingBatch(
            torch.from_numpy(filled.ids),
            torch.from_numpy(filled.segments),
            torch.from_numpy(filled.lengths) if padded else None,
            labels,
        )

    def lengths(self, block: int, batch: int) -> NDArray[np.int64]:
        """Tokens of each row of a batch, padding left out."""
        planned = self.block(block)
        return planned.plan.take(planned.batches[batch]).lengths

    def sources(self, block: int, batch: int) -> NDArray[np.int64]:
        """For each row of a batch, which of `corpus.sources` it is from."""
        planned = self.block(block)
        documents = planned.plan.document[planned.batches[batch]]
        return self.corpus.document_sources[documents].astype(np.int64)
