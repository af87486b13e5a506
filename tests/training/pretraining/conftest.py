"""A small text, its tokens, and a configuration that trains on it in a second."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wenlu.corpus import TokenCorpus, write_jsonl, write_tokens
from wenlu.training.pretraining import MaskingSettings, PretrainingConfig, PretrainingSettings

from .small import TOKENIZER, some_documents, write_documents, write_shape, write_vocabulary

Configure = Callable[..., PretrainingConfig]
SETTINGS = PretrainingSettings(
    steps=24,
    batch_tokens=256,
    max_length=32,
    lr=0.01,
    warmup=4,
    precision="float32",
    log_steps=1,
    evaluate_steps=10,
    checkpoint_steps=5,
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text, held-out text of two sources, a vocabulary and a shape."""
    folder = tmp_path_factory.mktemp("given")
    write_documents(folder / "text.txt", 120)
    rows = [
        {"text": text, "source": ("新闻", "小说")[number % 3 == 0]}
        for number, text in enumerate(some_documents(24, seed=2))
    ]
    write_jsonl(folder / "heldout.jsonl", rows)
    write_vocabulary(folder / "vocab.txt")
    write_shape(folder / "shape.toml")
    return folder


@pytest.fixture(scope="session")
def corpus(folder: Path) -> TokenCorpus:
    write_tokens([folder / "text.txt"], TOKENIZER, folder / "tokens", workers=1)
    return TokenCorpus(folder / "tokens")


@pytest.fixture(scope="session")
def heldout(folder: Path) -> TokenCorpus:
    write_tokens([folder / "heldout.jsonl"], TOKENIZER, folder / "heldout", workers=1)
    return TokenCorpus(folder / "heldout")


@pytest.fixture(scope="session")
def configure(folder: Path, corpus: TokenCorpus) -> Configure:
    """A configuration with some settings changed, of whatever level."""

    def make(**changes: Any) -> PretrainingConfig:  # noqa: ANN401
        own = {
            "objective": ("mlm", "nsp"),
            "corpus": (str(corpus.folder),),
            "config": str(folder / "shape.toml"),
            "vocab": str(folder / "vocab.txt"),
        }
        training, masking = SETTINGS, MaskingSettings()
        for name, value in changes.items():
            if hasattr(SETTINGS, name):
                training = replace(training, **{name: value})
            elif hasattr(masking, name):
                masking = replace(masking, **{name: value})
            else:
                own[name] = value
        return PretrainingConfig(**own, masking=masking, training=training)  # type: ignore[arg-type]

    return make
