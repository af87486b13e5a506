"""The loop killed wherever it may be: it ends bit-identical."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wenlu.corpus import TokenCorpus
from wenlu.training import loop, state
from wenlu.training.metrics_log import MetricsLog
from wenlu.training.pretraining import PretrainingSettings
from wenlu.training.pretraining.batch import PretrainingBatch
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.state import Progress, newest_step

from ..toy import assert_same_weights
from .toy import SETTINGS, Watch, metrics, rows, toy, train


class Killed(BaseException):
    """As sudden as it gets within one process."""


VARIANTS: dict[str, PretrainingSettings] = {
    "plain": SETTINGS,
    "averaged": replace(SETTINGS, average=0.4),
    "in micro-batches": replace(SETTINGS, gradient_accumulation=3),
    "inside": replace(SETTINGS, gradient_accumulation=3, optimizer="accumulating-adam"),
    "adafactor": replace(SETTINGS, optimizer="adafactor"),
}
Whole = Callable[[str], tuple[Pretraining, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def whole(corpus: TokenCorpus, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    done: dict[str, tuple[Pretraining, list[dict[str, Any]]]] = {}

    def get(variant: str) -> tuple[Pretraining, list[dict[str, Any]]]:
        if variant not in done:
            folder = tmp_path_factory.mktemp("whole")
            done[variant] = train(folder, corpus, VARIANTS[variant])[0], metrics(folder)
        return done[variant]

    return get


def assert_goes_on_to(
    whole: tuple[Pretraining, list[dict[str, Any]]],
    folder: Path,
    corpus: TokenCorpus,
    settings: PretrainingSettings = SETTINGS,
) -> None:
    torch.manual_seed(99)  # nothing may hang on the generator as a process finds it
    module, progress = train(folder, corpus, settings)
    assert_same_weights(module, whole[0])
    assert metrics(folder) == whole[1]
    assert progress.step == 12


@pytest.mark.parametrize(
    ("variant", "updates"),
    [
        *(("plain", 1), ("plain", 4), ("averaged", 8), ("averaged", 11), ("inside", 10)),
        *(pytest.param("plain", updates, marks=pytest.mark.slow) for updates in (3, 8, 12)),
        *(pytest.param("averaged", updates, marks=pytest.mark.slow) for updates in (7, 9)),
        pytest.param("in micro-batches", 5, marks=pytest.mark.slow),
        pytest.param("inside", 5, marks=pytest.mark.slow),
        ("adafactor", 8),
    ],
)
def test_killed_at_an_update(
    variant: str, updates: int, corpus: TokenCorpus, whole: Whole, tmp_path: Path
) -> None:
    module, settings = toy(), VARIANTS[variant]
    watch = Watch(module, Killed(), updates)
    with pytest.raises(Killed):
        train(tmp_path, corpus, settings, module=module, bar=watch)
    assert_goes_on_to(whole(variant), tmp_path, corpus, settings)


@pytest.mark.parametrize(
    ("variant", "batches"),
    [
        ("in micro-batches", 14),
        pytest.param("inside", 2, marks=pytest.mark.slow),
        ("inside", 14),
        pytest.param("inside", 35, marks=pytest.mark.slow),
    ],
)
def test_killed_in_the_middle_of_an_update(
    variant: str, batches: int, corpus: TokenCorpus, whole: Whole, tmp_path: Path
) -> None:
    settings = VARIANTS[variant]
    data = rows(corpus, settings)
    real, left = data.batch, batches

    def killing(block: int, batch: int) -> PretrainingBatch:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return real(block, batch)

    data.batch = killing  # type: ignore[method-assign]
    with pytest.raises(Killed):
        train(tmp_path, corpus, settings, data=data)
    assert_goes_on_to(whole(variant), tmp_path, corpus, settings)


# States of two files each, after updates 3, 6 and 7 (before the rate falls), and of three, after 9
# and 12, with the average.
@pytest.mark.parametrize(
    "file",
    [2, 5, 9, *(pytest.param(file, marks=pytest.mark.slow) for file in (1, 3, 6, 7, 8, 12))],
)
def test_killed_while_writing_a_checkpoint(
    file: int,
    corpus: TokenCorpus,
    whole: Whole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = VARIANTS["averaged"]
    real, left = state.save_file, file

    def killing(tensors: dict[str, Tensor], path: Path) -> None:
        nonlocal left
        left -= 1
        real(tensors, path)
        if left == 0:
            with path.open("r+b") as cut:
                cut.truncate(100)
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(state, "save_file", killing)
        with pytest.raises(Killed):
            train(tmp_path, corpus, settings)
    assert_goes_on_to(whole("averaged"), tmp_path, corpus, settings)


def test_killed_again_and_again(corpus: TokenCorpus, whole: Whole, tmp_path: Path) -> None:
    settings = VARIANTS["averaged"]
    for updates in (3, 2, 4, 2, 5):
        module = toy()
        watch = Watch(module, Killed(), updates)
        with pytest.raises(Killed):
            train(tmp_path, corpus, settings, module=module, bar=watch)
    assert_goes_on_to(whole("averaged"), tmp_path, corpus, settings)


def test_killed_while_measuring(corpus: TokenCorpus, tmp_path: Path) -> None:
    def measure(module: Pretraining) -> dict[str, float]:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return {"mlm_loss": float(module.model.mlm.bias.detach().sum())}  # type: ignore[union-attr]

    left = 0
    module, _ = train(tmp_path / "whole", corpus, measure=measure)
    left = 2  # the second time
    with pytest.raises(Killed):
        train(tmp_path / "killed", corpus, measure=measure)
    again, _ = train(tmp_path / "killed", corpus, measure=measure)
    assert_same_weights(module, again)
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")


def test_killed_between_a_line_and_its_state(
    corpus: TokenCorpus, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = MetricsLog.write

    def killing(self: MetricsLog, **values: object) -> None:
        write(self, **values)
        if values["step"] == 6:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(MetricsLog, "write", killing)
        with pytest.raises(Killed):
            train(tmp_path, corpus)
    assert_goes_on_to(whole("plain"), tmp_path, corpus)


def test_interrupted_it_saves_at_once(corpus: TokenCorpus, whole: Whole, tmp_path: Path) -> None:
    import os
    import signal

    class Interrupt(Watch):
        def advance(self, *rest: Any, **more: Any) -> None:  # noqa: ANN401
            super().advance(*rest, **more)
            if len(self.weights) == 6:
                os.kill(os.getpid(), signal.SIGINT)

    module = toy()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, corpus, module=module, bar=Interrupt(module))
    assert newest_step(tmp_path / "checkpoint") == 6
    assert_goes_on_to(whole("plain"), tmp_path, corpus)


def test_nothing_is_left_to_do(corpus: TokenCorpus, whole: Whole, tmp_path: Path) -> None:
    train(tmp_path, corpus, VARIANTS["averaged"])
    assert_goes_on_to(whole("averaged"), tmp_path, corpus, VARIANTS["averaged"])


def test_time_is_counted_across_resumes(corpus: TokenCorpus, tmp_path: Path) -> None:
    module = toy()
    with pytest.raises(Killed):
        train(tmp_path, corpus, module=module, bar=Watch(module, Killed(), 7))
    spent = state.saved_progress(tmp_path / "checkpoint", "same")
    assert spent is not None
    _, progress = train(tmp_path, corpus)
    assert progress.seconds > spent.seconds > 0
    assert progress.training_seconds > spent.training_seconds > 0


def test_outside_the_main_thread(corpus: TokenCorpus, whole: Whole, tmp_path: Path) -> None:
    """Signals are then somebody else's."""
    with ThreadPoolExecutor(1) as pool:
        module, _ = pool.submit(train, tmp_path, corpus).result()
    assert_same_weights(module, whole("plain")[0])


@pytest.mark.parametrize("change", ["seed", "accumulation", "weights", "beta2", "dropout"])
def test_every_choice_counts(
    change: str, corpus: TokenCorpus, whole: Whole, tmp_path: Path
) -> None:
    more: dict[str, Any] = {}
    if change == "seed":
        more = {"seed": 6}
    if change == "accumulation":
        more = {"settings": replace(SETTINGS, gradient_accumulation=2)}
    if change == "beta2":
        more = {"settings": replace(SETTINGS, beta2=0.9)}
    if change == "weights":
        more = {"module": toy()}
        nn.init.normal_(more["module"].model.mlm.bias)
    if change == "dropout":
        more = {"module": toy(0.2)}
    module, _ = train(tmp_path, corpus, **more)
    ours, theirs = (
        one.model.encoder.embeddings.token.weight for one in (module, whole("plain")[0])
    )
    assert not torch.equal(ours, theirs)


def test_checkpoints_by_time(
    corpus: TokenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[str, int]] = []
    save = loop.save_state

    def spy(folder: Path, progress: Progress, *rest: Any, **more: Any) -> None:  # noqa: ANN401
        saved.append((folder.name, progress.step))
        save(folder, progress, *rest, **more)

    monkeypatch.setattr(loop, "save_state", spy)
    settings = replace(SETTINGS, checkpoint_steps=0, checkpoint_minutes=0.0, steps=10)
    train(tmp_path / "always", corpus, settings)
    every = [("checkpoint", step) for step in range(1, 11)]
    assert saved == [*every[:5], ("stable", 6), *every[5:]]
    saved.clear()
    train(tmp_path / "minutes", corpus, replace(settings, checkpoint_minutes=5.0))
    assert saved == [("stable", 6), ("checkpoint", 10)]
