"""Every family against transformers, on the same random weights: states, logits, gradients."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
import transformers
from torch import Tensor, nn

from wenlu.checkpoints import read_checkpoint
from wenlu.models import FAMILIES, Model, load
from wenlu.nn import Padding, real_tokens

LENGTHS = torch.tensor([9, 4, 7])
SHAPE = {
    "vocab_size": 29,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 16,
}
GPT2 = {
    "vocab_size": 29,
    "n_embd": 24,
    "n_layer": 3,
    "n_head": 3,
    "n_positions": 16,
    "bos_token_id": None,
    "eos_token_id": None,
}
CASES = {
    "bert": ("BertForPreTraining", SHAPE),
    "roberta-wwm": ("BertForMaskedLM", SHAPE),
    "roformer": ("RoFormerForMaskedLM", SHAPE),
    "roformer, narrow": ("RoFormerForMaskedLM", SHAPE | {"embedding_size": 10}),
    "albert": ("AlbertForPreTraining", SHAPE | {"embedding_size": 10}),
    "gpt2": ("GPT2LMHeadModel", GPT2),
    "gpt2, n_inner": ("GPT2LMHeadModel", GPT2 | {"n_inner": 40}),
}


class Peers(NamedTuple):
    """One model in two libraries."""

    theirs: Any
    ours: Model


@pytest.fixture(params=CASES, scope="module")
def peers(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    randomised: Callable[[nn.Module], nn.Module],
    write_vocabulary: Callable[[Path], None],
) -> Peers:
    name, shape = CASES[request.param]
    kind = getattr(transformers, name)
    torch.manual_seed(1)
    theirs = randomised(kind(kind.config_class(**shape)))
    folder = tmp_path_factory.mktemp("theirs")
    theirs.save_pretrained(folder)
    write_vocabulary(folder)
    return Peers(theirs, load(folder).model.eval())


class Batch(NamedTuple):
    """The same batch for both libraries."""

    ids: Tensor
    segments: Tensor | None
    real: Tensor | None

    def theirs(self) -> dict[str, Tensor]:
        options = {"token_type_ids": self.segments, "attention_mask": self.real}
        given = {name: tensor for name, tensor in options.items() if tensor is not None}
        return {"input_ids": self.ids, **given}

    def ours(self) -> tuple[Tensor, Tensor | None, Padding | None]:
        return self.ids, self.segments, None if self.real is None else Padding(self.real)


def batch(*, segments: bool, padded: bool) -> Batch:
    ids = torch.randint(5, 29, (3, 9))  # no [PAD]: transformers never trains its vector
    return Batch(
        ids,
        (torch.arange(9) > 4).long().expand(3, 9).contiguous() if segments else None,
        real_tokens(LENGTHS, 9) if padded else None,
    )


def cells(states: Tensor, real: Tensor | None) -> Tensor:
    """The states of real tokens: what padding computes is of no interest."""
    return states.flatten(0, 1) if real is None else states[real]


def close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
def test_every_layer_and_every_head_agrees(peers: Peers, padded: bool) -> None:
    given = batch(segments=bool(peers.ours.config.segments), padded=padded)
    with torch.no_grad():
        theirs = peers.theirs(**given.theirs(), output_hidden_states=True)
        states = list(peers.ours.encoder.states(*given.ours()))
        last = peers.ours.encoder(*given.ours())
    assert len(states) == len(theirs.hidden_states) == 4
    for state, expected in zip(states[:-1], theirs.hidden_states[:-1], strict=True):
        close(cells(state, given.real), cells(expected, given.real))
    close(cells(last, given.real), cells(theirs.hidden_states[-1], given.real))
    compared = 0
    for logits, expected in heads(peers, last, theirs):
        whole = logits.shape[:2] == given.ids.shape
        real = given.real if whole else None
        close(
            cells(logits, real) if whole else logits, cells(expected, real) if whole else expected
        )
        compared += 1
    assert compared == {"nsp": 2}.get(next(iter(peers.ours.heads & {"nsp"}), ""), 1)


def heads(peers: Peers, last: Tensor, theirs: Any) -> Iterator[tuple[Tensor, Tensor]]:  # noqa: ANN401
    """Our logits and theirs, of all heads that there are."""
    with torch.no_grad():
        if "nsp" in peers.ours.heads:
            yield peers.ours.token_logits(last), theirs.prediction_logits
            sentences = getattr(
                theirs, "sop_logits", getattr(theirs, "seq_relationship_logits", None)
            )
            yield peers.ours.next_sentence_logits(last), sentences
        else:
            yield peers.ours.token_logits(last), theirs.logits


def test_the_pooler_agrees(
    tmp_path: Path,
    randomised: Callable[[nn.Module], nn.Module],
    write_vocabulary: Callable[[Path], None],
) -> None:
    for name in ("Bert", "Albert"):
        config = getattr(transformers, f"{name}Config")(**SHAPE)
        theirs = randomised(getattr(transformers, f"{name}Model")(config))
        theirs.save_pretrained(tmp_path / name)
        write_vocabulary(tmp_path / name)
        ours = load(tmp_path / name).model.eval()
        given = batch(segments=True, padded=True)
        with torch.no_grad():
            close(
                ours.pooled(ours.encoder(*given.ours())),
                theirs(**given.theirs()).pooler_output,
            )


@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
def test_gradients_agree(peers: Peers, padded: bool, tmp_path: Path) -> None:
    given = batch(segments=bool(peers.ours.config.segments), padded=padded)
    targets = torch.randint(29, (3, 9))
    if given.real is not None:
        targets = targets.masked_fill(~given.real, -100)
    classes = torch.tensor([0, 1, 1])
    output = peers.theirs(**given.theirs())
    last = peers.ours.encoder(*given.ours())
    if "nsp" in peers.ours.heads:
        expected = loss(output.prediction_logits, targets)
        expected = expected + F.cross_entropy(output[1], classes)
        found = loss(peers.ours.token_logits(last), targets)
        found = found + F.cross_entropy(peers.ours.next_sentence_logits(last), classes)
    else:
        expected, found = loss(output.logits, targets), loss(peers.ours.token_logits(last), targets)
    close(found, expected)
    peers.ours.zero_grad()
    peers.theirs.zero_grad()
    expected.backward()
    found.backward()
    theirs = gradients_by_our_names(peers.theirs, tmp_path)
    ours = {name: parameter.grad for name, parameter in peers.ours.named_parameters()}
    assert {"encoder.embeddings.token.weight", "encoder.blocks.0.attention.key.weight"} <= set(ours)
    largest = max(float(gradient.norm()) for gradient in theirs.values())
    for name, gradient in ours.items():
        assert gradient is not None, name
        difference = float((gradient - theirs[name]).norm())
        # The gradient of a key's bias is 0 but for rounding: softmax does not feel it.
        assert difference <= 1e-4 * float(theirs[name].norm()) + 1e-7 * largest, name


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def gradients_by_our_names(theirs: Any, folder: Path) -> dict[str, Tensor]:  # noqa: ANN401
    """The gradients put where the weights were, saved by transformers and read by wenlu."""
    twin = deepcopy(theirs)
    with torch.no_grad():
        for parameter, place in zip(theirs.parameters(), twin.parameters(), strict=True):
            if place.requires_grad:
                gradient = parameter.grad
                place.copy_(torch.zeros_like(place) if gradient is None else gradient)
    twin.save_pretrained(folder)
    return read_checkpoint(folder).tensors


@pytest.mark.parametrize(
    ("family", "name", "heads", "count"),
    [
        ("bert", "BertModel", {"pooler"}, 102_267_648),
        ("roformer", "RoFormerModel", set(), None),
        ("albert", "AlbertModel", {"pooler"}, None),
        ("gpt2", "GPT2Model", set(), None),
    ],
)
def test_full_size_models_have_as_many_parameters(
    family: str, name: str, heads: set[str], count: int | None
) -> None:
    kind = getattr(transformers, name)
    config = kind.config_class(vocab_size=21_128)
    if family == "albert":  # transformers' defaults are those of albert-xxlarge
        config.hidden_size, config.num_attention_heads, config.intermediate_size = 768, 12, 3072
    with torch.device("meta"):
        theirs = kind(config)
        ours = Model(FAMILIES[family](vocabulary=21_128), heads)
    assert parameters(ours) == parameters(theirs)
    assert count is None or parameters(ours) == count


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
