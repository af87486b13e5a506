"""Terms over a whole batch are the same, however the batch is cut and whoever has its parts."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.training import Processes, TrainingSettings, fit
from wenlu.training.fine_tuning import fine_tuning
from wenlu.training.progress_bar import ProgressBar
from wenlu.training.training import BatchTerm

from .toy import ALONE, SETTINGS, ToyBatch, ToyData, assert_same_weights, metrics

CUT = replace(SETTINGS, epochs=2, gradient_accumulation=4, cached_gradients=True)


class Cosines(nn.Module):
    """A vector of each row beside its class."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.encoder, self.dropout = nn.Embedding(20, 12), nn.Dropout(dropout)
        self.out = nn.Linear(12, 6)

    def forward(self, batch: ToyBatch) -> Tensor:
        vectors = self.out(self.dropout(self.encoder(batch.ids).mean(1)).tanh())
        return torch.cat([vectors, batch.targets[:, None].to(vectors.dtype)], 1)


def contrast(rows: Tensor) -> tuple[Tensor, int]:
    """Rows of one class are to be nearer to each other than to all others."""
    unit = F.normalize(rows[:, :-1], dim=1)
    same = rows[:, -1, None] == rows[None, :, -1]
    scores = (10 * unit @ unit.T).masked_fill(torch.eye(len(rows), dtype=torch.bool), -torch.inf)
    return -(scores.log_softmax(1).masked_fill(~same, 0.0).nan_to_num(neginf=0.0)).sum(), len(rows)


TERMS = {"contrast": BatchTerm(vectors=lambda outputs: outputs, loss=contrast)}


def evaluate(module: nn.Module) -> dict[str, float]:
    with torch.inference_mode():
        loss, count = contrast(module(ToyData().batch(np.arange(50))))
    return {"accuracy": -float(loss) / count}


def train(
    folder: Path,
    settings: TrainingSettings,
    *,
    processes: Processes = ALONE,
    dropout: float = 0.0,
    terms: Mapping[str, BatchTerm] = TERMS,
) -> nn.Module:
    torch.manual_seed(1)
    module = Cosines(dropout).double()
    folder.mkdir(exist_ok=True)
    training = fine_tuning(
        module,
        ToyData(),
        evaluate,
        settings,
        learning_rate=0.01,
        seed=5,
        score="accuracy",
        processes=processes,
        batch_terms=terms,
    )
    bar = ProgressBar(enabled=False)
    fit(training, folder=folder, fingerprint="same", processes=processes, bar=bar)
    return module


def assert_close(one: nn.Module, other: Mapping[str, Tensor], tolerance: float = 1e-8) -> None:
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, other[name], atol=tolerance, rtol=0)


@pytest.mark.parametrize("micro_batches", [2, 3, 16])
def test_cached_gradients_are_those_of_the_whole_batch(micro_batches: int, tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", replace(CUT, gradient_accumulation=1))
    settings = replace(CUT, gradient_accumulation=micro_batches)
    assert_close(train(tmp_path / "cut", settings), whole.state_dict())
    for one, other in zip(metrics(tmp_path / "whole"), metrics(tmp_path / "cut"), strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert "contrast_loss" in metrics(tmp_path / "cut")[0]


def test_both_forward_passes_drop_the_same(tmp_path: Path) -> None:
    """With one micro-batch there is nothing to cache, and its dropout is that of the plain step."""
    whole = train(tmp_path / "a", replace(CUT, gradient_accumulation=1), dropout=0.3)
    again = train(tmp_path / "b", replace(CUT, gradient_accumulation=1), dropout=0.3)
    assert_same_weights(whole, again)
    cut = train(tmp_path / "c", CUT, dropout=0.3)
    assert_same_weights(cut, train(tmp_path / "d", CUT, dropout=0.3))
    assert -evaluate(cut)["accuracy"] < -evaluate(Cosines(0.0).double())["accuracy"]


def test_without_them_a_batch_is_not_cut(tmp_path: Path) -> None:
    settings = replace(CUT, cached_gradients=False)
    message = (
        "contrast compares a whole batch, so it cannot be cut into micro-batches; add --cached"
    )
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, settings)
    inside = replace(settings, optimizer="accumulating-adam")
    with pytest.raises(ConfigError, match="accumulating-adam takes its micro-batches one by one"):
        train(tmp_path, inside)


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_two_processes_compare_all_rows(
    micro_batches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(CUT, gradient_accumulation=micro_batches)
    whole = train(tmp_path / "whole", replace(CUT, gradient_accumulation=1))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.start_processes(_one_of_two, (port, tmp_path, settings), nprocs=2, start_method="fork")
    assert_close(whole, torch.load(tmp_path / "weights.pt", weights_only=True), 1e-6)


def _one_of_two(rank: int, port: int, folder: Path, settings: TrainingSettings) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    processes = Processes(rank=rank, count=2, device=torch.device("cpu"))
    module = train(folder / "two", settings, processes=processes)
    if rank == 0:
        torch.save(module.state_dict(), folder / "weights.pt")
    dist.destroy_process_group()
