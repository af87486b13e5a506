"""Where each family's tensors are kept by Hugging Face and by Google's TensorFlow checkpoints."""

from collections.abc import Mapping

from wenlu.checkpoints.entry import Entry
from wenlu.nn import TransformerConfig

Names = dict[str, list[Entry]]
"""The entries of each part: `encoder`, `pooler`, `mlm`, `nsp`, `classifier`."""

_BERT_BLOCK = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.outer": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
_ALBERT_BLOCK = {
    "attention.query": "attention.query",
    "attention.key": "attention.key",
    "attention.value": "attention.value",
    "attention.output": "attention.dense",
    "attention_norm": "attention.LayerNorm",
    "feed_forward.inner": "ffn",
    "feed_forward.outer": "ffn_output",
    "feed_forward_norm": "full_layer_layer_norm",
}
_TENSORFLOW_ALBERT_BLOCK = {
    "attention.query": "attention_1/self/query",
    "attention.key": "attention_1/self/key",
    "attention.value": "attention_1/self/value",
    "attention.output": "attention_1/output/dense",
    "attention_norm": "LayerNorm",
    "feed_forward.inner": "ffn_1/intermediate/dense",
    "feed_forward.outer": "ffn_1/intermediate/output/dense",
    "feed_forward_norm": "LayerNorm_1",
}

BASES = {
    "bert": "bert.",
    "roformer": "roformer.",
    "nezha": "nezha.",
    "albert": "albert.",
    "gpt2": "transformer.",
}
"""What Hugging Face puts before the encoder's names in a model with a head."""


def huggingface(config: TransformerConfig, base: str) -> Names:
    """Hugging Face's names for the tensors of a model whose family is one of `BASES`.

    Args:
        config: the model's.
        base: what stands before the encoder's names, "" for a bare encoder.
    """
    family = config.family
    if family == "gpt2":
        return {"encoder": _gpt2(config, base)}
    return {
        "encoder": _embeddings(config, base) + _blocks(config, base),
        **_heads(family, base),
    }


def tensorflow(config: TransformerConfig) -> Names:
    """The names in Google's checkpoints, and in those that were saved by the same names."""
    embeddings = "bert/embeddings"
    entries = [
        Entry(f"{embeddings}/word_embeddings", ("encoder.embeddings.token.weight",)),
        Entry(f"{embeddings}/token_type_embeddings", ("encoder.embeddings.segment.weight",)),
        *_tensorflow_norm(f"{embeddings}/LayerNorm", "encoder.embeddings.norm"),
    ]
    if config.position.vectors(config.max_length):
        entries.append(
            Entry(f"{embeddings}/position_embeddings", ("encoder.embeddings.position.weight",))
        )
    if config.embedding_width is not None:
        entries += _tensorflow_linear(
            "bert/encoder/embedding_hidden_mapping_in", "encoder.embeddings.projection"
        )
    if config.family == "albert":
        entries += _tensorflow_block(
            "bert/encoder/transformer/group_0/inner_group_0", 0, _TENSORFLOW_ALBERT_BLOCK
        )
    else:
        names = {ours: theirs.replace(".", "/") for ours, theirs in _BERT_BLOCK.items()}
        for block in range(config.layers):
            entries += _tensorflow_block(f"bert/encoder/layer_{block}", block, names)
    transform = "cls/predictions/transform"
    return {
        "encoder": entries,
        "pooler": _tensorflow_linear("bert/pooler/dense", "pooler.dense"),
        "mlm": [
            *_tensorflow_linear(f"{transform}/dense", "mlm.dense"),
            *_tensorflow_norm(f"{transform}/LayerNorm", "mlm.norm"),
            Entry("cls/predictions/output_bias", ("mlm.bias",)),
        ],
        "nsp": [
            Entry("cls/seq_relationship/output_weights", ("nsp.weight",)),
            Entry("cls/seq_relationship/output_bias", ("nsp.bias",)),
        ],
        "classifier": [
            Entry("output_weights", ("classifier.weight",)),
            Entry("output_bias", ("classifier.bias",)),
        ],
    }


def _embeddings(config: TransformerConfig, base: str) -> list[Entry]:
    stored = f"{base}embeddings"
    entries = [
        Entry(f"{stored}.word_embeddings.weight", ("encoder.embeddings.token.weight",)),
        Entry(f"{stored}.token_type_embeddings.weight", ("encoder.embeddings.segment.weight",)),
        *_pair(f"{stored}.LayerNorm", "encoder.embeddings.norm"),
    ]
    if config.position.vectors(config.max_length):
        name = f"{stored}.position_embeddings.weight"
        entries.append(Entry(name, ("encoder.embeddings.position.weight",)))
    if config.embedding_width is not None:
        albert = config.family == "albert"
        name = "encoder.embedding_hidden_mapping_in" if albert else "embeddings_project"
        entries += _pair(f"{base}{name}", "encoder.embeddings.projection")
    return entries


def _blocks(config: TransformerConfig, base: str) -> list[Entry]:
    if config.family == "albert":
        stored = f"{base}encoder.albert_layer_groups.0.albert_layers.0"
        return [
            entry
            for ours, theirs in _ALBERT_BLOCK.items()
            for entry in _pair(f"{stored}.{theirs}", f"encoder.blocks.0.{ours}")
        ]
    return [
        entry
        for block in range(config.layers)
        for ours, theirs in _BERT_BLOCK.items()
        for entry in _pair(
            f"{base}encoder.layer.{block}.{theirs}", f"encoder.blocks.{block}.{ours}"
        )
    ]


def _heads(family: str, base: str) -> Names:
    if family == "albert":
        pooler, mlm, bias = "pooler", "predictions", "predictions.bias"
        nsp = "sop_classifier.classifier"
    else:
        pooler, mlm, bias = "pooler.dense", "cls.predictions.transform", "cls.predictions.bias"
        nsp = "cls.seq_relationship"
    return {
        "pooler": _pair(f"{base}{pooler}", "pooler.dense"),
        "mlm": [
            *_pair(f"{mlm}.dense", "mlm.dense"),
            *_pair(f"{mlm}.LayerNorm", "mlm.norm"),
            Entry(bias, ("mlm.bias",)),
        ],
        "nsp": _pair(nsp, "nsp"),
        "classifier": _pair("classifier", "classifier"),
    }


def _gpt2(config: TransformerConfig, base: str) -> list[Entry]:
    entries = [
        Entry(f"{base}wte.weight", ("encoder.embeddings.token.weight",)),
        Entry(f"{base}wpe.weight", ("encoder.embeddings.position.weight",)),
        *_pair(f"{base}ln_f", "encoder.final_norm"),
    ]
    for block in range(config.layers):
        stored, ours = f"{base}h.{block}", f"encoder.blocks.{block}"
        together = [f"{ours}.attention.{name}" for name in ("query", "key", "value")]
        entries += [
            *_pair(f"{stored}.ln_1", f"{ours}.attention_norm"),
            *_pair(f"{stored}.attn.c_attn", *together, transposed=True),
            *_pair(f"{stored}.attn.c_proj", f"{ours}.attention.output", transposed=True),
            *_pair(f"{stored}.ln_2", f"{ours}.feed_forward_norm"),
            *_pair(f"{stored}.mlp.c_fc", f"{ours}.feed_forward.inner", transposed=True),
            *_pair(f"{stored}.mlp.c_proj", f"{ours}.feed_forward.outer", transposed=True),
        ]
    return entries


def _pair(stored: str, *ours: str, transposed: bool = False) -> list[Entry]:
    """A weight and its bias."""
    return [
        Entry(f"{stored}.weight", tuple(f"{name}.weight" for name in ours), transposed),
        Entry(f"{stored}.bias", tuple(f"{name}.bias" for name in ours)),
    ]


def _tensorflow_block(stored: str, block: int, names: Mapping[str, str]) -> list[Entry]:
    entries = []
    for ours, theirs in names.items():
        kind = _tensorflow_norm if ours.endswith("norm") else _tensorflow_linear
        entries += kind(f"{stored}/{theirs}", f"encoder.blocks.{block}.{ours}")
    return entries


def _tensorflow_linear(stored: str, ours: str) -> list[Entry]:
    return [
        Entry(f"{stored}/kernel", (f"{ours}.weight",), transposed=True),
        Entry(f"{stored}/bias", (f"{ours}.bias",)),
    ]


def _tensorflow_norm(stored: str, ours: str) -> list[Entry]:
    return [
        Entry(f"{stored}/gamma", (f"{ours}.weight",)),
        Entry(f"{stored}/beta", (f"{ours}.bias",)),
    ]
