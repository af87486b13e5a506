"""Our own names, and the shape that each tensor must have under a configuration."""

from collections.abc import Mapping
from typing import Any

from wenlu.checkpoints.fields import frequency_names, own_blocks, query_size, value_size

Shape = tuple[int, ...]

PARTS = ("encoder", "pooler", "mlm", "nsp", "classifier")
"""The parts that have a place in other libraries' layouts; all but the encoder are heads."""


def parameters(config: Mapping[str, Any], labels: int = 2) -> dict[str, Shape]:
    """The shape of each of our tensors, by name.

    Args:
        config: a complete configuration.
        labels: number of rows of the classifier.
    """
    width, inner, vocabulary = config["width"], config["inner_width"], config["vocabulary"]
    narrow = config["embedding_width"] or width
    keys = config["heads"] * query_size(config)
    values = config["heads"] * value_size(config)
    shapes: dict[str, Shape] = {"encoder.embeddings.token.weight": (vocabulary, narrow)}
    if config["position"] == "learned":
        shapes["encoder.embeddings.position.weight"] = (config["max_length"], narrow)
    if config["segments"]:
        shapes["encoder.embeddings.segment.weight"] = (config["segments"], narrow)
    if config["embedding_norm"]:
        shapes |= _norm("encoder.embeddings.norm", narrow)
    if config["embedding_width"] is not None:
        shapes |= _linear("encoder.embeddings.projection", width, narrow)
    for block in range(own_blocks(config)):
        name = f"encoder.blocks.{block}"
        shapes |= _linear(f"{name}.attention.query", keys, width)
        shapes |= _linear(f"{name}.attention.key", keys, width)
        shapes |= _linear(f"{name}.attention.value", values, width)
        shapes |= _linear(f"{name}.attention.output", width, values)
        shapes |= _norm(f"{name}.attention_norm", width)
        shapes |= _linear(f"{name}.feed_forward.inner", inner, width)
        shapes |= _linear(f"{name}.feed_forward.outer", width, inner)
        shapes |= _norm(f"{name}.feed_forward_norm", width)
    for name in frequency_names(config):
        shapes[name] = (query_size(config) // 2,)
    if config["final_norm"]:
        shapes |= _norm("encoder.final_norm", width)
    shapes |= _linear("pooler.dense", width, width)
    shapes |= _linear("mlm.dense", narrow, width) | _norm("mlm.norm", narrow)
    shapes |= {"mlm.bias": (vocabulary,)}
    shapes |= _linear("nsp", 2, width)
    shapes |= _linear("classifier", labels, width)
    return shapes


def part_of(name: str) -> str:
    """The part of the model that a tensor of ours belongs to."""
    return name.split(".", 1)[0]


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
