"""Scores of all spans at once, a matrix a type ("GlobalPointer", "Efficient GlobalPointer").

Both heads give every span i..j, both ends included, a score for every type; a span is taken where
its score is above 0. Which spans there are is told by -inf: a span that ends before it starts, or
has an end on a place that is not real, scores -inf and has no gradient. The losses for spans
(`wenlu.losses.multilabel`, a softmax over all cells) take -inf as it is; whatever multiplies scores
must leave those cells out.

Projections begin as `initialise_by_inputs` says, as in the source's library.

Axes: b batch, s position, t type, d head width, m model width, p pair of components.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wenlu.nn.initialisation import initialise_by_inputs
from wenlu.nn.rotary import RotaryPosition
from wenlu.nn.shapes import RealTokens, States

SpanScores = Float[Tensor, "b t s s"]


class GlobalPointer(nn.Module):
    """A query and a key of its own for every type, turned by their positions.

    Score of i..j as type t: (R_i q_ti) · (R_j k_tj) / sqrt(d). Without positions (R = 1) the head
    cannot tell a short span from a long one, and fails. 2·m·t·d parameters.

    Args:
        width: model width m.
        types: number of types t.
        size: width d of queries and keys; even.
        bias: whether the projections have biases.
    """

    def __init__(self, width: int, types: int, *, size: int = 64, bias: bool = False) -> None:
        super().__init__()
        self.types, self.size = types, size
        self.projection = nn.Linear(width, 2 * types * size, bias=bias)
        self.rotary = RotaryPosition(size)
        initialise_by_inputs(self.projection)

    def forward(self, states: States, real: RealTokens | None = None) -> SpanScores:
        """Scores of all spans.

        Args:
            states: of the encoder.
            real: places that a span may start or end on; None if all are.
        """
        projected = self.projection(states).unflatten(-1, (2 * self.types, self.size))
        scores = _products(projected.transpose(1, 2), self.rotary)  # (b t s s)
        return scores.masked_fill_(~_spans(real, states), -torch.inf)


class EfficientGlobalPointer(nn.Module):
    """One query and one key for all types say what is a span; ends say of which type it is.

    Score of i..j as type t: (R_i q_i) · (R_j k_j) / sqrt(d) + (u_t · [q_i; k_i] + v_t · [q_j; k_j])
    / 2, with one vector for u and one for v a type. 2·m·d + 4·d·t parameters, so that a further
    type costs 4·d and not 2·m·d.

    Args:
        width: model width m.
        types: number of types t.
        size: width d of query and key; even.
        bias: whether the projections have biases.
    """

    def __init__(self, width: int, types: int, *, size: int = 64, bias: bool = False) -> None:
        super().__init__()
        self.types, self.size = types, size
        self.projection = nn.Linear(width, 2 * size, bias=bias)
        self.ends = nn.Linear(2 * size, 2 * types, bias=bias)
        self.rotary = RotaryPosition(size)
        initialise_by_inputs(self.projection)
        initialise_by_inputs(self.ends)

    def forward(self, states: States, real: RealTokens | None = None) -> SpanScores:
        """Scores of all spans; see `GlobalPointer.forward`."""
        both = self.projection(states)  # (b s 2d)
        spans = _products(both.unflatten(-1, (2, self.size)).transpose(1, 2), self.rotary)
        # One matrix is masked for all types: what is added to -inf leaves it -inf.
        spans.masked_fill_(~_spans(real, states), -torch.inf)  # (b 1 s s)
        ends = (self.ends(both) / 2).to(spans.dtype).transpose(1, 2)  # (b 2t s)
        first, last = ends[:, : self.types, :, None], ends[:, self.types :, None, :]
        return (spans + first).add_(last)


class WithPrior(nn.Module):
    """A head whose scores get a summand for each type, which is learned too.

    A span is taken above 0, and nearly none is of a type. Scores that begin at 0 must all fall
    before anything else is learned; these begin below.

    Args:
        head: gives scores of all spans.
        types: number of types t.
        start: what the summands begin with.
    """

    def __init__(self, head: nn.Module, types: int, *, start: float) -> None:
        super().__init__()
        self.head, self.prior = head, nn.Parameter(torch.full((types,), start))

    def forward(self, states: States, real: RealTokens | None = None) -> SpanScores:
        """Scores of all spans; see `GlobalPointer.forward`."""
        scores: Tensor = self.head(states, real)
        return scores.add_(self.prior[:, None, None])


def _products(
    vectors: Float[Tensor, "b h s d"], rotary: RotaryPosition
) -> Float[Tensor, "b t s s"]:
    """Of queries, the first half h of the vectors, and keys, the other, turned by their positions.

    Pairs of components are complex numbers here: one product turns them, and divides them by the
    fourth root of d on the way, which is a third of the passes over memory that `rotate` takes. In
    float32 also under autocast: in bfloat16, scores around 20 are 0.1 apart.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
        exact = torch.float32 if vectors.device.type == "mps" else torch.float64
        positions = torch.arange(vectors.shape[2], device=vectors.device, dtype=exact)
        angles = positions[:, None] * rotary.frequencies.to(exact)  # (s p)
        turn = torch.polar(torch.full_like(angles, vectors.shape[3] ** -0.25), angles)
        pairs = torch.view_as_complex(vectors.unflatten(-1, (-1, 2)))  # (b h s p)
        turned = torch.view_as_real(pairs * turn.to(pairs.dtype)).flatten(-2)
        query, key = turned.chunk(2, 1)
        return query @ key.transpose(2, 3)


def _spans(real: RealTokens | None, states: States) -> Bool[Tensor, "#b 1 s s"]:
    """Where i..j is a span: i is not after j, and both are real."""
    length = states.shape[1]
    ordered = torch.ones(length, length, dtype=torch.bool, device=states.device).triu()[None, None]
    if real is None:
        return ordered
    return ordered & real[:, None, :, None] & real[:, None, None, :]
