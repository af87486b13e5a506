import json
import os
from pathlib import Path

import pytest
import torch

from wenlu.checkpoints import read_checkpoint
from wenlu.checkpoints.weights import read_json, read_weights
from wenlu.errors import CheckpointError

from .tiny import assert_same, saved


def as_bin(folder: Path, **options: bool) -> None:
    """Replace a folder's weights by PyTorch's file."""
    torch.save(read_weights(folder), folder / "pytorch_model.bin", **options)
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("zipped", [True, False])
def test_bin_files_are_read(tmp_path: Path, zipped: bool) -> None:
    saved(tmp_path, "Bert", "ForMaskedLM")
    before = read_checkpoint(tmp_path)
    as_bin(tmp_path, _use_new_zipfile_serialization=zipped)
    assert_same(read_checkpoint(tmp_path), before.tensors)


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards_are_read(tmp_path: Path, kind: str) -> None:
    model = saved(tmp_path, "Bert", "ForMaskedLM")
    before = read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    if kind == "safetensors":
        model.save_pretrained(tmp_path, max_shard_size=2000)
        assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    else:
        halves = list(model.state_dict().items())
        places = {}
        for number, half in enumerate([dict(halves[::2]), dict(halves[1::2])]):
            shard = f"pytorch_model-{number + 1:05d}-of-00002.bin"
            torch.save(half, tmp_path / shard)
            places |= dict.fromkeys(half, shard)
        index = tmp_path / "pytorch_model.bin.index.json"
        index.write_text(json.dumps({"weight_map": places}), "utf-8")
    assert_same(read_checkpoint(tmp_path), before.tensors)


class Evil:
    def __reduce__(self) -> tuple:
        return (os.mkdir, (str(Path(os.environ["EVIL"]) / "was_here"),))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_never_run(tmp_path: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIL", str(tmp_path))
    saved(tmp_path, "Bert")
    (tmp_path / "model.safetensors").unlink()
    content = {"embeddings.word_embeddings.weight": Evil()}
    torch.save(content, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"is refused.*Ask for a \.safetensors file"):
        read_checkpoint(tmp_path)
    assert not (tmp_path / "was_here").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "it holds a list"),
        ({"state_dict": {"weight": torch.zeros(1)}}, "under 'state_dict' it holds a dict"),
        ({1: torch.zeros(1)}, "under 1 it holds a Tensor"),
        ({"weight": torch.eye(2).to_sparse()}, "holds tensors that are no ordinary dense ones"),
    ],
)
def test_a_bin_file_must_hold_tensors_by_name(
    tmp_path: Path, content: object, message: str
) -> None:
    torch.save(content, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=message):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_truncated_files_are_named(tmp_path: Path, name: str, part: float) -> None:
    saved(tmp_path, "Bert")
    if name.endswith("bin"):
        as_bin(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(part * len(content))])
    with pytest.raises(CheckpointError, match=name) as caught:
        read_checkpoint(tmp_path)
    assert "damaged" in str(caught.value)


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="damaged"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "place",
    [
        "../secret.bin",
        "/etc/secret.bin",
        "sub/model.bin",
        "..\\secret.bin",
        "..",
        "",
        "c:model.bin",
        "model.pkl",
        7,
    ],
)
def test_shards_must_lie_in_the_folder(tmp_path: Path, place: object) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "secret.bin")
    folder = tmp_path / "model"
    folder.mkdir()
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"weight": place}}), "utf-8")
    with pytest.raises(CheckpointError, match="in the same folder"):
        read_weights(folder)


def test_an_index_and_its_shards_must_agree(tmp_path: Path) -> None:
    index = tmp_path / "pytorch_model.bin.index.json"
    places = {"first": "one.bin", "second": "two.bin"}
    index.write_text(json.dumps({"weight_map": places}), "utf-8")
    torch.save({"first": torch.zeros(1)}, tmp_path / "one.bin")
    with pytest.raises(CheckpointError, match=r"lacks 1 of 2 shards: two\.bin"):
        read_weights(tmp_path)
    torch.save({"third": torch.zeros(1)}, tmp_path / "two.bin")
    with pytest.raises(CheckpointError, match="disagree on 2 tensors: second, third"):
        read_weights(tmp_path)
    index.write_text("{}", "utf-8")
    with pytest.raises(CheckpointError, match="has no weight_map"):
        read_weights(tmp_path)


def test_links_are_followed(tmp_path: Path) -> None:
    saved(tmp_path / "blobs", "Bert")
    (tmp_path / "snapshot").mkdir()
    for file in (tmp_path / "blobs").iterdir():
        (tmp_path / "snapshot" / file.name).symlink_to(file)
    assert_same(read_checkpoint(tmp_path / "snapshot"), read_checkpoint(tmp_path / "blobs").tensors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"model_type": "bert",', "is not valid JSON"),
        ("[1, 2]", "must hold a JSON object; it holds a list"),
        ("[" * 100_000, "is not valid JSON"),
        (b"\xff\xfe{}", "is not valid JSON"),
    ],
)
def test_malformed_json_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    saved(tmp_path, "Bert")
    file = tmp_path / "config.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="cannot read"):
        read_json(tmp_path / "other.json")
