"""Tiny models whose every weight is random, and a vocabulary for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from wenlu.text import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIAL, *"春眠不觉晓处闻啼鸟夜来风雨声花落知多少，。、！？"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(20_100_402)


@pytest.fixture(scope="session")
def tokens() -> list[str]:
    return list(TOKENS)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_tokens(TOKENS)


@pytest.fixture(scope="session")
def write_vocabulary() -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")

    return write


@pytest.fixture(scope="session")
def randomised() -> Callable[[nn.Module], nn.Module]:
    """Make every weight random, biases and norms too, and stop training."""

    def randomise(module: nn.Module) -> nn.Module:
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.requires_grad:
                    centre = parameter.mean().round() if parameter.ndim == 1 else 0.0
                    parameter.normal_().mul_(0.3).add_(centre)
        return module.eval()

    return randomise
