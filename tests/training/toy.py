"""A module and data small enough that a whole training takes a tenth of a second."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from wenlu.training import Processes, TrainingSettings, fit
from wenlu.training.batching import Rows
from wenlu.training.fine_tuning import fine_tuning
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.state import Progress

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
VOCABULARY, CLASSES, ROWS = 20, 3, 50
SETTINGS = TrainingSettings(
    epochs=3, batch_tokens=48, batch_rows=8, log_steps=1, checkpoint_steps=3, precision="float32"
)


class ToyBatch(NamedTuple):
    ids: Tensor
    targets: Tensor


class ToyOutputs(NamedTuple):
    losses: Tensor


class ToyData:
    """Bags of tokens; the class depends on them."""

    def __init__(self, rows: int = ROWS) -> None:
        random = np.random.default_rng(7)
        self.lengths: Rows = random.integers(3, 9, rows)
        self.ids = torch.from_numpy(random.integers(0, VOCABULARY, (rows, 8)))
        self.targets = self.ids[:, 0] % CLASSES

    def batch(self, rows: Rows) -> ToyBatch:
        chosen = torch.from_numpy(rows)
        return ToyBatch(self.ids[chosen], self.targets[chosen])


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(VOCABULARY, 12)
        self.blocks = nn.ModuleList(nn.Linear(12, 12) for _ in range(3))


class Toy(nn.Module):
    """The names are those of a real model: layers are told apart by them."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.encoder, self.dropout = Encoder(), nn.Dropout(dropout)
        self.classifier = nn.Linear(12, CLASSES)

    def forward(self, batch: ToyBatch) -> ToyOutputs:
        x = self.encoder.embeddings(batch.ids).mean(1)
        for block in self.encoder.blocks:
            x = x + self.dropout(block(x).tanh())
        logits = self.classifier(x)
        return ToyOutputs(F.cross_entropy(logits, batch.targets, reduction="none"))


def toy(dropout: float = 0.2) -> Toy:
    torch.manual_seed(1)
    return Toy(dropout)


def evaluate(module: nn.Module) -> dict[str, float]:
    data = ToyData()
    with torch.inference_mode():
        loss = module(data.batch(np.arange(ROWS))).losses.mean()
    return {"accuracy": -float(loss), "loss": float(loss)}


def train(
    folder: Path,
    settings: TrainingSettings = SETTINGS,
    *,
    module: nn.Module | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] = evaluate,
    bar: ProgressBar | None = None,
    seed: int = 5,
    rows: int = ROWS,
    fingerprint: str = "same",
) -> tuple[nn.Module, Progress]:
    module = toy() if module is None else module
    folder.mkdir(exist_ok=True)
    training = fine_tuning(
        module,
        ToyData(rows),
        evaluate,
        settings,
        learning_rate=settings.lr or 0.01,
        seed=seed,
        score="accuracy",
        processes=ALONE,
    )
    progress = fit(
        training,
        folder=folder,
        fingerprint=fingerprint,
        processes=ALONE,
        bar=bar or ProgressBar(enabled=False),
    )
    return module, progress


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Without what differs from run to run."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in x.items() if k != "examples_per_second"} for x in lines]


def assert_same_weights(first: nn.Module, second: nn.Module) -> None:
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
