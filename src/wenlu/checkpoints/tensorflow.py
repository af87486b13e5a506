"""Google's TensorFlow checkpoints, read: BERT, RoBERTa-wwm, SimBERT, RoFormer, NEZHA, ALBERT."""

import re
from pathlib import Path

from wenlu.checkpoints import names as tables
from wenlu.checkpoints.bundle import read_bundle
from wenlu.checkpoints.checkpoint import Checkpoint, Notes
from wenlu.checkpoints.configs import from_huggingface
from wenlu.checkpoints.huggingface import check_vocabulary
from wenlu.checkpoints.recognise import bundle_indices, find_family, tensorflow_configs
from wenlu.checkpoints.skeleton import skeleton_for
from wenlu.checkpoints.strict import take
from wenlu.checkpoints.weights import read_json
from wenlu.errors import CheckpointError

_TRAINING = re.compile(
    r"(.*/)?(adam_[mv]|lamb_[mv]|Adam|Adam_1|global_step|good_steps|bad_steps|loss_scale"
    r"|beta[12]_power)"
)
"""Names of what an optimizer keeps beside the weights."""


def read_tensorflow(folder: Path) -> Checkpoint:
    """The model in a folder with `bert_model.ckpt.index` or the like."""
    file, index = _one(tensorflow_configs(folder), folder), _one(bundle_indices(folder), folder)
    stored_config = read_json(file)
    bundle = read_bundle(index.with_suffix(""))
    stored = {name: tensor for name, tensor in bundle.items() if not _TRAINING.fullmatch(name)}
    family = find_family(stored_config, stored, file)
    if family == "gpt2":
        raise CheckpointError(
            f"{folder}: GPT-2 cannot be read from TensorFlow; get another format."
        )
    usual = {"hidden_act": "gelu"} if family == "albert" else {}
    config = from_huggingface(family, {**usual, **stored_config}, file)
    first = "bert/embeddings/word_embeddings"
    if first not in stored:
        raise CheckpointError(
            f"{folder} has no tensor {first!r}; "
            f"the first of {len(stored)} are {', '.join(sorted(stored)[:5])}."
        )
    check_vocabulary(stored, first, config, folder)
    shapes, constants = skeleton_for(stored, config, folder, bias="output_bias")
    tensors = take(stored, tables.tensorflow(config), shapes, source=folder)
    pooled = {"pooler.dense.bias", "classifier.bias"} <= tensors.keys()
    return Checkpoint(
        config=config,
        tensors=constants | tensors,
        source=folder,
        notes=Notes(pooling="pooler" if pooled else None),
    )


def _one(files: list[Path], folder: Path) -> Path:
    """The only file of its kind, or the first of the usual names."""
    unusual = [file for file in files if not file.name.endswith("config.json")]
    if len(unusual) > 1:
        raise CheckpointError(
            f"{folder} has several: {', '.join(file.name for file in unusual)}. "
            "Leave the one that is meant."
        )
    return files[0]
