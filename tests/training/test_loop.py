"""The loop against a plain one, and against itself, killed wherever it may be."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from wenlu.errors import RunError
from wenlu.training import TrainingSettings, loop
from wenlu.training.batching import plan_batches
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.state import Progress
from wenlu.training.step import seed_dropout

from .toy import (
    ROWS,
    SETTINGS,
    ToyData,
    assert_same_weights,
    evaluate,
    metrics,
    toy,
    train,
)

EVERY_ROW = [
    plan_batches(ToyData().lengths, tokens=48, rows=8, seed=5, epoch=epoch) for epoch in range(3)
]
STEPS = sum(map(len, EVERY_ROW))
FIRST_EPOCH = len(EVERY_ROW[0])


# What one update is.


@pytest.mark.parametrize("clip", [1.0, 0.05, 0.0])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_it_is_the_plain_loop(clip: float, dropout: float, tmp_path: Path) -> None:
    """AdamW by the textbook: linear schedule with warm-up, clipping, the mean loss of a batch."""
    settings = replace(SETTINGS, clip=clip, warmup=0.25, weight_decay=0.1, checkpoint_steps=0)
    last: list[dict[str, torch.Tensor]] = []

    def keep(module: nn.Module) -> dict[str, float]:
        last.append({k: v.clone() for k, v in module.state_dict().items()})
        return evaluate(module)

    train(tmp_path, settings, module=toy(dropout), evaluate=keep)

    plain, data = toy(dropout), ToyData()
    decaying = [p for p in plain.parameters() if p.ndim > 1]
    others = [p for p in plain.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=0.01,
    )
    warmup = round(0.25 * STEPS)
    step = 0
    for epoch in range(3):
        plain.train()
        for rows in EVERY_ROW[epoch]:
            rate = (step + 1) / warmup if step < warmup else (STEPS - step) / (STEPS - warmup)
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * rate
            seed_dropout(5, step, 0)
            optimizer.zero_grad()
            plain(data.batch(rows)).losses.mean().backward()
            if clip:
                nn.utils.clip_grad_norm_(plain.parameters(), clip)
            optimizer.step()
            step += 1
        for name, tensor in plain.state_dict().items():
            torch.testing.assert_close(tensor, last[epoch][name], atol=1e-6, rtol=0)
    assert step == STEPS


@pytest.mark.parametrize("micro_batches", [2, 3, 16])
def test_micro_batches_change_nothing_but_rounding(micro_batches: int, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=1, checkpoint_steps=0)
    whole, _ = train(tmp_path / "1", settings, module=toy(0.0).double())
    settings = replace(settings, gradient_accumulation=micro_batches)
    parts, _ = train(tmp_path / "k", settings, module=toy(0.0).double())
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(tensor, parts.state_dict()[name], atol=1e-9, rtol=0)
    for one, other in zip(metrics(tmp_path / "1"), metrics(tmp_path / "k"), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_layers_learn_slower_further_down(tmp_path: Path) -> None:
    """AdamW's first update is the learning rate in every element that has a gradient."""
    settings = replace(
        SETTINGS, epochs=1, lr=0.001, layer_decay=0.5, weight_decay=0.0, schedule="constant"
    )
    settings = replace(settings, warmup=0.0, clip=0.0, batch_rows=ROWS, batch_tokens=10_000)
    before = toy(0.0)
    after, _ = train(tmp_path, settings, module=toy(0.0))
    for name, tensor in after.state_dict().items():
        step = (tensor - before.state_dict()[name]).abs().max()
        depth = {"encoder.embeddings": 4, "classifier": 0}.get(name.rsplit(".", 1)[0])
        if depth is None:
            depth = 3 - int(name.split(".")[2])
        assert float(step) == pytest.approx(0.001 * 0.5**depth, rel=1e-2), name


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_frozen_layers_stay(layers: int, tmp_path: Path) -> None:
    before = toy().state_dict()
    after, _ = train(tmp_path, replace(SETTINGS, freeze=layers))
    frozen = ["encoder.embeddings", "encoder.blocks.0", "encoder.blocks.1"][:layers]
    for name, tensor in after.state_dict().items():
        stays = name.rsplit(".", 1)[0] in frozen
        assert torch.equal(tensor, before[name]) == stays, name


def test_bfloat16_is_close(tmp_path: Path) -> None:
    train(tmp_path / "exact", module=toy(0.0))
    train(tmp_path / "rough", replace(SETTINGS, precision="bfloat16"), module=toy(0.0))
    exact, rough = metrics(tmp_path / "exact"), metrics(tmp_path / "rough")
    assert exact != rough
    assert [x["loss"] for x in rough if x["event"] == "step"] == pytest.approx(
        [x["loss"] for x in exact if x["event"] == "step"], rel=0.02
    )


# Which epoch is kept.


class Script:
    """Scores that were thought up, and the weights that got them."""

    def __init__(self, *accuracies: float) -> None:
        self.left = list(accuracies)
        self.weights: list[dict[str, torch.Tensor]] = []

    def __call__(self, module: nn.Module) -> dict[str, float]:
        assert not module.training
        self.weights.append({k: v.clone() for k, v in module.state_dict().items()})
        return {"accuracy": self.left.pop(0)}


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs", "best", "stopped"),
    [
        ((0.1, 0.2, 0.3, 0.4), 0, 4, 4, "finished"),
        ((0.3, 0.4, 0.2, 0.1), 0, 4, 2, "finished"),
        ((0.3, 0.4, 0.4, 0.1), 0, 4, 2, "finished"),  # of equals, the first
        ((0.0, 0.0, 0.0, 0.0), 0, 4, 1, "finished"),
        ((0.3, 0.4, 0.2, 0.5), 1, 3, 2, "early stopping"),
        ((0.3, 0.4, 0.2, 0.5), 2, 4, 4, "finished"),
        ((0.3, 0.2, 0.1, 0.9), 2, 3, 1, "early stopping"),
        ((0.1, 0.4, 0.2, 0.1), 2, 4, 2, "finished"),
    ],
)
def test_the_best_epoch_is_kept(
    accuracies: tuple[float, ...],
    patience: int,
    epochs: int,
    best: int,
    stopped: str,
    tmp_path: Path,
) -> None:
    script = Script(*accuracies)
    settings = replace(SETTINGS, epochs=4, patience=patience)
    module, trained = train(tmp_path, settings, evaluate=script)
    assert (trained.epoch, trained.best_epoch) == (epochs, best)
    assert trained.best == {"accuracy": accuracies[best - 1]}
    assert trained.end == stopped
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, script.weights[best - 1][name])
    assert not module.training


# What is written down.


def test_metrics(tmp_path: Path) -> None:
    train(tmp_path, replace(SETTINGS, log_steps=2, warmup=0.0))
    lines = metrics(tmp_path)
    steps = [line for line in lines if line["event"] == "step"]
    assert [line["step"] for line in steps] == list(range(2, STEPS + 1, 2))
    for line in steps:
        done = (line["step"] - 1) / STEPS
        assert line["learning_rate"] == pytest.approx(0.01 * (1 - done))
        assert math.isfinite(line["loss"])
        assert line["gradient_norm"] > 0
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert epochs[0]["step"] == FIRST_EPOCH
    assert epochs[0].keys() == {"event", "epoch", "step", "train_loss", "accuracy", "dev_loss"}


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows(tmp_path: Path) -> None:
    train(tmp_path)
    lines = metrics(tmp_path)
    sizes = [len(rows) for rows in EVERY_ROW[0]]
    losses = [line["loss"] for line in lines[:FIRST_EPOCH]]
    mean = np.average(losses, weights=sizes)
    assert lines[FIRST_EPOCH]["train_loss"] == pytest.approx(mean, rel=1e-6)


# Killed anywhere, it ends bit-identical.


class Killed(BaseException):
    """As sudden as it gets within one process."""


class Countdown(ProgressBar):
    """Ends the training at a certain update."""

    def __init__(self, updates: int) -> None:
        super().__init__(enabled=False)
        self.left = updates

    def advance(self, text: str, rate: float, by: int = 1, unit: str = "") -> None:
        super().advance(text, rate, by, unit)
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return train(folder)[0], folder


def assert_goes_on_to(
    whole: tuple[nn.Module, Path], folder: Path, settings: TrainingSettings = SETTINGS
) -> None:
    torch.manual_seed(99)  # nothing may hang on the generator as a process finds it
    module, trained = train(folder, settings)
    assert_same_weights(module, whole[0])
    assert metrics(folder) == metrics(whole[1])
    assert trained.step == STEPS
    assert trained.seen == 3 * ROWS


@pytest.mark.parametrize(
    "updates", [1, 3, 4, FIRST_EPOCH - 1, FIRST_EPOCH, FIRST_EPOCH + 1, STEPS - 1, STEPS]
)
def test_killed_at_an_update(updates: int, whole: tuple[nn.Module, Path], tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, bar=Countdown(updates))
    assert_goes_on_to(whole, tmp_path)


def test_killed_again_and_again(whole: tuple[nn.Module, Path], tmp_path: Path) -> None:
    for updates in (4, 5, 2, 7, 4):
        with pytest.raises(Killed):
            train(tmp_path, bar=Countdown(updates))
    assert_goes_on_to(whole, tmp_path)


@pytest.mark.parametrize("checkpoint_steps", [0, 1, FIRST_EPOCH])
@pytest.mark.parametrize("evaluation", [1, 2, 3])
def test_killed_while_evaluating(
    evaluation: int, checkpoint_steps: int, whole: tuple[nn.Module, Path], tmp_path: Path
) -> None:
    left = evaluation

    def killing(module: nn.Module) -> dict[str, float]:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return evaluate(module)

    settings = replace(SETTINGS, checkpoint_steps=checkpoint_steps)
    with pytest.raises(Killed):
        train(tmp_path, settings, evaluate=killing)
    assert_goes_on_to(whole, tmp_path, settings=settings)


@pytest.mark.parametrize("checkpoint_steps", [0, FIRST_EPOCH])
def test_killed_between_an_epochs_line_and_its_state(
    checkpoint_steps: int,
    whole: tuple[nn.Module, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = MetricsLog.write

    def killing(self: MetricsLog, **values: object) -> None:
        write(self, **values)
        if values["event"] == "epoch":
            raise Killed

    settings = replace(SETTINGS, checkpoint_steps=checkpoint_steps)
    with monkeypatch.context() as patch:
        patch.setattr(MetricsLog, "write", killing)
        with pytest.raises(Killed):
            train(tmp_path, settings)
    assert_goes_on_to(whole, tmp_path, settings=settings)


def test_killed_when_all_was_done(whole: tuple[nn.Module, Path], tmp_path: Path) -> None:
    train(tmp_path)
    assert_goes_on_to(whole, tmp_path)


def test_early_stopping_is_remembered(tmp_path: Path) -> None:
    settings = replace(SETTINGS, patience=1)
    _, trained = train(tmp_path, settings, evaluate=Script(0.5, 0.4))
    assert trained.epoch == 2
    _, again = train(tmp_path, settings, evaluate=Script())
    assert again.end == "early stopping"
    assert again.best == {"accuracy": 0.5}


def test_time_is_counted_across_resumes(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, bar=Countdown(FIRST_EPOCH + 1))
    spent = loop.load_state(tmp_path / "checkpoint", toy(), _optimizer(), "same")
    assert spent is not None
    _, trained = train(tmp_path)
    assert trained.seconds > spent.seconds > 0


def _optimizer() -> torch.optim.Optimizer:
    return torch.optim.AdamW(toy().parameters(), fused=True)


@pytest.mark.parametrize(
    "change",
    [{"seed": 6}, {"settings": replace(SETTINGS, gradient_accumulation=3)}, {"module": "other"}],
)
def test_every_random_choice_counts(
    change: dict[str, Any], whole: tuple[nn.Module, Path], tmp_path: Path
) -> None:
    if change.get("module"):
        torch.manual_seed(2)
        change = {"module": type(whole[0])()}
    module, _ = train(tmp_path, **change)
    assert not torch.equal(
        module.get_parameter("classifier.weight"), whole[0].get_parameter("classifier.weight")
    )


def test_another_fingerprint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, bar=Countdown(5))
    with pytest.raises(RunError, match="was started with other data"):
        train(tmp_path, fingerprint="other")


def test_outside_the_main_thread(whole: tuple[nn.Module, Path], tmp_path: Path) -> None:
    """Signals are then somebody else's."""
    with ThreadPoolExecutor(1) as pool:
        module, _ = pool.submit(train, tmp_path).result()
    assert_same_weights(module, whole[0])


def test_checkpoints_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    save = loop.save_state

    def spy(folder: Path, progress: Progress, *rest: Any, **more: Any) -> None:  # noqa: ANN401
        saved.append(progress.step)
        save(folder, progress, *rest, **more)

    monkeypatch.setattr(loop, "save_state", spy)
    settings = TrainingSettings(epochs=1, batch_rows=8, checkpoint_minutes=0.0)
    _, trained = train(tmp_path, settings)
    assert saved == [*range(1, trained.step + 1), trained.step]
    saved.clear()
    train(tmp_path / "minutes", replace(settings, checkpoint_minutes=5.0))
    assert saved == [trained.step]
