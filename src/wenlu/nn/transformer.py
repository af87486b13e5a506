"""One Transformer for every model family.

Axes: b batch, s position, k position that is kept or new, r rows that are wanted, m model width.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.block import Block
from wenlu.nn.cache import Cache
from wenlu.nn.config import TransformerConfig
from wenlu.nn.embeddings import Embeddings
from wenlu.nn.initialisation import initialise
from wenlu.nn.masks import Causal, Mask
from wenlu.nn.places import Places


class Transformer(nn.Module):
    """Embeddings and a stack of blocks.

    Under `torch.device("meta")` it is made at once, without memory for weights.

    Args:
        config: the shape and the parts.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        narrow = config.embedding_width
        self.embeddings = Embeddings(
            config.vocabulary,
            narrow or config.width,
            positions=config.position.vectors(config.max_length),
            segments=config.segments,
            norm=config.norm if config.embedding_norm else None,
            dropout=config.dropout,
            output_width=None if narrow is None else config.width,
        )
        plan = config.plan()
        self.blocks = nn.ModuleList(config.block.build(plan) for _ in range(config.own_blocks))
        self.final_norm = config.norm.build(config.width) if config.final_norm else None
        if not self.embeddings.token.weight.is_meta:
            self.apply(self._initialise)

    @property
    def width(self) -> int:
        """Width m of the states."""
        return self.config.width

    def forward(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
        *,
        positions: Int[Tensor, "#b k"] | None = None,
        cache: Cache | None = None,
        rows: int | None = None,
    ) -> Float[Tensor, "b r m"]:
        """The states after the last block.

        Args:
            ids: token ids.
            segments: segment of each token; all 0 by default.
            mask: who may look at whom, beside what the model itself forbids (`causal`).
            positions: of all keys, those in `cache` first; 0, 1, 2, ... by default.
            cache: what earlier calls of this decoding kept; is extended.
            rows: work out only the first so many positions in the last block, which is all that a
                classifier on the first token needs; exact, and saves most of that block.
        """
        states = self.states(ids, segments, mask, positions=positions, cache=cache, rows=rows)
        last = next(states)
        for state in states:
            last = state  # and let the one before go
        return last if self.final_norm is None else self.final_norm(last)

    def residual(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
    ) -> Float[Tensor, "b s m"]:
        """The residual sum that enters `last_norm`: `last_norm` of it is what `forward` returns.

        For heads that put another norm, such as a conditional one, in the place of the last.
        """
        last_block = _residual if self.final_norm is None else nn.Module.__call__
        states = self.states(ids, segments, mask, last_block=last_block)
        last = next(states)
        for state in states:
            last = state
        return last

    @property
    def last_norm(self) -> nn.LayerNorm:
        """The norm that all states pass last: the final one, or else that of the last block."""
        norm = self.final_norm
        if norm is None:
            norm = cast(Block, self.blocks[-1]).last_norm
        if norm is None:
            raise ConfigError(
                "this model norms before each half of a block and not after the last one, so it "
                "has no last norm; use one with final_norm=True or block=PostNorm()"
            )
        return cast(nn.LayerNorm, norm)

    def states(
        self,
        ids: Int[Tensor, "b s"],
        segments: Int[Tensor, "b s"] | None = None,
        mask: Mask | None = None,
        *,
        positions: Int[Tensor, "#b k"] | None = None,
        cache: Cache | None = None,
        rows: int | None = None,
        last_block: Callable[..., Tensor] = nn.Module.__call__,
    ) -> Iterator[Float[Tensor, "b ?r m"]]:
        """The embedded input, then the output of each block, before any final norm.

        Of the last block, what `last_block` makes of it and its arguments: its output by default.
        """
        new, kept = ids.shape[1], 0 if cache is None else len(cache)
        if positions is None:
            key = torch.arange(kept + new, device=ids.device)[None]
        elif positions.shape[1] == kept + new:
            key = positions
        else:
            raise ConfigError(
                f"{positions.shape[1]} positions for {kept} kept and {new} new tokens; "
                "give one for each of both"
            )
        self._check_positions(kept + new, positions)
        places = Places(query=key[:, kept:], key=key, first=kept, counted=positions is None)
        if self.config.causal:
            mask = Causal() & mask if mask is not None else Causal()
        x = self.embeddings(ids, segments, places.query)
        yield x
        for index in range(self.config.layers):
            block = self.blocks[0 if self.config.share_layers else index]
            last = index == self.config.layers - 1
            if rows is not None and last:
                places = places._replace(query=places.query[:, :rows])
            layer_cache = None if cache is None else cache.layers[index]
            run = last_block if last else nn.Module.__call__
            x = run(block, x, mask, places, layer_cache, rows if last else None)
            yield x

    def _check_positions(self, count: int, positions: Tensor | None) -> None:
        learned = self.embeddings.position
        if learned is None:
            return
        if positions is not None:
            if positions.device.type != "cpu":
                return  # looking would stop the device; the embedding itself refuses them there
            count = int(positions.max()) + 1 if positions.numel() else 0
        if count > learned.num_embeddings:
            raise ConfigError(
                f"{count} positions, but the model has learned {learned.num_embeddings}; "
                "cut the text or use a model with rotary positions"
            )

    def new_cache(self, capacity: int = 0) -> Cache:
        """An empty cache for one decoding; `capacity` tokens of memory are taken at once."""
        return Cache(self.config.layers, capacity)

    def _initialise(self, module: nn.Module) -> None:
        initialise(module, self.config.initial_std)


def _residual(block: Block, *given: Any) -> Tensor:  # noqa: ANN401
    return block.residual(*given)
