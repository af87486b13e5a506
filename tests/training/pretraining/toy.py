"""The loop on a tiny model: a training takes a fraction of a second."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wenlu.corpus import TokenCorpus
from wenlu.models import Model
from wenlu.models.roformer import roformer
from wenlu.training import fit
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.objectives import make_objectives
from wenlu.training.pretraining.settings import MaskingSettings, PretrainingSettings
from wenlu.training.pretraining.training import pretraining
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.state import Progress

from ..toy import ALONE
from .small import TOKENIZER

SETTINGS = PretrainingSettings(
    steps=12,
    batch_tokens=128,
    max_length=32,
    lr=0.01,
    warmup=2,
    decay=0.4,
    weight_decay=0.1,
    dropout=0.1,
    precision="float32",
    log_steps=1,
    evaluate_steps=5,
    checkpoint_steps=3,
)
NAMES = ("mlm", "nsp")


def toy(dropout: float = 0.1, names: tuple[str, ...] = NAMES) -> Pretraining:
    torch.manual_seed(1)
    sizes = {"width": 16, "layers": 2, "heads": 2, "inner_width": 32, "max_length": 64}
    shape = replace(
        roformer(vocabulary=len(TOKENIZER), **sizes), dropout=dropout, attention_dropout=dropout
    )
    objectives = make_objectives(names, TOKENIZER, MaskingSettings())
    heads = {head for one in objectives for head in one.heads}
    return Pretraining(Model(shape, heads), objectives)


def rows(
    corpus: TokenCorpus,
    settings: PretrainingSettings = SETTINGS,
    *,
    names: tuple[str, ...] = NAMES,
    seed: int = 5,
) -> PretrainingData:
    return PretrainingData(
        corpus,
        TOKENIZER,
        make_objectives(names, TOKENIZER, MaskingSettings()),
        max_length=settings.max_length,
        batch_tokens=settings.batch_tokens,
        seed=seed,
    )


def train(
    folder: Path,
    corpus: TokenCorpus,
    settings: PretrainingSettings = SETTINGS,
    *,
    module: Pretraining | None = None,
    measure: Callable[[Any], dict[str, float]] | None = None,
    bar: ProgressBar | None = None,
    data: PretrainingData | None = None,
    seed: int = 5,
) -> tuple[Pretraining, Progress]:
    module = toy() if module is None else module
    folder.mkdir(exist_ok=True)
    training = pretraining(
        module, data or rows(corpus, settings, seed=seed), measure, settings, processes=ALONE
    )
    progress = fit(
        training,
        folder=folder,
        fingerprint="same",
        processes=ALONE,
        bar=bar or ProgressBar(enabled=False),
    )
    return module, progress


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Without what differs from run to run."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in x.items() if k != "tokens_per_second"} for x in lines]


class Watch(ProgressBar):
    """Keeps the weights after each update, and ends the training at one of them."""

    def __init__(self, module: Pretraining, end: BaseException | None = None, at: int = 0) -> None:
        super().__init__(enabled=False)
        self.module, self.end, self.at = module, end, at
        self.weights: list[dict[str, Tensor]] = []

    def advance(self, text: str, rate: float, by: int = 1, unit: str = "texts") -> None:
        super().advance(text, rate, by, unit)
        self.weights.append({k: v.clone() for k, v in self.module.state_dict().items()})
        if self.end is not None and len(self.weights) == self.at:
            raise self.end
