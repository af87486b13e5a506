import pytest
import torch

from wenlu.errors import CheckpointError
from wenlu.models import FAMILIES, Model
from wenlu.models.model import HEADS
from wenlu.nn import TransformerConfig

SIZES = {"vocabulary": 13, "width": 8, "heads": 2, "layers": 1, "inner_width": 16}
STATES = torch.zeros(2, 3, 8)


def shape(family: str = "bert") -> TransformerConfig:
    return FAMILIES[family](**SIZES)


def test_a_model_has_the_heads_that_it_was_given() -> None:
    assert Model(shape()).heads == set()
    for head in HEADS:
        assert Model(shape(), {head}).heads == {head}
    whole = Model(shape(), HEADS)
    assert whole.token_logits(STATES).shape == (2, 3, 13)
    assert whole.pooled(STATES).shape == (2, 8)
    assert whole.next_sentence_logits(STATES).shape == (2, 2)


def test_a_head_that_is_missing_is_refused_and_those_that_are_there_are_named() -> None:
    bare = Model(shape())
    with pytest.raises(CheckpointError, match=r"no 'mlm' head \(it has: none\); load a checkpoint"):
        bare.token_logits(STATES)
    with pytest.raises(CheckpointError, match=r"no 'pooler' head \(it has: mlm, nsp\)"):
        Model(shape(), {"mlm", "nsp"}).next_sentence_logits(STATES)
    with pytest.raises(CheckpointError, match=r"no 'nsp' head \(it has: pooler\)"):
        Model(shape(), {"pooler"}).next_sentence_logits(STATES)
    with pytest.raises(CheckpointError, match=r"no 'pooler' head \(it has: none\)"):
        bare.pooled(STATES)


def test_a_causal_model_needs_no_head_for_tokens() -> None:
    model = Model(shape("gpt2"))
    states = torch.randn(2, 3, 8)
    expected = states @ model.encoder.embeddings.token.weight.T
    torch.testing.assert_close(model.token_logits(states), expected)


def test_output_and_input_embeddings_are_one_tensor() -> None:
    model = Model(shape(), {"mlm"})
    large = [name for name, tensor in model.state_dict().items() if tensor.shape == (13, 8)]
    assert large == ["encoder.embeddings.token.weight"]
    model.token_logits(model.encoder(torch.tensor([[3, 5]]))).sum().backward()
    gradient = model.encoder.embeddings.token.weight.grad
    assert gradient is not None
    assert (gradient.abs().sum(-1) > 0).all()  # also of tokens that are not in the text


def test_new_heads_are_drawn_like_the_rest() -> None:
    model = Model(FAMILIES["bert"](**(SIZES | {"width": 64})), HEADS)
    for name, tensor in model.state_dict().items():
        if tensor.ndim > 1:
            assert tensor.abs().max() <= 0.04, name
            assert tensor.std() > 0.01, name
        elif name.endswith("bias"):
            assert not tensor.any(), name
