import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wenlu.errors import CheckpointError, ConfigError
from wenlu.models import FAMILIES, Model, load, save
from wenlu.models.convert import convert
from wenlu.nn import Relative
from wenlu.text import Tokenizer

Randomise = Callable[[nn.Module], nn.Module]
SIZES = {"vocabulary": 29, "width": 24, "heads": 3, "layers": 2, "inner_width": 40}


class Ladder(nn.Module):
    """A part with weights, a counter, a constant, and weights that another part has, too."""

    def __init__(self, width: int, steps: int = 2, *, tied: bool = False) -> None:
        super().__init__()
        self.description = {"width": width, "steps": steps, "tied": tied}
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(steps))
        if tied:
            self.layers[1].weight = self.layers[0].weight
        self.scale = nn.Parameter(torch.randn(width))
        self.register_buffer("seen", torch.tensor(0))
        self.register_buffer("powers", 2.0 ** torch.arange(width), persistent=False)


class Whitening(nn.Module):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.description = {"rows": rows}
        self.kernel = nn.Parameter(torch.empty(rows, rows))


@pytest.fixture
def model(randomised: Randomise) -> Model:
    made = Model(FAMILIES["roformer"](**SIZES), ("mlm",))
    made.ladder, made.whitening = Ladder(24, 3), Whitening(5)
    return randomised(made)  # type: ignore[return-value]


def test_any_composition_is_saved_and_loaded(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model.ladder.seen += 7
    loaded, _ = load(save(tmp_path / "all", model, tokenizer), parts=[Ladder, Whitening])
    assert loaded.heads == {"mlm"}
    state = loaded.state_dict()
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(state[name], kept) for name, kept in model.state_dict().items())
    assert loaded.ladder.seen.dtype == torch.int64
    assert torch.equal(loaded.ladder.powers, model.ladder.powers)
    some, _ = load(tmp_path / "all", parts=[Whitening])
    assert not hasattr(some, "ladder")
    parts = {"encoder": model.encoder, "side": Ladder(4)}
    named, _ = load(save(tmp_path / "named", parts, tokenizer), parts=[Ladder])
    assert torch.equal(named.side.scale, parts["side"].scale)
    assert named.heads == set()


def test_what_is_not_described_is_kept_and_left_out(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    del model.ladder.description
    folder = save(tmp_path / "model", model, tokenizer)
    assert load(folder).model.heads == {"mlm"}
    with pytest.raises(
        CheckpointError, match=r"no part of the class .*:Ladder; it has .*whitening"
    ):
        load(folder, parts=[Ladder])


def test_nothing_is_imported_because_of_a_file(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = save(tmp_path / "model", model, tokenizer)
    notes = json.loads((folder / "wenlu.json").read_text("utf-8"))
    assert notes["parts"]["whitening"]["settings"] == {"rows": 5}
    notes["parts"]["whitening"]["class"] = "antigravity:Whitening"
    (folder / "wenlu.json").write_text(json.dumps(notes), "utf-8")
    with pytest.raises(CheckpointError, match=r"whitening \(antigravity:Whitening\)"):
        load(folder, parts=[Whitening])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"rows": 6}, r"whitening.kernel is \(5, 5\); its configuration asks for \(6, 6\)"),
        ({"lines": 5}, "cannot be made from the arguments that are stored for whitening"),
        ({"rows": "5"}, "cannot be made from"),
        ([5], "parts must give each part its class and settings"),
    ],
)
def test_settings_that_do_not_fit(
    settings: Any,  # noqa: ANN401
    reason: str,
    model: Model,
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    folder = save(tmp_path / "model", model, tokenizer)
    notes = json.loads((folder / "wenlu.json").read_text("utf-8"))
    notes["parts"]["whitening"]["settings"] = settings
    (folder / "wenlu.json").write_text(json.dumps(notes), "utf-8")
    with pytest.raises(CheckpointError, match=reason):
        load(folder, parts=[Whitening])


def test_what_cannot_be_saved(model: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    for wrong in ({"rows": torch.ones(1)}, {"rows": (5,)}, {"rows": float("nan")}, [5]):
        model.whitening.description = wrong
        with pytest.raises(CheckpointError, match="the description of whitening is"):
            save(tmp_path / "model", model, tokenizer)
    del model.whitening
    model.classifier = Whitening(5)
    with pytest.raises(CheckpointError, match="classifier is what wenlu's own models call"):
        save(tmp_path / "model", model, tokenizer)
    with pytest.raises(CheckpointError, match="pooled is what wenlu's own models call"):
        save(tmp_path / "model", {"encoder": model.encoder, "pooled": Whitening(5)}, tokenizer)
    for wrong in (nn.Linear(2, 2), {"head": Whitening(2)}, {"encoder": nn.Linear(2, 2)}):
        with pytest.raises(ConfigError, match="a model is saved with its encoder"):
            save(tmp_path / "model", wrong, tokenizer)
    assert not (tmp_path / "model").exists()


def test_a_part_may_not_take_the_place_of_another(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = save(tmp_path / "model", model, tokenizer)
    notes = json.loads((folder / "wenlu.json").read_text("utf-8"))
    notes["parts"] = {"forward": notes["parts"]["whitening"]}
    (folder / "wenlu.json").write_text(json.dumps(notes), "utf-8")
    with pytest.raises(CheckpointError, match="a part cannot be called 'forward'"):
        load(folder, parts=[Whitening])


def test_memory_is_shared_where_weights_are_tied_and_nowhere_else(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model.tied = Ladder(24, tied=True)
    loaded, _ = load(save(tmp_path / "model", model, tokenizer), parts=[Ladder, Whitening])
    assert loaded.tied.layers[0].weight is loaded.tied.layers[1].weight
    kept = [*loaded.parameters(), *loaded.buffers()]
    assert len({tensor.untyped_storage().data_ptr() for tensor in kept}) == len(kept)
    for tensor in kept:
        assert tensor.untyped_storage().nbytes() == tensor.nbytes


@pytest.mark.parametrize("family", ["gpt2", "albert", "nezha"])
def test_no_weights_share_memory(family: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = Model(FAMILIES[family](**SIZES))
    loaded, _ = load(save(tmp_path / "model", model, tokenizer))
    kept = list(loaded.parameters())
    assert len({tensor.untyped_storage().data_ptr() for tensor in kept}) == len(kept)
    assert not any(tensor.is_meta for tensor in loaded.buffers())
    assert all(tensor.requires_grad for tensor in kept)
    assert isinstance(model.config.position, Relative) == (family == "nezha")


@pytest.mark.parametrize("layout", ["hf", "wenlu"])
def test_the_folder_may_change_afterwards(
    layout: str, randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = randomised(Model(FAMILIES["bert"](**SIZES)))
    folder = save(tmp_path / "model", model, tokenizer, layout=layout)
    before = torch.get_rng_state()
    loaded, _ = load(folder)
    assert torch.equal(torch.get_rng_state(), before)  # nothing was drawn to be overwritten
    file = folder / "model.safetensors"
    file.write_bytes(b"\xff" * file.stat().st_size)
    file.write_bytes(b"")  # a file that is mapped would end the process now
    state = loaded.state_dict()
    assert all(torch.equal(state[name], kept) for name, kept in model.state_dict().items())


def test_a_buffer_that_would_have_no_values_is_told(
    model: Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    class Forgetful(Whitening):
        def __init__(self, rows: int) -> None:
            super().__init__(rows)
            self.register_buffer("window", torch.empty(rows), persistent=False)

    model.whitening = Forgetful(5)
    folder = save(tmp_path / "model", model, tokenizer)
    with pytest.raises(CheckpointError, match=r"whitening.window is made with torch.empty"):
        load(folder, parts=[Forgetful])


def test_converting_keeps_all_parts(model: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    del model.ladder.description  # even if nothing says how to make it again
    folder = save(tmp_path / "model", model, tokenizer)
    assert convert(folder, tmp_path / "half", to="wenlu", half=True) == "model"
    assert convert(folder, tmp_path / "again", to="wenlu") == "model"
    for name in ("config.json", "model.safetensors", "wenlu.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    halved = load(tmp_path / "half", parts=[Whitening]).model.whitening
    assert torch.equal(halved.kernel, model.whitening.kernel.half().float())
    with pytest.raises(CheckpointError, match="the head ladder, whitening has no place there"):
        convert(folder, tmp_path / "theirs", to="hf")
