from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wenlu.checkpoints.configs import from_huggingface, made, to_huggingface
from wenlu.errors import CheckpointError
from wenlu.nn import LayerNorm, SquaredReLU

from .tiny import CONFIGS, SIZES

FILE = Path("config.json")
REFUSED = [
    ("bert", "position_embedding_type", "relative_key"),
    ("bert", "is_decoder", True),
    ("bert", "add_cross_attention", True),
    ("bert", "quantization_config", {"bits": 4}),
    ("bert", "pruned_heads", {"0": [1]}),
    ("roformer", "rotary_value", True),
    ("nezha", "max_relative_position", 32),
    ("nezha", "use_relative_position", False),
    ("albert", "num_hidden_groups", 2),
    ("albert", "inner_group_num", 2),
    ("gpt2", "scale_attn_by_inverse_layer_idx", True),
    ("gpt2", "scale_attn_weights", False),
    ("gpt2", "add_cross_attention", True),
]


def sizes(family: str) -> dict[str, Any]:
    return CONFIGS["GPT2"] if family == "gpt2" else SIZES


@pytest.mark.parametrize(("family", "key", "value"), REFUSED)
def test_what_would_compute_something_else_is_refused(family: str, key: str, value: object) -> None:
    with pytest.raises(CheckpointError) as caught:
        from_huggingface(family, {**sizes(family), key: value}, FILE)
    assert f"config.json: {key} is {value!r}, which is not supported" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("hidden_size", None, "does not state hidden_size"),
        ("hidden_size", "768", "hidden_size is '768'; it must be a whole number, at least 1"),
        ("hidden_size", True, "hidden_size is True"),
        ("num_hidden_layers", 0, "num_hidden_layers is 0"),
        ("num_hidden_layers", 10**9, "layers must be from 1 to 10000; got 1000000000"),
        ("type_vocab_size", -1, "type_vocab_size is -1; it must be a whole number, at least 0"),
        ("hidden_dropout_prob", "0.1", "it must be a number, at least 0"),
        ("layer_norm_eps", float("nan"), "layer_norm_eps is nan"),
        ("hidden_act", 3, "hidden_act is 3; it must be a name"),
        ("hidden_act", "gelu_fast", "hidden_act is 'gelu_fast', which is not supported; the close"),
        ("num_attention_heads", 3, "width 8 cannot be shared evenly among 3 heads"),
        ("embedding_size", 4, "embedding_size is 4 and hidden_size 8"),
    ],
)
def test_wrong_values_are_named(key: str, value: object, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        from_huggingface("bert", {**SIZES, key: value}, FILE)
    assert message in str(caught.value)


def test_what_is_left_out_is_as_in_transformers() -> None:
    import transformers

    for name in CONFIGS:
        family = name.lower()
        theirs = getattr(transformers, f"{name}Config")(**sizes(family)).to_dict()
        assert from_huggingface(family, sizes(family), FILE) == from_huggingface(
            family, theirs, FILE
        )


@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "gpt2"])
def test_there_and_back(family: str) -> None:
    config = from_huggingface(family, sizes(family), FILE)
    changed = replace(config, activation=SquaredReLU(), dropout=0.25, norm=LayerNorm(1e-7))
    for each in (config, changed):
        assert from_huggingface(family, to_huggingface(each), FILE) == each


def test_wrong_fields_of_our_own_name_the_file() -> None:
    fields = from_huggingface("bert", SIZES, FILE).to_dict()
    with pytest.raises(CheckpointError, match=r"config.json has no field 'head'; the closest"):
        made({**fields, "head": 1}, FILE)
    with pytest.raises(CheckpointError, match=r"config.json: layers must be a whole number"):
        made({**fields, "layers": 2.5}, FILE)
    with pytest.raises(CheckpointError, match=r"config.json: width 8 cannot be shared evenly"):
        made({**fields, "heads": 3}, FILE)
    del fields["width"], fields["heads"]
    with pytest.raises(CheckpointError, match=r"config.json lacks width, heads"):
        made(fields, FILE)
