import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from wenlu.checkpoints import Checkpoint, read_checkpoint
from wenlu.checkpoints.names import tensorflow
from wenlu.checkpoints.skeleton import skeleton
from wenlu.nn import GELU

from .test_huggingface import reading
from .test_recognise import TENSORFLOW
from .test_skeleton import family_config
from .tf_bundle import write_bundle
from .tiny import CONFIGS, batch, ours, saved, theirs

PRETRAINED = {"pooler", "mlm", "nsp"}


def published(folder: Path, source: Checkpoint, **changes: Any) -> dict[str, NDArray]:  # noqa: ANN401
    """Write a checkpoint as Google does; returns its tensors."""
    folder.mkdir()
    tensors = {
        entry.stored: entry.pack(source.tensors).numpy()
        for part, entries in tensorflow(source.config).items()
        if part in source.heads | {"encoder"}
        for entry in entries
    }
    tensors |= {f"{name}/adam_m": tensor for name, tensor in tensors.items() if "cls" in name}
    tensors["global_step"] = np.array(5, np.int64)
    write_bundle(folder / "bert_model.ckpt", tensors)
    config = {**CONFIGS[{"bert": "Bert", "albert": "Albert"}.get(source.config.family, "RoFormer")]}
    content = json.dumps({**config, "hidden_act": "gelu", "directionality": "bidi", **changes})
    name = "albert_config.json" if source.config.family == "albert" else "bert_config.json"
    (folder / name).write_text(content, "utf-8")
    (folder / "vocab.txt").touch()
    return tensors


@pytest.mark.parametrize(
    ("family", "kind", "heads"),
    [
        ("Bert", "ForPreTraining", PRETRAINED),
        ("Bert", "ForMaskedLM", {"mlm"}),
        ("Bert", "ForSequenceClassification", {"pooler", "classifier"}),
        ("RoFormer", "ForMaskedLM", {"mlm"}),
        ("Albert", "ForPreTraining", PRETRAINED),
    ],
)
def test_published_layouts_are_read(
    tmp_path: Path, family: str, kind: str, heads: set[str]
) -> None:
    model = saved(tmp_path / "in", family, kind, hidden_act="gelu")
    source = read_checkpoint(tmp_path / "in")
    published(tmp_path / "out", source)
    read = read_checkpoint(tmp_path / "out")
    assert (read.config.family, read.heads) == (family.lower(), heads)
    assert read.notes.pooling == source.notes.pooling
    assert {name: tensor.tolist() for name, tensor in read.tensors.items()} == {
        name: tensor.tolist() for name, tensor in source.tensors.items()
    }
    real = batch()[2]
    expected = theirs(model.base_model)[0]
    torch.testing.assert_close(ours(read)[real], expected[real], rtol=1e-5, atol=1e-5)


def nezha(folder: Path, **changes: Any) -> tuple[Checkpoint, dict[str, NDArray]]:  # noqa: ANN401
    config = family_config("nezha", vocabulary=20, max_length=10)
    shapes, tables = skeleton(config)
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()} | tables
    tensors = {name: tensor for name, tensor in tensors.items() if "classifier" not in name}
    source = Checkpoint(config=config, tensors=tensors, source=folder)
    return source, published(folder, source, embedding_size=8, **changes)


def test_nezha_is_told_by_its_relative_positions(tmp_path: Path) -> None:
    source, _ = nezha(tmp_path / "nezha", use_relative_position=True)
    read = read_checkpoint(tmp_path / "nezha")
    assert (read.config.family, read.heads) == ("nezha", PRETRAINED)
    assert read.config == source.config
    assert all(torch.equal(read.tensors[name], source.tensors[name]) for name in source.tensors)


def test_kernels_are_turned(tmp_path: Path) -> None:
    source, stored = nezha(tmp_path / "nezha", use_relative_position=True)
    inner = source.tensors["encoder.blocks.1.feed_forward.inner.weight"]
    kernel = stored["bert/encoder/layer_1/intermediate/dense/kernel"]
    assert (tuple(inner.shape), kernel.shape) == ((12, 8), (8, 12))
    assert np.array_equal(kernel, inner.numpy().T)
    weights = stored["cls/seq_relationship/output_weights"]
    assert np.array_equal(weights, source.tensors["nsp.weight"].numpy())


def test_positions_that_cannot_be_told(tmp_path: Path) -> None:
    nezha(tmp_path / "nezha", use_relative_position=False)
    assert 'Add "model_type": "roformer" or "nezha"' in reading(tmp_path / "nezha")


def test_what_tensorflow_wrote_is_read() -> None:
    read = read_checkpoint(TENSORFLOW)
    assert (read.config.family, read.heads) == ("bert", {"pooler"})
    assert read.config.activation == GELU()
    assert read.tensors["encoder.blocks.1.feed_forward.inner.weight"].shape == (6, 4)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert", "ForMaskedLM")
    source = read_checkpoint(tmp_path / "in")
    tensors = published(tmp_path / "out", source)
    kernel = "bert/encoder/layer_0/output/dense/kernel"
    extra = {**tensors, "bert/encoder/layer_0/output/dense/kernels": tensors[kernel]}
    write_bundle(tmp_path / "out" / "bert_model.ckpt", extra)
    assert f"{kernel}s (12, 8), closest to {kernel}" in reading(tmp_path / "out")
    del extra[kernel]
    write_bundle(tmp_path / "out" / "bert_model.ckpt", extra)
    assert f"1 tensor missing:\n  {kernel} (12, 8)" in reading(tmp_path / "out")
    extra.pop("bert/embeddings/word_embeddings")
    write_bundle(tmp_path / "out" / "bert_model.ckpt", extra)
    assert "has no tensor 'bert/embeddings/word_embeddings'" in reading(tmp_path / "out")


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    published(tmp_path / "out", read_checkpoint(tmp_path / "in"), vocab_size=21)
    assert "vocab_size 21" in reading(tmp_path / "out")


def test_several_checkpoints_in_one_folder(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    tensors = published(tmp_path / "out", read_checkpoint(tmp_path / "in"))
    write_bundle(tmp_path / "out" / "model.ckpt-100", tensors)
    message = reading(tmp_path / "out")
    assert "has several: bert_model.ckpt.index, model.ckpt-100.index" in message


def test_gpt2_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model.ckpt", {"model/wte": np.zeros((2, 2), np.float32)})
    (tmp_path / "gpt2_config.json").write_text('{"model_type": "gpt2"}', "utf-8")
    assert "GPT-2 cannot be read from TensorFlow" in reading(tmp_path)
