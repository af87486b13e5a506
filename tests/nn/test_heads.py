import torch
import torch.nn.functional as F  # noqa: N812

from wenlu.models import FAMILIES
from wenlu.nn.heads import MaskedLanguageHead, Pooler


def test_the_pooler_has_a_tanh_that_sentence_vectors_may_leave_out() -> None:
    pooler, first = Pooler(6), torch.randn(3, 6)
    linear = first @ pooler.dense.weight.T + pooler.dense.bias
    torch.testing.assert_close(pooler(first, linear=True), linear)
    torch.testing.assert_close(pooler(first), linear.tanh())


def test_masked_language_logits_use_the_embeddings_backwards() -> None:
    config = FAMILIES["albert"](
        vocabulary=13, width=8, heads=2, layers=1, inner_width=16, embedding_width=4
    )
    head, states, tokens = MaskedLanguageHead(config), torch.randn(2, 5, 8), torch.randn(13, 4)
    torch.nn.init.normal_(head.bias)
    inner = F.gelu(head.dense(states), approximate="tanh")
    expected = F.layer_norm(inner, [4], eps=1e-12) @ tokens.T + head.bias
    torch.testing.assert_close(head(states, tokens), expected, rtol=1e-4, atol=1e-5)
    assert head(states[0, 0], tokens).shape == (13,)
