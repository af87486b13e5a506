"""The model that a pretraining begins with."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import torch

from wenlu.assets import asset
from wenlu.errors import ConfigError, closest
from wenlu.models import BUNDLED, Model, load
from wenlu.nn import TransformerConfig
from wenlu.text import Tokenizer
from wenlu.training.pretraining.config import PretrainingConfig
from wenlu.training.toml import from_flat, read_toml


def open_tokenizer(config: PretrainingConfig) -> Tokenizer:
    """The vocabulary that the configuration names, or the one of its model."""
    if config.model is not None:
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
    model = Model(
        replace(shape, dropout=rate, attention_dropout=rate), {*heads, *(old.heads if old else ())}
    )
    if old is not None:
        model.load_state_dict({**model.state_dict(), **old.state_dict()})
    model.config = shape  # which is what is saved
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
    shape = from_flat(TransformerConfig, values, str(path))
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
