"""One linear layer, kept where Hugging Face has two with an activation between them.

Our classifier may be a single layer on the first token's state, but there
`classifier(activation(dense(state)))` is the only form. Near 0 an activation is a straight line,
so dense = e·I and a classifier divided by e (and by the activation's slope) computes the same.
With e a power of two nothing is rounded, so our own reader undoes it bit by bit.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from wenlu.nn import TransformerConfig

ROUNDING = 2.0**-24
"""Half the distance between neighbours in float32, relative: an error below it is invisible."""

CURVES = {
    "tanh": (1.0, lambda e: e * e / 3),
    "gelu": (0.5, lambda e: e * math.sqrt(2 / math.pi)),
    "gelu_tanh": (0.5, lambda e: e * math.sqrt(2 / math.pi)),
    "silu": (0.5, lambda e: e / 2),
}
"""For each activation its slope at 0 and a bound on its relative distance from that line up to e.

tanh x = x - x³/3 + ...; gelu x = x/2 + x²/√(2π) + ...; silu x = x/2 + x²/4 + ...
"""


def activation_name(config: TransformerConfig) -> str:
    """What `CURVES` calls the activation of a model, if it knows it."""
    return str(config.to_dict()["activation"])


def straighten(
    classifier: Tensor, activation: str, norm: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor] | None:
    """The weights (dense, classifier) that stand in for one linear layer; None if none can.

    A state that leaves a norm is at most √m·|weight| + |bias| in each component, so the distance
    from the straight line is below float32's rounding for every input.

    Args:
        classifier: the weight of the one layer, (labels, width).
        activation: what stands between the two layers, by our name.
        norm: `weight` and `bias` of the norm that the states come from.
    """
    if activation not in CURVES:
        return None
    slope, distance = CURVES[activation]
    width = classifier.shape[1]
    largest = float((math.sqrt(width) * norm["weight"].abs() + norm["bias"].abs()).max())
    if not math.isfinite(largest):
        return None
    exponent = -8
    while distance(2.0**exponent * largest) > ROUNDING:
        exponent -= 1
    scaled = classifier / (slope * 2.0**exponent)
    if not torch.equal(scaled * (slope * 2.0**exponent), classifier):
        return None  # beyond what float32 holds, or not a number
    return torch.eye(width) * 2.0**exponent, scaled


def bend_back(
    dense: Tensor, dense_bias: Tensor, classifier: Tensor, activation: str
) -> Tensor | None:
    """The one layer that `straighten` was given; None if these weights are not its work."""
    if activation not in CURVES or dense.dim() != 2 or dense.shape[0] != dense.shape[1]:
        return None
    scale = float(dense[0, 0])
    straight = 0 < scale <= 2.0**-8 and math.frexp(scale)[0] == 0.5
    if not straight or dense_bias.any() or not torch.equal(dense, torch.eye(len(dense)) * scale):
        return None
    return classifier * (CURVES[activation][0] * scale)
