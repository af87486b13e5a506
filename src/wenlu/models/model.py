"""A Transformer with the heads that its checkpoint brought.

Axes: b batch, s position, m model width, v vocabulary.
"""

from collections.abc import Collection

from jaxtyping import Float
from torch import Tensor, nn

from wenlu.errors import CheckpointError
from wenlu.nn import Transformer, TransformerConfig, initialise
from wenlu.nn.heads import MaskedLanguageHead, Pooler

HEADS = ("pooler", "mlm", "nsp")


class Model(nn.Module):
    """An encoder (or, if its configuration is causal, a decoder) and its heads.

    Args:
        config: the encoder's shape.
        heads: which of "pooler", "mlm" and "nsp" there are. Using one that is missing is an
            error: a head with random weights would look like one that works.
    """

    def __init__(self, config: TransformerConfig, heads: Collection[str] = ()) -> None:
        super().__init__()
        self.config = config
        self.encoder = Transformer(config)
        self.pooler = Pooler(config.width) if "pooler" in heads else None
        self.mlm = MaskedLanguageHead(config) if "mlm" in heads else None
        self.nsp = nn.Linear(config.width, 2) if "nsp" in heads else None
        for head in (self.pooler, self.mlm, self.nsp):
            if head is not None:
                head.apply(lambda part: initialise(part, config.initial_std))

    @property
    def heads(self) -> set[str]:
        """The heads that are there."""
        return {name for name in HEADS if getattr(self, name) is not None}

    def token_logits(self, states: Float[Tensor, "*b m"]) -> Float[Tensor, "*b v"]:
        """Logits over the vocabulary: by the MLM head, or in a causal model by the embeddings."""
        tokens = self.encoder.embeddings.token.weight
        if self.config.causal:
            return states @ tokens.T
        return self._head(self.mlm, "mlm")(states, tokens)

    def pooled(
        self, states: Float[Tensor, "b s m"], *, linear: bool = False
    ) -> Float[Tensor, "b m"]:
        """The pooler's vector of each text; `linear=True` leaves out the tanh."""
        return self._head(self.pooler, "pooler")(states[:, 0], linear=linear)

    def next_sentence_logits(self, states: Float[Tensor, "b s m"]) -> Float[Tensor, "b 2"]:
        """Logits of "is next" and "is random"."""
        return self._head(self.nsp, "nsp")(self.pooled(states))

    def _head(self, head: nn.Module | None, name: str) -> nn.Module:
        if head is None:
            have = ", ".join(sorted(self.heads)) or "none"
            raise CheckpointError(
                f"this model has no {name!r} head (it has: {have}); load a checkpoint that was "
                "saved with it"
            )
        return head
