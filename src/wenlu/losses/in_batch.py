"""Find the similar sentence among all others of the batch.

Source: "SimBERT". Axes: n vectors, d width.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from wenlu.errors import ConfigError


def in_batch_loss(vectors: Float[Tensor, "n d"], *, scale: float = 20.0) -> Float[Tensor, ""]:
    """Softmax loss of vectors of which two neighbours each, 0 and 1, 2 and 3, ..., are similar.

    With v the vectors at length 1 and S = scale · v · vᵀ, and S[i, i] = -inf:
    mean over i of -log softmax(S[i])[i xor 1].

    All other vectors of the batch are wrong answers, so two pairs of it should not have a sentence
    in common; and gradients that are accumulated over several batches are those of small batches,
    not of one large one.

    Args:
        vectors: of sentences; an even number of them.
        scale: how sharply differences of the cosine count. The post takes 30, the scripts of
            RoFormer-Sim 20.
    """
    if len(vectors) % 2:
        raise ConfigError(f"the vectors must come in pairs; got {len(vectors)} of them")
    partners = torch.arange(len(vectors), device=vectors.device) ^ 1
    return F.cross_entropy(similarities(vectors, scale), partners)


def similarities(vectors: Float[Tensor, "n d"], scale: float) -> Float[Tensor, "n n"]:
    """Cosine of each vector with each, times `scale`; -inf with itself.

    At least in float32, also under autocast: in bfloat16, cosines near 1 are 0.004 apart.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
        unit = F.normalize(vectors, dim=-1)
        found = scale * unit @ unit.T
    same = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    return found.masked_fill(same, -torch.inf)
