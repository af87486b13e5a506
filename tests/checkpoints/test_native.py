import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from wenlu.checkpoints import Notes, expressible, read_checkpoint, write_wenlu
from wenlu.checkpoints.skeleton import skeleton
from wenlu.errors import CheckpointError, RunError
from wenlu.nn import LayerNorm, PreNorm, Rotary, Transformer, TransformerConfig

from .test_skeleton import family_config
from .tiny import assert_same


def tensors_of(config: TransformerConfig, *heads: str) -> dict[str, Tensor]:
    encoder = Transformer(config).state_dict()
    shapes = skeleton(config, labels=3).shapes
    return {
        **{f"encoder.{name}": tensor for name, tensor in encoder.items()},
        **{
            name: torch.randn(shape)
            for name, shape in shapes.items()
            if name.split(".")[0] in heads
        },
    }


@pytest.mark.parametrize("family", ["bert", "roformer", "nezha", "albert", "gpt2"])
def test_what_is_written_is_read(tmp_path: Path, family: str) -> None:
    config = family_config(family, head_size=2, initial_std=0.01)
    tensors = tensors_of(config, "pooler", "mlm", "classifier")
    tensors["tagger.transitions"] = torch.arange(4)
    extra = {"task": "情感", "max_length": 128}
    write_wenlu(
        tmp_path / "model",
        config=config,
        tensors=tensors,
        notes=Notes(labels=["正面", "负面", "中性"], pooling="mean", extra=extra),
    )
    read = read_checkpoint(tmp_path / "model")
    assert_same(read, tensors)
    assert read.config == config
    assert read.heads == {"pooler", "mlm", "classifier", "tagger"}
    assert read.notes == Notes(labels=["正面", "负面", "中性"], pooling="mean", extra=extra)


def test_frequencies_are_kept(tmp_path: Path) -> None:
    config = family_config("roformer")
    tensors = tensors_of(config)
    name = "encoder.blocks.0.attention.position.frequencies"
    tensors[name] = tensors[name] * 2
    assert "frequencies differs" in str(expressible(config, tensors))
    write_wenlu(tmp_path / "model", config=config, tensors=tensors)
    assert_same(read_checkpoint(tmp_path / "model"), tensors)


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    config = family_config("bert")
    tensors = tensors_of(config, "mlm")
    del tensors["mlm.norm.weight"]
    with pytest.raises(CheckpointError, match="Only a part of mlm is there"):
        write_wenlu(tmp_path / "model", config=config, tensors=tensors)
    assert not (tmp_path / "model").exists()


def test_a_folder_without_weights(tmp_path: Path) -> None:
    config = family_config("bert")
    write_wenlu(tmp_path / "model", config=config, tensors=tensors_of(config))
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"has no weights: .* found config\.json"):
        read_checkpoint(tmp_path / "model")


def test_more_can_be_written_before_it_appears(tmp_path: Path) -> None:
    config = family_config("bert")

    def vocabulary(folder: Path) -> None:
        (folder / "vocab.txt").write_text("[PAD]\n", "utf-8")

    write_wenlu(tmp_path / "model", config=config, tensors=tensors_of(config), also=vocabulary)
    assert (tmp_path / "model" / "vocab.txt").is_file()


def test_newer_formats_are_refused(tmp_path: Path) -> None:
    config = family_config("bert")
    notes = Notes(extra={"task": 1})
    write_wenlu(tmp_path / "model", config=config, tensors=tensors_of(config), notes=notes)
    for name in ("wenlu.json", "config.json"):
        file = tmp_path / "model" / name
        content = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**content, "wenlu_format": 3}), "utf-8")
        with pytest.raises(CheckpointError, match=f"{name}: wenlu_format is 3"):
            read_checkpoint(tmp_path / "model")


@pytest.mark.parametrize("notes", [{"labels": "甲乙"}, {"extra": []}, {"pooling": 1}])
def test_damaged_notes_are_named(tmp_path: Path, notes: dict[str, Any]) -> None:
    config = family_config("bert")
    write_wenlu(tmp_path / "model", config=config, tensors=tensors_of(config))
    file = tmp_path / "model" / "wenlu.json"
    file.write_text(json.dumps({"wenlu_format": 1, **notes}), "utf-8")
    with pytest.raises(CheckpointError, match=rf"wenlu.json: .*{next(iter(notes))}"):
        read_checkpoint(tmp_path / "model")


def test_notes_that_are_no_json_leave_nothing(tmp_path: Path) -> None:
    config = family_config("bert")
    with pytest.raises(TypeError):
        write_wenlu(
            tmp_path / "model",
            config=config,
            tensors=tensors_of(config),
            notes=Notes(extra={"x": object()}),
        )
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "precious").touch()
    config = family_config("bert")
    with pytest.raises(RunError, match="not an empty folder"):
        write_wenlu(tmp_path / "model", config=config, tensors=tensors_of(config))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("bert", {"norm": LayerNorm(1e-7), "initial_std": 0.01}),
        ("roformer", {"position": Rotary(500.0), "block": PreNorm(), "final_norm": True}),
        ("nezha", {}),
    ],
)
def test_the_first_format_is_read(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    config = family_config(family, **changes)
    tensors = tensors_of(config)
    write_wenlu(tmp_path / "model", config=config, tensors=tensors)
    left_out = {name: tensor for name, tensor in tensors.items() if not name.endswith(".table")}
    save_file(left_out, tmp_path / "model" / "model.safetensors")
    file = tmp_path / "model" / "config.json"
    own = json.loads(file.read_text("utf-8")) | {"wenlu_format": 1}
    own["position"] = {"bert": "learned", "roformer": "rotary", "nezha": "relative"}[family]
    own["rotary_base"] = getattr(config.position, "base", 10_000.0)
    own["norm_epsilon"], own["norm"] = config.norm.epsilon, own.pop("block").removesuffix("_norm")
    own["initial_deviation"] = own.pop("initial_std")
    del own["scores"], own["scale"]
    file.write_text(json.dumps(own), "utf-8")
    read = read_checkpoint(tmp_path / "model")
    assert read.config == config
    assert_same(read, tensors)
