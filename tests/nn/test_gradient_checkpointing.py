"""Gradient checkpointing changes what is kept in memory, and nothing else."""

import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from wenlu.errors import ConfigError
from wenlu.models import FAMILIES
from wenlu.models.model import Model
from wenlu.nn import (
    Mask,
    Padding,
    Prefix,
    Transformer,
    TransformerConfig,
    Window,
    disable_gradient_checkpointing,
    enable_gradient_checkpointing,
    real_tokens,
)
from wenlu.nn.gradient_checkpointing import PARTS, attention_only, both_halves, whole_block

Attempt = Callable[..., list[int]]

IDS = torch.arange(21).view(3, 7) * 5 % 13
REAL = real_tokens(torch.tensor([7, 4, 1]), 7)
TWELVE = {"layers": 12, "width": 32, "inner_width": 128, "max_length": 40}


def shape(family: str, **change: Any) -> TransformerConfig:  # noqa: ANN401
    """A tiny model of a family, with dropout everywhere."""
    config = FAMILIES[family](vocabulary=13, width=8, layers=4, heads=2, max_length=12)
    return replace(config, dropout=0.1, attention_dropout=0.1, **change)


def step(model: nn.Module, *given: Any, **named: Any) -> list[Tensor]:  # noqa: ANN401
    """What training meets: the loss, all gradients, and the random state that is left."""
    torch.manual_seed(7)
    model.zero_grad()
    states = model(IDS, *given, **named)
    loss = (states.float() ** 2 * torch.linspace(-1, 1, states.numel()).view_as(states)).sum()
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return [loss.detach(), *gradients, torch.get_rng_state()]


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that are made and not yet freed: the same on any machine."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        del types
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self.meet(tensor.untyped_storage())
        return made

    def meet(self, storage: torch.UntypedStorage) -> None:
        if id(storage) not in self.known:
            self.known.add(id(storage))
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.free, id(storage), storage.nbytes())

    def free(self, name: int, size: int) -> None:
        self.known.remove(name)
        self.now -= size


def peak(model: Transformer) -> int:
    """Bytes that a training step needs at most, beside weights and gradients."""
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    ids = torch.zeros(4, model.config.max_length, dtype=torch.long)
    with LiveBytes() as live:
        model(ids).sum().backward()
    return live.peak


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "gpt2", "nezha"])
def test_a_step_is_the_same_to_the_last_bit(family: str, every: int, parts: str) -> None:
    model = Transformer(shape(family))
    plain = step(model, None, Padding(REAL))
    enable_gradient_checkpointing(model, every=every, parts=PARTS[parts][0])
    for _ in range(2):
        assert_same(step(model, None, Padding(REAL)), plain)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    ("mask", "rows"),
    [
        (None, 1),
        (None, 3),
        (Padding(REAL), 1),
        (Prefix((torch.arange(7) > 3).long().expand(3, 7)) & Padding(REAL), None),
        (Window(2), None),
    ],
)
@pytest.mark.parametrize("family", ["roformer", "albert", "gpt2"])
def test_rows_masks_and_positions(
    family: str, mask: Mask | None, rows: int | None, parts: str
) -> None:
    model = Transformer(shape(family))
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2]])
    segments = None if family == "gpt2" else IDS % 2
    expected = step(model, segments, mask, positions=positions, rows=rows)
    enable_gradient_checkpointing(model, parts=PARTS[parts][0])
    assert_same(step(model, segments, mask, positions=positions, rows=rows), expected)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("family", ["bert", "albert", "nezha"])
def test_in_bfloat16(family: str, parts: str) -> None:
    model = Transformer(shape(family))
    exact = step(model)
    with torch.autocast("cpu", torch.bfloat16):
        plain = step(model)
        enable_gradient_checkpointing(model, parts=PARTS[parts][0])
        assert_same(step(model), plain)
    assert not torch.equal(plain[0], exact[0])


def test_the_backward_pass_may_stand_outside_of_autocast() -> None:
    model = Transformer(shape("bert"))

    def gradients() -> list[Tensor]:
        torch.manual_seed(7)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(IDS).square().mean()
        return list(torch.autograd.grad(loss, list(model.parameters())))

    plain = gradients()
    enable_gradient_checkpointing(model)
    assert_same(gradients(), plain)


@pytest.mark.parametrize("frozen", [["embeddings"], ["embeddings", "blocks.0", "blocks.1"]])
@pytest.mark.parametrize("parts", PARTS)
def test_frozen_layers(frozen: list[str], parts: str) -> None:
    model = Transformer(shape("bert"))
    for name in frozen:
        model.get_submodule(name).requires_grad_(False)
    plain = step(model)
    enable_gradient_checkpointing(model, parts=PARTS[parts][0])
    assert_same(step(model), plain)


def test_evaluation_is_the_same() -> None:
    model = Transformer(shape("bert")).eval()
    plain = step(model)
    enable_gradient_checkpointing(model)
    assert_same(step(model), plain)
    with torch.no_grad():
        assert torch.equal(model(IDS), model(IDS))
        assert not model(IDS).requires_grad


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("recording", [True, False])
def test_a_cache_is_extended_once(recording: bool, parts: str) -> None:
    model = Transformer(shape("gpt2")).eval()
    whole = model(IDS)
    enable_gradient_checkpointing(model, parts=PARTS[parts][0])
    cache = model.new_cache()
    with torch.set_grad_enabled(recording):
        pieces = [model(piece, cache=cache) for piece in IDS.split([4, 1, 2], 1)]
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    if recording:
        pieces[-1].sum().backward()
    assert len(cache) == 7


def test_memory_falls() -> None:
    """Activations of 12 layers, here beside embeddings and gradients that are small."""
    model = Transformer(shape("bert", **TWELVE))
    plain = peak(model)
    needed = {}
    for name, (parts, _) in PARTS.items():
        enable_gradient_checkpointing(model, parts=parts)
        needed[name] = peak(model)
    assert needed["block"] < plain / 3
    assert needed["halves"] < plain / 2.5
    assert needed["block"] < needed["halves"] < needed["attention"] < plain
    growing = []
    for every in (1, 2, 3, 4, 6, 12):
        enable_gradient_checkpointing(model, every=every)
        growing.append(peak(model))
    assert growing == sorted(growing)
    assert growing[-1] < plain
    disable_gradient_checkpointing(model)
    assert peak(model) == plain


@pytest.mark.parametrize("parts", PARTS)
def test_memory_of_a_shared_block_falls(parts: str) -> None:
    model = Transformer(shape("albert", **TWELVE))
    plain = peak(model)
    enable_gradient_checkpointing(model, parts=PARTS[parts][0])
    every_layer = peak(model)
    enable_gradient_checkpointing(model, parts=PARTS[parts][0], every=5)
    some = peak(model)
    assert every_layer < some < plain
    assert peak(model) == some  # whichever layer a pass begins to count at


def test_names_and_sizes_stay() -> None:
    model = Model(shape("roformer"), {"mlm"})
    before = deepcopy(model)
    for parts, _ in PARTS.values():
        enable_gradient_checkpointing(model, parts=parts)
        ours, theirs = model.state_dict(), before.state_dict()
        assert list(ours) == list(theirs)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert [n for n, _ in model.named_parameters()] == [n for n, _ in before.named_parameters()]
        assert sum(p.numel() for p in model.parameters()) == sum(
            p.numel() for p in before.parameters()
        )
        assert repr(model) == repr(before)
    before.load_state_dict(model.state_dict())
    model.load_state_dict(before.state_dict())


def test_it_can_be_switched_off_and_changed() -> None:
    model = Model(shape("bert"), {"mlm"})
    untouched = {name: set(vars(module)) for name, module in model.named_modules()}

    def touched() -> list[str]:
        names = {name: set(vars(module)) for name, module in model.named_modules()}
        return [name for name in names if names[name] != untouched[name]]

    enable_gradient_checkpointing(model, parts=whole_block)
    assert touched() == [f"encoder.blocks.{index}" for index in range(4)]
    enable_gradient_checkpointing(model, every=3, parts=attention_only)
    assert touched() == ["encoder.blocks.0.attention", "encoder.blocks.3.attention"]
    enable_gradient_checkpointing(model, every=9, parts=both_halves)
    assert touched() == ["encoder.blocks.0.attention", "encoder.blocks.0.feed_forward"]
    disable_gradient_checkpointing(model)
    assert touched() == []
    disable_gradient_checkpointing(model)


@pytest.mark.parametrize("copied", [deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_checkpoints_itself(copied: Callable[[Transformer], Transformer]) -> None:
    model = Transformer(shape("albert"))
    enable_gradient_checkpointing(model, every=2)
    expected, needed = step(model), peak(model)
    other = copied(model)
    assert peak(other) == needed
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()  # a copy that still spoke to the first would notice
    assert_same(step(other), expected)
    disable_gradient_checkpointing(other)
    assert_same(step(other), expected)


def test_a_model_is_freed_when_it_is_let_go() -> None:
    model = Transformer(shape("bert"))
    enable_gradient_checkpointing(model)
    step(model)
    watched = [weakref.ref(module) for module in model.blocks.modules()]
    with without_collector():
        del model
        assert [module() for module in watched] == [None] * len(watched)


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_loss_may_outlive_its_model() -> None:
    def loss(*, again: bool) -> tuple[Tensor, Tensor]:
        torch.manual_seed(3)
        model = Transformer(shape("bert"))
        if again:
            enable_gradient_checkpointing(model)
        return model(IDS).square().mean(), model.blocks[0].attention.query.weight

    found = [torch.autograd.grad(*loss(again=again)) for again in (False, True)]
    assert_same(list(found[1]), list(found[0]))


@pytest.mark.parametrize("parts", PARTS)
def test_another_mode_going_backwards_is_an_error(parts: str) -> None:
    model = Transformer(shape("bert"))
    enable_gradient_checkpointing(model, parts=PARTS[parts][0])
    loss = model(IDS).sum()
    model.eval()
    with pytest.raises(ConfigError, match=r"train\(\) or eval\(\) was called between a forward"):
        loss.backward()


def test_what_cannot_be_checkpointed_is_refused() -> None:
    model = Transformer(shape("bert"))
    with pytest.raises(ConfigError, match=r"every must be at least 1, .* all layers; got 0"):
        enable_gradient_checkpointing(model, every=0)
    for act in (enable_gradient_checkpointing, disable_gradient_checkpointing):
        with pytest.raises(ConfigError, match="Linear holds no Transformer whose blocks"):
            act(nn.Linear(2, 2))


@pytest.mark.skipif(not dist.is_available(), reason="torch was built without torch.distributed")
def test_two_processes(attempt: Attempt, tmp_path: Path) -> None:
    """This file is also the program that each of them runs."""
    log, program = tmp_path / "log", f"import runpy; runpy.run_path({__file__!r}, {{}}, '__main__')"
    assert attempt([], log, program=program, processes=2) == [0, 0], log.read_text()


def one_of_two() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    for family in ("bert", "albert"):
        torch.manual_seed(5)
        model = Transformer(shape(family))
        torch.manual_seed(rank)  # each has texts and dropout of its own
        given = torch.randint(13, (3, 7))
        steps = []
        for parts in (None, *PARTS):
            if parts is not None:
                enable_gradient_checkpointing(model, parts=PARTS[parts][0])
            model.zero_grad()
            shared = DistributedDataParallel(model, gradient_as_bucket_view=True)
            torch.manual_seed(100 + rank)
            shared(given, None, Padding(REAL)).square().sum().backward()
            steps.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
        assert len(steps[0]) == len(list(model.parameters()))
        for found in steps[1:]:
            assert_same(found, steps[0])
    dist.destroy_process_group()


if __name__ == "__main__":
    one_of_two()
