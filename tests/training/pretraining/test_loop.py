"""The loop against a plain one: what an update is."""

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from wenlu.corpus import TokenCorpus
from wenlu.errors import RunError
from wenlu.nn.gradient_checkpointing import enable_gradient_checkpointing
from wenlu.optim import factor
from wenlu.training import state
from wenlu.training.pretraining import PretrainingSettings
from wenlu.training.pretraining.batch import Labels, PretrainingBatch
from wenlu.training.pretraining.data import PretrainingData
from wenlu.training.pretraining.module import Pretraining
from wenlu.training.pretraining.training import pretraining
from wenlu.training.processes import Processes
from wenlu.training.state import newest_step
from wenlu.training.step import seed_dropout

from ..toy import assert_same_weights
from .toy import SETTINGS, Watch, metrics, rows, toy, train

INSIDE = ("accumulating-adam", "accumulating-adam-beta", "accumulating-sgdm")


def together(batches: list[PretrainingBatch]) -> PretrainingBatch:
    """One batch of the rows of several."""
    width = max(batch.ids.shape[1] for batch in batches)
    ids, segments, lengths = [], [], []
    labels: dict[str, list[Labels]] = {name: [] for name in batches[0].labels}
    for batch in batches:
        count, own = batch.ids.shape
        before = sum(map(len, ids))
        for name, given in batch.labels.items():
            row, column = given.places // own + before, given.places % own
            labels[name].append(Labels(row * width + column, given.targets))
        ids.append(F.pad(batch.ids, (0, width - own)))
        segments.append(F.pad(batch.segments, (0, width - own)))
        lengths.append(torch.full((count,), own) if batch.lengths is None else batch.lengths)
    merged = {
        name: Labels(*(torch.cat(parts) for parts in zip(*given, strict=True)))
        for name, given in labels.items()
    }
    return PretrainingBatch(torch.cat(ids), torch.cat(segments), torch.cat(lengths), merged)


def stable(step: int, settings: PretrainingSettings) -> float:
    """The learning rate as a trapezoid."""
    falling = settings.decay * settings.steps
    rising = (step + 1) / settings.warmup
    return min(1.0, rising, (settings.steps - step) / falling)


@pytest.mark.parametrize(
    ("accumulate", "dropout", "clip"), [(1, 0.1, 0.3), (1, 0.0, 0.0), (3, 0.0, 0.3)]
)
def test_it_is_the_plain_loop(
    accumulate: int, dropout: float, clip: float, corpus: TokenCorpus, tmp_path: Path
) -> None:
    """AdamW, and k batches are one of k times the rows: the mean over all their predictions."""
    settings = replace(SETTINGS, gradient_accumulation=accumulate, clip=clip)
    module = toy(dropout)
    watch = Watch(module)
    train(tmp_path, corpus, settings, module=module, bar=watch)

    plain, data = toy(dropout), rows(corpus)
    decaying = [p for p in plain.parameters() if p.ndim > 1]
    others = [p for p in plain.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
    )
    places = data.batches(0, 0)
    plain.train()
    losses = []
    for step in range(12):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * stable(step, settings)
        batches = [data.batch(*place) for place in islice(places, accumulate)]
        seed_dropout(5, step, 0)
        optimizer.zero_grad()
        found = plain(batches[0] if accumulate == 1 else together(batches))
        loss = sum(one.losses.sum() / max(1, len(one.losses)) for one in found.values())
        loss.backward()
        losses.append(float(loss.detach()))
        if clip:
            nn.utils.clip_grad_norm_(plain.parameters(), clip)
        optimizer.step()
        for name, tensor in plain.state_dict().items():
            torch.testing.assert_close(tensor, watch.weights[step][name], atol=2e-5, rtol=0)
    told = [line["loss"] for line in metrics(tmp_path)]
    assert told == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize(
    "optimizer",
    [INSIDE[0], *(pytest.param(name, marks=pytest.mark.slow) for name in INSIDE[1:])],
)
def test_accumulating_inside_moves_with_every_kth_batch(
    optimizer: str, corpus: TokenCorpus, tmp_path: Path
) -> None:
    """As many batches an update, and the same schedule, as with ordinary accumulation."""
    settings = replace(SETTINGS, steps=6, gradient_accumulation=3, optimizer=optimizer)
    _, progress = train(tmp_path / "inside", corpus, settings)
    _, ordinary = train(tmp_path / "sum", corpus, replace(settings, optimizer="adamw"))
    for name in ("seen", "epoch", "batch", "step"):
        assert getattr(progress, name) == getattr(ordinary, name)
    for one, other in zip(metrics(tmp_path / "inside"), metrics(tmp_path / "sum"), strict=True):
        assert one["learning_rate"] == other["learning_rate"]
        assert one["tokens"] == other["tokens"]
    first = metrics(tmp_path / "inside")[0], metrics(tmp_path / "sum")[0]
    # Before the first move: the mean of three batches' means, and the mean over all of them.
    assert first[0]["loss"] == pytest.approx(first[1]["loss"], rel=0.1)


def test_sgd_inside_the_momentum_is_exact(corpus: TokenCorpus, tmp_path: Path) -> None:
    """With one prediction of the same kind a row, batches weigh the same: k inside is k outside."""
    settings = replace(SETTINGS, steps=6, dropout=0.0, clip=0.0, lr=0.5)

    def trained(name: str, **changes: Any) -> Pretraining:  # noqa: ANN401
        module = toy(0.0, ("nsp",))
        data = Alike(rows(corpus, settings, names=("nsp",)))
        train(tmp_path / name, corpus, replace(settings, **changes), module=module, data=data)  # type: ignore[arg-type]
        return module

    inside = trained("inside", optimizer="accumulating-sgdm", gradient_accumulation=3)
    ordinary = trained("ordinary", optimizer="sgdm", gradient_accumulation=3)
    for name, tensor in inside.state_dict().items():
        torch.testing.assert_close(tensor, ordinary.state_dict()[name], atol=1e-6, rtol=1e-4)
    start = toy(0.0, ("nsp",))
    assert not torch.equal(start.model.nsp.weight, inside.model.nsp.weight)  # type: ignore[union-attr]


class Alike(PretrainingData):
    """Batches of three pairs."""

    def __init__(self, data: PretrainingData) -> None:
        self.__dict__.update(data.__dict__)
        block = data.block(0)
        pairs = (block.plan.relation >= 0).nonzero()[0]
        batches = [pairs[start : start + 3] for start in range(0, len(pairs) - 2, 3)]
        self.block = lambda _: block._replace(batches=batches)  # type: ignore[assignment]


def test_micro_batches_are_the_same_however_many_processes_share_them(
    corpus: TokenCorpus,
) -> None:
    settings = replace(SETTINGS, gradient_accumulation=4)
    module, data = toy(), rows(corpus)
    taken = list(islice(data.batches(0, 3), 8))
    for count in (1, 2, 4):
        found = {}
        for rank in range(count):
            mine = Processes(rank=rank, count=count, device=torch.device("cpu"))
            training = pretraining(module, data, None, settings, processes=mine)
            batches = training.batches((0, 3))
            first = next(batches)
            [call] = first.calls
            assert len(call) == 4 // count
            assert first.next == (taken[3][0], taken[3][1] + 1)
            assert first.size == sum(data.lengths(*place).sum() for place in taken[:4])
            assert next(batches).next == (taken[7][0], taken[7][1] + 1)
            found.update({micro.number: micro for micro in call})
        assert sorted(found) == [0, 1, 2, 3]
        for number, place in enumerate(taken[:4]):
            batch = data.batch(*place)
            assert torch.equal(found[number].batch.ids, batch.ids)
            counts = {name: len(labels.targets) for name, labels in batch.labels.items()}
            assert found[number].counts == counts


def test_the_loss_falls(corpus: TokenCorpus, tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=60, batch_tokens=512, lr=0.03)
    module, data = toy(0.0, ("lm",)), rows(corpus, settings, names=("lm",))
    train(tmp_path, corpus, settings, module=module, data=data)
    found = [line["loss"] for line in metrics(tmp_path)]
    assert sum(found[-5:]) / 5 < found[0] - 1.0


def test_recomputing_changes_not_a_bit(corpus: TokenCorpus, tmp_path: Path) -> None:
    plain, _ = train(tmp_path / "plain", corpus)
    for every in (1, 2):
        module = toy()
        enable_gradient_checkpointing(module.model.encoder, every=every)
        train(tmp_path / str(every), corpus, module=module)
        assert_same_weights(module, plain)
        assert metrics(tmp_path / str(every)) == metrics(tmp_path / "plain")


def test_bfloat16_is_close(corpus: TokenCorpus, tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=6)
    train(tmp_path / "exact", corpus, settings)
    train(tmp_path / "rough", corpus, replace(settings, precision="bfloat16"))
    exact, rough = metrics(tmp_path / "exact"), metrics(tmp_path / "rough")
    assert exact != rough
    losses = [[line["loss"] for line in lines] for lines in (exact, rough)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("schedule", ["stable", "cosine"])
def test_the_final_weights_are_the_mean_of_the_last(
    schedule: str, corpus: TokenCorpus, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, schedule=schedule, average=0.3)
    module = toy()
    watch = Watch(module)
    train(tmp_path, corpus, settings, module=module, bar=watch)
    assert len(watch.weights) == 12
    for name, tensor in module.state_dict().items():
        last = torch.stack([weights[name] for weights in watch.weights[-4:]])
        torch.testing.assert_close(tensor, last.mean(0), rtol=1e-5, atol=1e-6)
    plain, _ = train(tmp_path / "plain", corpus, replace(settings, average=0.0))
    assert all(torch.equal(v, watch.weights[-1][k]) for k, v in plain.state_dict().items())


# What is told.


def test_metrics(corpus: TokenCorpus, tmp_path: Path) -> None:
    settings = replace(SETTINGS, log_steps=2)
    seen: list[int] = []

    def measure(module: Pretraining) -> dict[str, float]:
        module.eval()  # as evaluating does
        seen.append(len(seen))
        return {"mlm_loss": 1.5}

    module, progress = train(tmp_path, corpus, settings, measure=measure)
    assert not module.training
    lines = metrics(tmp_path)
    steps = [line for line in lines if line["event"] == "step"]
    assert [line["step"] for line in steps] == list(range(2, 13, 2))
    data = rows(corpus)
    tokens = [
        int(data.block(block).plan.lengths[data.block(block).batches[batch]].sum())
        for block, batch in islice(data.batches(0, 0), 12)
    ]
    for line in steps:
        assert line["tokens"] == sum(tokens[: line["step"]])
        assert line["loss"] == pytest.approx(line["mlm_loss"] + line["nsp_loss"])
        assert line["learning_rate"] == pytest.approx(0.01 * stable(line["step"] - 1, settings))
        assert math.isfinite(line["gradient_norm"])
    assert progress.seen == sum(tokens)
    held_out = [line for line in lines if line["event"] == "heldout"]
    assert all(math.isfinite(line.pop("train_loss")) for line in held_out)
    assert held_out == [
        {"event": "heldout", "step": step, "tokens": sum(tokens[:step]), "mlm_loss": 1.5}
        for step in (5, 10)
    ]


@pytest.mark.parametrize(
    ("steps", "decay", "start"),
    [(12, 0.4, 7), (10, 0.25, 7), (10, 1.0, 0), (7, 0.5, 3), (1, 0.25, 0), (30, 0.1, 27)],
)
def test_where_the_rate_begins_to_fall(steps: int, decay: float, start: int) -> None:
    """Up to there, the course does not depend on the number of updates."""
    settings = replace(SETTINGS, steps=steps, decay=decay, warmup=0)
    assert settings.decay_start(steps) == start
    rates = [factor("stable", step, steps, 0, decay) for step in range(steps)]
    assert all(rate == 1.0 for rate in rates[:start])


def test_the_state_before_the_rate_falls_is_kept(corpus: TokenCorpus, tmp_path: Path) -> None:
    train(tmp_path, corpus)
    assert newest_step(tmp_path / "stable") == SETTINGS.decay_start(SETTINGS.steps) == 7
    assert newest_step(tmp_path / "checkpoint") == 12
    train(tmp_path / "cosine", corpus, replace(SETTINGS, schedule="cosine"))
    assert not (tmp_path / "cosine" / "stable").exists()


def test_a_training_that_explodes_says_so_and_its_checkpoint_is_sound(
    corpus: TokenCorpus, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, lr=1e30, warmup=0, checkpoint_steps=1)
    settings = replace(settings, clip=0.0, weight_decay=0.0)
    message = (
        r"training diverged: the loss is .* at step \d+; the last checkpoint is intact. Start again"
    )
    with pytest.raises(RunError, match=message):
        train(tmp_path, corpus, settings)


def test_a_gradient_that_is_no_number_stops_it_before_it_is_saved(
    corpus: TokenCorpus, tmp_path: Path
) -> None:
    """The loss of that update is still sound; the weights after it would not be."""
    module = toy()
    calls = 0

    def spoil(gradient: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return gradient * math.nan if calls == 6 else gradient

    module.model.encoder.embeddings.token.weight.register_hook(spoil)
    with pytest.raises(RunError, match="its gradient's norm nan at step 6"):
        train(tmp_path, corpus, replace(SETTINGS, checkpoint_steps=1), module=module)
    assert newest_step(tmp_path / "checkpoint") == 5
    kept = state.read_part(tmp_path / "checkpoint", "model")
    assert all(tensor.isfinite().all() for tensor in kept.values())
