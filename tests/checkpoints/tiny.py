"""Tiny random models of transformers, and our encoder filled from what was read."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wenlu.checkpoints import Checkpoint
from wenlu.nn import Padding, Transformer

VOCABULARY, WIDTH, LENGTH = 20, 8, 7
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 10,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "Bert": SIZES,
    "RoFormer": {**SIZES, "embedding_size": 4},
    "Albert": {**SIZES, "embedding_size": 4},
    "GPT2": {
        "vocab_size": VOCABULARY,
        "n_embd": WIDTH,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 10,
        "bos_token_id": None,
        "eos_token_id": None,
    },
}
FAMILIES = tuple(CONFIGS)


def make(family: str, kind: str = "Model", **changes: Any) -> Any:  # noqa: ANN401
    """A model such as `BertForMaskedLM` with random weights, norms and biases included."""
    import transformers

    config = getattr(transformers, f"{family}Config")(**{**CONFIGS[family], **changes})
    model = getattr(transformers, f"{family}{kind}")(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(0.0, 0.3, generator=generator)
    return model.eval()


def saved(folder: Path, family: str, kind: str = "Model", **changes: Any) -> Any:  # noqa: ANN401
    """Such a model, saved in `folder`."""
    model = make(family, kind, **changes)
    model.save_pretrained(folder)
    return model


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Ids, segments and which tokens are real."""
    ids = torch.randint(VOCABULARY, (3, LENGTH), generator=torch.Generator().manual_seed(1))
    return ids, ids % 2, torch.arange(LENGTH) < torch.tensor([[LENGTH], [5], [3]])


@torch.no_grad()
def theirs(model: Any) -> Any:  # noqa: ANN401
    """The outputs of a model of transformers for the batch."""
    ids, segments, real = batch()
    if model.config.model_type == "gpt2":
        return model(ids, attention_mask=real.long())
    return model(ids, attention_mask=real.long(), token_type_ids=segments)


@torch.no_grad()
def ours(checkpoint: Checkpoint) -> Tensor:
    """The last states of our encoder for the batch."""
    encoder = Transformer(checkpoint.config).eval()
    encoder.load_state_dict(
        {
            name.removeprefix("encoder."): tensor
            for name, tensor in checkpoint.tensors.items()
            if name.startswith("encoder.")
        }
    )
    ids, segments, real = batch()
    return encoder(ids, segments if checkpoint.config.segments else None, Padding(real))


def assert_same(read: Checkpoint, tensors: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert read.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(read.tensors[name], tensor), name
