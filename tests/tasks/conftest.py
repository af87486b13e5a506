"""A small model and small sets; whole runs in processes that can be killed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from wenlu.models import Model, save
from wenlu.models.roformer import roformer
from wenlu.text import Tokenizer

from .bundled import run_sample
from .small import AFTER, BEFORE, WORDS, pairs, result, write_sets

Attempt = Callable[..., list[int]]
EndToEnd = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 16 that know the characters of the small sets."""
    folder = tmp_path_factory.mktemp("models") / "small"
    texts = [*BEFORE, *AFTER, *(text for texts in WORDS.values() for text in texts)]
    characters = sorted(set("".join(texts)))
    tokenizer = Tokenizer.from_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters])
    torch.manual_seed(4)
    shape = roformer(
        vocabulary=len(tokenizer), width=16, layers=2, heads=2, inner_width=32, max_length=64
    )
    return save(folder, Model(shape), tokenizer)


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("data") / "texts")


@pytest.fixture(scope="session")
def text_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("data") / "pairs", pairs)


@pytest.fixture(scope="session")
def flags(texts: Path, small_model: Path) -> list[str]:
    """A run of 36 updates in three epochs, with a checkpoint every three updates."""
    return [
        *("train", "classify", "--data", str(texts), "--model", str(small_model)),
        *("--epochs", "3", "--batch-rows", "8", "--log-steps", "1", "--checkpoint-steps", "3"),
        *("--max-length", "32", "--lr", "0.02", "--precision", "float32"),
    ]


@pytest.fixture(scope="session")
def whole(attempt: Attempt, flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    log = folder / "log"
    assert attempt([*flags, "--out", str(folder / "run")], log) == [0], log.read_text()
    found = result(folder / "run")
    # It learns, so that the weights that are kept hang on more than one epoch.
    assert found["steps"] == 36
    assert found["best_epoch"] > 1
    return folder / "run"


@pytest.fixture
def end_to_end(tmp_path: Path) -> EndToEnd:
    """Trains, measures, uses and hands in a bundled sample set: `end_to_end("pronouns")`."""
    return partial(run_sample, folder=tmp_path)
