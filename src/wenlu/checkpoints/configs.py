"""Configurations of other libraries, to our fields and back."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple

from wenlu.errors import CheckpointError, ConfigError, closest
from wenlu.nn import (
    GELU,
    GELUTanh,
    LayerNorm,
    PreNorm,
    Relative,
    ReLU,
    Rotary,
    SiLU,
    SquaredReLU,
    Tanh,
    TransformerConfig,
)

FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "roformer": {"position": Rotary()},
    "nezha": {"position": Relative()},
    "albert": {"share_layers": True},
    "gpt2": {
        "segments": 0,
        "causal": True,
        "block": PreNorm(),
        "embedding_norm": False,
        "final_norm": True,
    },
}
"""Where each family differs from what `TransformerConfig` has when nothing is said."""

ACTIVATIONS = {
    "gelu": GELU(),
    "gelu_python": GELU(),
    "gelu_new": GELUTanh(),
    "gelu_pytorch_tanh": GELUTanh(),
    "gelu_python_tanh": GELUTanh(),
    "gelu_accurate": GELUTanh(),
    "relu": ReLU(),
    "relu2": SquaredReLU(),
    "silu": SiLU(),
    "swish": SiLU(),
    "tanh": Tanh(),
}
"""Hugging Face's names of activations and ours; where several are one of ours, the first written
here is the one that is written out."""


class _Key(NamedTuple):
    stored: str
    field: str
    default: int | float | str | None = None  # None: the configuration must state it


_BERT = (
    _Key("vocab_size", "vocabulary"),
    _Key("hidden_size", "width"),
    _Key("num_hidden_layers", "layers"),
    _Key("num_attention_heads", "heads"),
    _Key("intermediate_size", "inner_width"),
    _Key("max_position_embeddings", "max_length", 512),
    _Key("type_vocab_size", "segments", 2),
    _Key("hidden_act", "activation", "gelu"),
    _Key("hidden_dropout_prob", "dropout", 0.1),
    _Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
    _Key("layer_norm_eps", "epsilon", 1e-12),
    _Key("initializer_range", "initial_std", 0.02),
)
_GPT2 = (
    _Key("vocab_size", "vocabulary"),
    _Key("n_embd", "width"),
    _Key("n_layer", "layers"),
    _Key("n_head", "heads"),
    _Key("n_positions", "max_length", 1024),
    _Key("activation_function", "activation", "gelu_new"),
    _Key("resid_pdrop", "dropout", 0.1),
    _Key("attn_pdrop", "attention_dropout", 0.1),
    _Key("layer_norm_epsilon", "epsilon", 1e-5),
    _Key("initializer_range", "initial_std", 0.02),
)


def _but(**defaults: float | str) -> tuple[_Key, ...]:
    """BERT's keys with other defaults."""
    return tuple(key._replace(default=defaults.get(key.field, key.default)) for key in _BERT)


_KEYS = {
    "bert": _BERT,
    "roformer": _but(max_length=1536),
    "nezha": _BERT,
    "albert": _but(activation="gelu_new", dropout=0.0, attention_dropout=0.0),
    "gpt2": _GPT2,
}

_ONLY: dict[str, dict[str, tuple[Any, ...]]] = {
    "all": {
        "is_decoder": (False,),
        "add_cross_attention": (False,),
        "is_encoder_decoder": (False,),
        "pruned_heads": ({}, None),
        "quantization_config": (None,),
    },
    "bert": {"position_embedding_type": ("absolute",)},
    "roformer": {"rotary_value": (False,)},
    "nezha": {"use_relative_position": (True,), "max_relative_position": (64,)},
    "albert": {
        "position_embedding_type": ("absolute",),
        "num_hidden_groups": (1,),
        "inner_group_num": (1,),
        "net_structure_type": (0,),
        "down_scale_factor": (1,),
        "gap_size": (0,),
        "num_memory_blocks": (0,),
        "ln_type": ("postln",),
    },
    "gpt2": {
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
    },
}
"""Keys of which only these values can be read; any other would change what the model computes."""


def made(
    values: Mapping[str, Any], source: object, parts: Iterable[type] = ()
) -> TransformerConfig:
    """The configuration with these fields; what is wrong with them is a CheckpointError."""
    try:
        return TransformerConfig.from_dict(values, parts, source=str(source))
    except ConfigError as error:
        place = "" if str(error).startswith(str(source)) else f"{source}: "
        raise CheckpointError(f"{place}{error}.") from None


def from_huggingface(family: str, stored: Mapping[str, Any], source: Path) -> TransformerConfig:
    """Our configuration from a `config.json` or `bert_config.json`.

    Dropout of embeddings is ours of residuals (`resid_pdrop`): we have one rate for both.

    Raises:
        CheckpointError: a key is missing or has a value that cannot be read; it is named.
    """
    for name, allowed in {**_ONLY["all"], **_ONLY[family]}.items():
        if name in stored and stored[name] not in allowed:
            raise CheckpointError(
                f"{source}: {name} is {shortened(stored[name])}, which is not supported; "
                f"a {family} model can be read with {' or '.join(map(repr, allowed))}."
            )
    fields = {key.field: _value(stored, key, source) for key in _KEYS[family]}
    if family == "gpt2":
        inner = _Key("n_inner", "inner_width", 4 * fields["width"])
        fields["inner_width"] = _value(stored, inner, source)
    else:
        fields["embedding_width"] = _embedding_width(family, stored, fields["width"], source)
    name, epsilon = fields.pop("activation"), fields.pop("epsilon")
    if name not in ACTIVATIONS:
        key = "activation_function" if family == "gpt2" else "hidden_act"
        raise CheckpointError(
            f"{source}: {key} is {shortened(name)}, which is not supported; "
            f"the closest are {closest(name[:100], ACTIVATIONS)}."
        )
    parts = {"activation": ACTIVATIONS[name], "norm": LayerNorm(epsilon)}
    try:
        return TransformerConfig(family=family, **{**FAMILIES[family], **fields, **parts})
    except ConfigError as error:
        raise CheckpointError(f"{source}: {error}.") from None


def to_huggingface(config: TransformerConfig) -> dict[str, Any]:
    """The keys that Hugging Face's configuration of a family states."""
    family = config.family
    names = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
    stored: dict[str, Any] = {"model_type": family}
    for key in _KEYS[family]:
        if key.field == "activation":
            stored[key.stored] = names[config.activation]
        elif key.field == "epsilon":
            stored[key.stored] = config.norm.epsilon  # type: ignore[attr-defined]  # a LayerNorm
        else:
            stored[key.stored] = getattr(config, key.field)
    if family == "gpt2":
        stored |= {"n_inner": config.inner_width, "embd_pdrop": config.dropout}
        stored |= {"bos_token_id": None, "eos_token_id": None}
        return stored
    if family in ("roformer", "albert"):
        stored["embedding_size"] = config.embedding_width or config.width
    if family == "roformer":
        stored["rotary_value"] = False
    if family == "albert":
        stored |= {"num_hidden_groups": 1, "inner_group_num": 1}
        stored |= {"bos_token_id": None, "eos_token_id": None}
    stored["pad_token_id"] = 0
    return stored


def _embedding_width(
    family: str, stored: Mapping[str, Any], width: int, source: Path
) -> int | None:
    default = 128 if family == "albert" else width
    narrow = _value(stored, _Key("embedding_size", "max_length", default), source)
    if family == "albert":
        return narrow
    if family != "roformer" and narrow != width:
        raise CheckpointError(
            f"{source}: embedding_size is {narrow} and hidden_size {width}; "
            f"a {family} model can be read with the same for both."
        )
    return None if narrow == width else narrow


def _value(stored: Mapping[str, Any], key: _Key, source: Path) -> Any:  # noqa: ANN401
    value = stored.get(key.stored)
    if value is None and key.default is not None:
        return key.default
    if value is None:
        raise CheckpointError(
            f"{source} does not state {key.stored}; without it the model cannot be built."
        )
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if key.field == "activation":
        good, what = isinstance(value, str), "a name"
    elif key.field in ("dropout", "attention_dropout", "epsilon", "initial_std"):
        good, what = number and value >= 0 and math.isfinite(value), "a number, at least 0"
    else:
        least = 0 if key.field == "segments" else 1
        good = number and isinstance(value, int) and value >= least
        what = f"a whole number, at least {least}"
    if not good:
        raise CheckpointError(f"{source}: {key.stored} is {shortened(value)}; it must be {what}.")
    return value
