"""Small texts, a small vocabulary, and corpora of a given shape that lie in memory."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from wenlu.corpus import TokenCorpus, TokenStatistics
from wenlu.text import Tokenizer
from wenlu.training.pretraining.rows import Layout

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WHO = ("上海人", "老师们", "研究生", "小狗", "他", "我们", "那位医生", "妈妈")
WHEN = ("今天", "昨天晚上", "每年春天", "周末", "刚才", "很久以前")
WHAT = ("喝茶", "看电影", "写论文", "听音乐", "在公园里散步", "等公共汽车", "睡觉", "做数学题")
ENDS = ("。", "。", "！", "？")
CHARACTERS = sorted(set("".join(chain(WHO, WHEN, WHAT, ENDS, "，、0123456789"))))
TOKENIZER = Tokenizer.from_tokens([*SPECIAL, *CHARACTERS])

LAYOUTS: tuple[Layout, ...] = ("single", "next", "swap", "consecutive")
"""Of rows of running text."""

Shape = Sequence[Sequence[int]]
"""Documents, each the lengths of its sentences."""


def in_memory(
    shape: Shape,
    *,
    tokens: Sequence[int] | None = None,
    word_starts: Sequence[bool] | None = None,
    sources: Sequence[int] | None = None,
) -> TokenCorpus:
    """A corpus of documents with sentences of these lengths; by default token i has the id i."""
    lengths = [length for document in shape for length in document]
    total = sum(lengths)
    corpus = object.__new__(TokenCorpus)
    corpus.folder = Path("memory")
    corpus.tokens = np.arange(total) if tokens is None else np.array(tokens)
    corpus.tokens = corpus.tokens.astype(np.uint32)
    starts = np.ones(total) if word_starts is None else np.array(word_starts)
    corpus.word_starts = starts.astype(np.bool_)
    corpus.sentences = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    corpus.documents = np.concatenate([[0], np.cumsum(list(map(len, shape)))]).astype(np.int64)
    corpus.document_sources = np.array(sources or [0] * len(shape), np.int32)
    corpus.sources = [f"source {number}" for number in range(max(sources or [0]) + 1)]
    corpus.fingerprint = "memory"
    corpus.statistics = TokenStatistics(
        documents=len(shape),
        dropped=0,
        sentences=len(lengths),
        tokens=total,
        words=int(corpus.word_starts.sum()),
        characters=total,
        unknown=0,
        bytes=total,
    )
    return corpus


def some_shape(documents: int, seed: int = 0) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [random.integers(1, 12, random.integers(1, 15)).tolist() for _ in range(documents)]


def some_documents(count: int, seed: int = 1) -> list[str]:
    """Texts of a few sentences, in which there is something to learn."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        who = str(random.choice(WHO))  # one document speaks of one person
        sentences = (
            f"{random.choice(WHEN)}{who}{random.choice(WHAT)}{random.choice(ENDS)}"
            for _ in range(random.integers(2, 9))
        )
        found.append("".join(sentences))
    return found


def write_documents(path: Path, count: int, seed: int = 1) -> Path:
    path.write_text("\n\n".join(some_documents(count, seed)) + "\n", "utf-8")
    return path


def write_vocabulary(path: Path, tokens: Sequence[str] = ()) -> Path:
    path.write_text("\n".join(tokens or TOKENIZER.vocabulary) + "\n", "utf-8")
    return path


SHAPE = """
family = "roformer"
position = "rotary"
width = 16
layers = 2
heads = 2
inner_width = 32
max_length = 64
"""


def write_shape(path: Path, more: str = "") -> Path:
    path.write_text(SHAPE + more, "utf-8")
    return path
