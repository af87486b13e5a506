import numpy as np
import pytest
import torch
from torch import nn

from wenlu.training import gather_rows, run

from .toy import ToyBatch, ToyData, ToyOutputs, toy


def test_every_row_comes_back_in_its_place() -> None:
    module, data, done = toy(), ToyData(), 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows

    module.train()
    found = [
        (rows, outputs.losses)
        for rows, outputs in run(
            module, data, batch_tokens=30, batch_rows=4, precision="float32", advance=advance
        )
    ]
    assert not module.training
    assert done == len(data.lengths)
    assert max(len(rows) for rows, _ in found) == 4
    with torch.inference_mode():
        expected = module(data.batch(np.arange(len(data.lengths)))).losses
    torch.testing.assert_close(gather_rows(found), expected)
    assert not any(losses.requires_grad for _, losses in found)


class Spy(nn.Linear):
    seen: torch.dtype | None = None

    def forward(self, batch: ToyBatch) -> ToyOutputs:  # type: ignore[override]
        x = super().forward(batch.ids.float())
        self.seen = x.dtype
        return ToyOutputs(x[:, 0])


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_precision(precision: str, dtype: torch.dtype) -> None:
    module = Spy(8, 2)
    for _ in run(module, ToyData(), precision=precision):
        pass
    assert module.seen == dtype
