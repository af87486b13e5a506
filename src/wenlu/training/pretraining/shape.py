"""The model that a pretraining begins with."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from wenlu.assets import asset
from wenlu.errors import ConfigError, closest
from wenlu.models import BUNDLED, Model, load
from wenlu.nn import TransformerConfig
from wenlu.text import Tokenizer
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.pretraining.objectives import Objective, layout_of
from wenlu.training.toml import read_toml


def open_tokenizer(config: PretrainingConfig) -> Tokenizer:
    """The vocabulary that the configuration names, or the one of its model."""
    if config.model is not None:
        if config.vocab is not None:
            raise ConfigError(
                f"the model {config.model} brings its own vocabulary; give no other beside it"
            )
        return load(config.model).tokenizer
    if config.vocab is None:
        return Tokenizer.from_vocab(asset("vocabulary", "vocab.txt"))
    path = Path(config.vocab)
    return Tokenizer.from_folder(path) if path.is_dir() else Tokenizer.from_vocab(path)


def first_model(config: PretrainingConfig, tokenizer: Tokenizer, heads: Collection[str]) -> Model:
    """Random weights of the shape, or those of another model, with the heads that are needed.

    Heads that the other model has beside these are kept; those that it lacks are drawn at random.
    """
    torch.manual_seed(config.seed)
    old = None if config.model is None else load(config.model).model
    shape = read_shape(config.config, len(tokenizer)) if old is None else old.config
    rate = config.training.dropout
    if shape.causal:
        heads = set(heads) - {"mlm"}  # its embeddings are its head
    heads = {*heads, *(old.heads if old else ())}
    try:
        model = Model(replace(shape, dropout=rate, attention_dropout=rate), heads)
    except ConfigError as error:
        raise ConfigError(f"{config.model or config.config}: {error}") from None
    if old is not None:
        model.load_state_dict({**model.state_dict(), **old.state_dict()})
    model.config = model.encoder.config = shape  # which is what is saved
    return model


def read_shape(name: str, vocabulary: int) -> TransformerConfig:
    """A shape by its bundled name or from a TOML file, for a vocabulary of that size."""
    if name in BUNDLED:
        return BUNDLED[name].shape(vocabulary)
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"no shape {name!r}: it is neither a TOML file nor one of {', '.join(BUNDLED)}; the "
            f"closest of those are {closest(name, BUNDLED)}"
        )
    values = {"vocabulary": vocabulary, **read_toml(path)}
    try:
        shape = TransformerConfig.from_dict(values, source=str(path))
    except ConfigError as error:
        place = "" if str(error).startswith(str(path)) else f"{path}: "
        raise ConfigError(f"{place}{error}") from None
    if shape.vocabulary < vocabulary:
        raise ConfigError(
            f"{path}: vocabulary is {shape.vocabulary}, but there are {vocabulary} tokens; leave "
            "it out, or give at least that"
        )
    return shape


def check_vocabulary(tokenizer: Tokenizer, objectives: Collection[str]) -> None:
    """ConfigError if a token is missing that the objectives cannot do without."""
    if "mlm" in objectives and "[MASK]" not in tokenizer.vocabulary:
        raise ConfigError(
            f"{tokenizer.source} has no [MASK], which the objective mlm puts in place of words; "
            "add it to the vocabulary"
        )


def check_shape(
    config: PretrainingConfig, shape: TransformerConfig, objectives: Sequence[Objective]
) -> None:
    """ConfigError if the shape cannot take such rows, or cannot learn what the objectives teach."""
    name, longest = config.model or config.config, config.training.max_length
    if longest > shape.max_length:
        raise ConfigError(
            f"max_length {longest} is more than the {shape.max_length} positions of {name}; give "
            "at most that"
        )
    if shape.segments == 1 and layout_of(objectives) != "single":
        raise ConfigError(f"{name} has one segment, and pairs of texts take two; give segments = 2")
    others = [one.name for one in objectives if one.name != "lm"]
    if shape.causal and others:
        raise ConfigError(
            f"{name} sees only what comes before, so it cannot learn {' and '.join(others)}; give "
            "a shape that is not causal, or the objective lm"
        )
