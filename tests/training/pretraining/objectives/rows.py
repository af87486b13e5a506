"""Rows to prepare: handmade ones, and many from a corpus."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from wenlu.corpus import TokenCorpus
from wenlu.models import Model
from wenlu.nn import TransformerConfig
from wenlu.randomness import key, subkeys
from wenlu.training.pretraining.batch import Labels, Rows, fill_rows
from wenlu.training.pretraining.rows import NOT_A_PAIR, Layout, plan_rows

from ..small import TOKENIZER

CLS, SEP, PAD = TOKENIZER.cls_id, TOKENIZER.sep_id, TOKENIZER.pad_id


def handmade(*pairs: tuple[Sequence[int], Sequence[int]], relation: Sequence[int] = ()) -> Rows:
    """Rows of these texts, every token a word."""
    ids = [[CLS, *a, SEP, *([*b, SEP] if b else [])] for a, b in pairs]
    width = max(map(len, ids))
    lengths = np.array(list(map(len, ids)))
    table = np.array([row + [PAD] * (width - len(row)) for row in ids])
    column = np.arange(width)[None]
    starts = np.array([[len(a) + 2] for a, _ in pairs])
    return Rows(
        ids=table,
        segments=((column >= starts) & (column < lengths[:, None])).astype(np.int64),
        lengths=lengths,
        text=(table != CLS) & (table != SEP) & (table != PAD),
        word_starts=np.ones_like(table, bool),
        keys=subkeys(key(1), np.arange(len(ids))),
        relation=np.array(relation or [NOT_A_PAIR] * len(ids)),
    )


def many(
    corpus: TokenCorpus, layout: Layout = "single", max_length: int = 128, seed: int = 1
) -> Rows:
    """All rows of a corpus at once."""
    documents = range(len(corpus.documents) - 1)
    plan = plan_rows(corpus, documents, layout, max_length, np.random.default_rng(seed))
    rows = np.arange(len(plan.lengths))
    return fill_rows(corpus, plan, rows, subkeys(key(seed), rows), TOKENIZER)


def tiny_model(heads: Sequence[str], **changes: object) -> Model:
    torch.manual_seed(3)
    shape = {"vocabulary": len(TOKENIZER), "width": 16, "layers": 2, "heads": 2, "inner_width": 32}
    config = TransformerConfig(**{**shape, "dropout": 0.0, "attention_dropout": 0.0, **changes})  # type: ignore[arg-type]
    model = Model(config, heads)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def pairs_of(labels: Labels) -> list[tuple[int, int]]:
    return list(zip(labels.places.tolist(), labels.targets.tolist(), strict=True))


class Handmade(Model):
    """Without a head: its states are the logits."""

    def __init__(self) -> None:
        super().__init__(tiny_model([]).config)

    def token_logits(self, states: Tensor) -> Tensor:
        return states
