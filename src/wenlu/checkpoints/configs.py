"""Configurations of other libraries, to our fields and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wenlu.checkpoints.fields import DEFAULTS, FAMILIES, complete
from wenlu.errors import CheckpointError, closest

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "relu": "relu",
    "relu2": "squared_relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
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
    _Key("layer_norm_eps", "norm_epsilon", 1e-12),
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
    _Key("layer_norm_epsilon", "norm_epsilon", 1e-5),
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


def from_huggingface(family: str, stored: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Our fields from a `config.json` or `bert_config.json`.

    Dropout of embeddings is ours of residuals (`resid_pdrop`): we have one rate for both.

    Raises:
        CheckpointError: a key is missing or has a value that cannot be read; it is named.
    """
    for name, allowed in {**_ONLY["all"], **_ONLY[family]}.items():
        if name in stored and stored[name] not in allowed:
            raise CheckpointError(
                f"{source}: {name} is {stored[name]!r}, which is not supported; "
                f"a {family} model can be read with {' or '.join(map(repr, allowed))}."
            )
    fields: dict[str, Any] = {"family": family, **FAMILIES[family]}
    for key in _KEYS[family]:
        fields[key.field] = _value(stored, key, source)
    if family == "gpt2":
        inner = _Key("n_inner", "inner_width", 4 * fields["width"])
        fields["inner_width"] = _value(stored, inner, source)
    else:
        fields["embedding_width"] = _embedding_width(family, stored, fields["width"], source)
    if fields["activation"] not in ACTIVATIONS:
        name = "activation_function" if family == "gpt2" else "hidden_act"
        raise CheckpointError(
            f"{source}: {name} is {fields['activation']!r}, which is not supported; "
            f"the closest are {closest(fields['activation'], ACTIVATIONS)}."
        )
    fields["activation"] = ACTIVATIONS[fields["activation"]]
    return complete(fields, source)


def to_huggingface(family: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that Hugging Face's configuration of a family states, from our complete fields."""
    names = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
    stored: dict[str, Any] = {"model_type": family}
    for key in _KEYS[family]:
        value = config[key.field]
        stored[key.stored] = names[value] if key.field == "activation" else value
    if family == "gpt2":
        stored |= {"n_inner": config["inner_width"], "embd_pdrop": config["dropout"]}
        stored |= {"bos_token_id": None, "eos_token_id": None}
        return stored
    if family in ("roformer", "albert"):
        stored["embedding_size"] = config["embedding_width"] or config["width"]
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
    sample = DEFAULTS.get(key.field, 1)
    if isinstance(sample, str):
        good, what = isinstance(value, str), "a name"
    elif isinstance(sample, float):
        good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        what = "a number, at least 0"
    else:
        least = 0 if key.field == "segments" else 1
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        what = f"a whole number, at least {least}"
    if not good:
        raise CheckpointError(f"{source}: {key.stored} is {value!r}; it must be {what}.")
    return value
