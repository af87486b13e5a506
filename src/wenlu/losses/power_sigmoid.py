"""Binary cross-entropy of σ(x)^k: many labels of which next to none is right.

A power of the sigmoid is near 0 where a new layer says nothing (x = 0: 1/4 for k = 2, 1/16 for
k = 4), so that training need not first learn that most tokens are no answer. For a label y

    loss = -y · k · log σ(x) - (1 - y) · log(1 - σ(x)^k)

where 1 - σ^k = (1 - σ)(1 + σ + ... + σ^(k-1)) keeps the second logarithm exact for every x. With
k = 1 it is the ordinary binary cross-entropy; an initial bias below 0 is another way to the same.

Source: "Lightweight information extraction model (half-pointer, half-tagging)".
"""

import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from wenlu.errors import ConfigError


def power_sigmoid(logits: Float[Tensor, "*s"], power: int) -> Float[Tensor, "*s"]:
    """The probability σ(x)^k of each logit."""
    return logits.sigmoid() ** power


def power_sigmoid_loss(
    logits: Float[Tensor, "*s"], labels: Float[Tensor, "*s"], power: int
) -> Float[Tensor, "*s"]:
    """The binary cross-entropy of σ(x)^k, of each logit on its own.

    Args:
        logits: x.
        labels: 1 where the answer is yes, 0 where it is no.
        power: k, at least 1.
    """
    if power < 1:
        raise ConfigError(f"the power of a sigmoid must be at least 1; got {power}")
    probability = logits.sigmoid()
    rest = sum((probability**i for i in range(1, power)), probability.new_ones(()))
    yes = power * F.logsigmoid(logits)
    no = F.logsigmoid(-logits) + rest.log()
    return -(labels * yes + (1 - labels) * no)
