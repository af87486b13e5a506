from collections.abc import Iterator

import torch
from torch import Tensor, nn

from wenlu.nn import Encoder, Mask, Padding, Transformer, TransformerConfig, real_tokens

SHAPE = TransformerConfig(vocabulary=13, width=8, layers=2, heads=2, inner_width=16)
REAL = real_tokens(torch.tensor([5, 3]), 5)


class Mean(nn.Module):
    """An encoder that stands on two others, as an ensemble does."""

    def __init__(self, first: Encoder, second: Encoder) -> None:
        super().__init__()
        self.first, self.second, self.width = first, second, first.width

    def forward(
        self,
        ids: Tensor,
        segments: Tensor | None = None,
        mask: Mask | None = None,
        *,
        rows: int | None = None,
    ) -> Tensor:
        both = (one(ids, segments, mask, rows=rows) for one in (self.first, self.second))
        return sum(both) / 2

    def states(
        self, ids: Tensor, segments: Tensor | None = None, mask: Mask | None = None
    ) -> Iterator[Tensor]:
        every = (one.states(ids, segments, mask) for one in (self.first, self.second))
        pairs = zip(*every, strict=True)
        return (sum(pair) / 2 for pair in pairs)


def first_states(encoder: Encoder, ids: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What a head asks of any encoder."""
    first = encoder(ids, None, Padding(REAL), rows=1)
    assert first.shape == (2, 1, encoder.width)
    return first, list(encoder.states(ids, None, Padding(REAL)))


def test_a_head_need_not_know_what_encodes() -> None:
    one, other = Transformer(SHAPE).eval(), Transformer(SHAPE).eval()
    ids = torch.randint(13, (2, 5))
    first, states = first_states(one, ids)
    torch.testing.assert_close(states[-1][:, :1], first)
    assert len(states) == 3
    same, mean = first_states(Mean(one, one).eval(), ids)
    torch.testing.assert_close(same, first)
    torch.testing.assert_close(mean, states)
    assert not torch.allclose(first_states(Mean(one, other).eval(), ids)[0], first)
