"""Build a Transformer whose attention knows places in a way of its own.

    python examples/swap_a_part.py

A part of a model is a small frozen dataclass that holds its settings and builds a module. So a new
idea is one such part and its module, and nothing in the package has to change. The example turns
only a part of each head by the rotary angles, as GPT-J does, and shows what three models make of
狗咬人 ("dog bites man") and 人咬狗 before any training.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

import wenlu
from wenlu.models.roformer import roformer
from wenlu.nn import (
    AttentionShape,
    Mask,
    NoPosition,
    Pass,
    Places,
    Position,
    PositionPart,
    Rotary,
    RotaryPosition,
    Transformer,
    rotate,
)

parser = argparse.ArgumentParser(description="Build a Transformer with another position.")
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--heads", type=int, default=4)
arguments = parser.parse_args()


@dataclass(frozen=True)
class PartialRotary(PositionPart):
    """The part: what a configuration holds."""

    share: float = 0.5
    """How much of each head is turned."""

    def build(self, shape: AttentionShape) -> Position:
        return PartialRotaryPosition(int(self.share * shape.key_size))


class PartialRotaryPosition(Position):
    """Turn the first `turned` components of queries and keys; the others know no places."""

    frequencies: Tensor

    def __init__(self, turned: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", RotaryPosition(turned).frequencies)

    def keys(self, key: Tensor, positions: Tensor) -> dict[str, Tensor]:
        """What a cache keeps of new keys (b h k d)."""
        return {"key": self.turn(key, positions)}

    def passes(
        self, query: Tensor, keys: Mapping[str, Tensor], mask: Mask | None, places: Places
    ) -> list[Pass]:
        """One attention over all keys, with queries (b h q d) turned."""
        return [Pass(self.turn(query, places.query), keys["key"], mask, places)]

    def turn(self, x: Tensor, positions: Tensor) -> Tensor:
        """The first components turned, the rest as they are."""
        turned = 2 * len(self.frequencies)
        first = rotate(x[..., :turned], positions, self.frequencies)
        return torch.cat([first, x[..., turned:]], -1)


_, tokenizer = wenlu.load("scratch-2x128")
config = roformer(
    vocabulary=len(tokenizer),
    width=arguments.width,
    layers=arguments.layers,
    heads=arguments.heads,
)


def states(encoder: Transformer, text: str, start: int = 0) -> Tensor:
    """States of a text whose first token stands at position `start`."""
    ids = tokenizer.join(tokenizer.encode(text).ids, None, max_length=32).ids
    positions = torch.arange(start, start + len(ids))[None]
    with torch.inference_mode():
        return encoder(torch.tensor([ids]), positions=positions)


positions = {
    "no position": NoPosition(),
    "rotary": Rotary(),
    "half rotary": PartialRotary(0.5),
}
print(f"{'position':12}{'狗咬人 - 人咬狗':>16}{'moved by 100':>16}")
for name, position in positions.items():
    torch.manual_seed(1)  # the same weights each time
    encoder = Transformer(replace(config, position=position)).eval()
    here = states(encoder, "狗咬人")
    swapped = (here - states(encoder, "人咬狗"))[:, 0].abs().max()
    moved = (here - states(encoder, "狗咬人", start=100)).abs().max()
    print(f"{name:12}{swapped:22.1e}{moved:16.1e}")
print("The first column is 0 where order goes unseen; the second, where only distances count.")
