import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from wenlu.checkpoints import Checkpoint, read_checkpoint, write_huggingface
from wenlu.errors import CheckpointError, RunError

from .test_huggingface import KINDS
from .tiny import VOCABULARY, WIDTH, assert_same, saved, theirs


def write(folder: Path, source: Checkpoint, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Write a checkpoint, and return the configuration that was written."""
    also = changes.pop("also", None)
    config = changes.pop("config", source.config)
    tensors = changes.pop("tensors", source.tensors)
    notes = replace(source.notes, **changes)
    write_huggingface(folder, config=config, tensors=tensors, notes=notes, also=also)
    return json.loads((folder / "config.json").read_text("utf-8"))


def reload(kind: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The model as transformers reads it, and what it found missing or surplus."""
    model, info = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
    return model.eval(), {what: names for what, names in info.items() if names}


@pytest.mark.parametrize(("family", "kind", "heads"), KINDS)
def test_transformers_reads_what_it_wrote(
    tmp_path: Path, family: str, kind: str, heads: set[str]
) -> None:
    model = saved(tmp_path / "in", family, kind)
    source = read_checkpoint(tmp_path / "in")
    config = write(tmp_path / "out", source)
    again, info = reload(config["architectures"][0], tmp_path / "out")
    assert config["architectures"] == [f"{family}{'LMHeadModel' if family == 'GPT2' else kind}"]
    assert info == {}
    expected = theirs(model)
    for name, value in theirs(again).items():
        if isinstance(value, Tensor) and name in expected:
            assert torch.equal(value, expected[name]), name
    copy = read_checkpoint(tmp_path / "out")
    assert_same(copy, source.tensors)
    assert (copy.config, copy.heads, copy.notes) == (source.config, heads, source.notes)


def classified(folder: Path, family: str, **changes: Any) -> tuple[Any, Checkpoint, dict]:  # noqa: ANN401
    """A model, its checkpoint, and its tensors with a classifier of three labels."""
    model = saved(folder, family, **changes)
    source = read_checkpoint(folder)
    generator = torch.Generator().manual_seed(2)
    return (
        model,
        source,
        {
            **source.tensors,
            "classifier.weight": torch.randn(3, WIDTH, generator=generator),
            "classifier.bias": torch.randn(3, generator=generator),
        },
    )


@pytest.mark.parametrize(
    ("family", "activation"),
    [("Bert", "gelu"), ("Bert", "relu"), ("Albert", "gelu_new")]
    + [("RoFormer", name) for name in ("gelu", "gelu_new", "silu", "tanh")],
)
def test_a_classifier_on_the_first_token(tmp_path: Path, family: str, activation: str) -> None:
    model, source, tensors = classified(tmp_path / "in", family, hidden_act=activation)
    labels = ["体育", "财经", "科技"]
    config = write(tmp_path / "out", source, tensors=tensors, labels=labels, pooling="first")
    assert config["architectures"] == [f"{family}ForSequenceClassification"]
    assert config["id2label"] == {"0": "体育", "1": "财经", "2": "科技"}
    again, info = reload("AutoModelForSequenceClassification", tmp_path / "out")
    assert info == {}
    state = theirs(model)[0][:, 0].double()
    exact = state @ tensors["classifier.weight"].T.double() + tensors["classifier.bias"]
    torch.testing.assert_close(theirs(again).logits, exact.float(), rtol=1e-6, atol=1e-6)
    copy = read_checkpoint(tmp_path / "out")
    assert_same(copy, tensors)
    assert copy.heads == source.heads | {"classifier"}
    assert (copy.notes.labels, copy.notes.pooling) == (labels, "first")


def test_the_single_layer_is_known_without_our_notes(tmp_path: Path) -> None:
    _, source, tensors = classified(tmp_path / "in", "RoFormer")
    write(tmp_path / "out", source, tensors=tensors, pooling="first")
    (tmp_path / "out" / "wenlu.json").unlink()
    copy = read_checkpoint(tmp_path / "out")
    assert_same(copy, tensors)
    assert copy.notes.pooling == "first"


@pytest.mark.parametrize(
    ("family", "pooling", "changes"),
    [
        ("Bert", "mean", {}),
        ("Albert", "max", {}),
        ("RoFormer", "mean", {}),
        ("RoFormer", "first", {"hidden_act": "relu"}),
        ("GPT2", "first", {}),
    ],
)
def test_a_classifier_that_has_no_place_lies_beside(
    tmp_path: Path, family: str, pooling: str, changes: dict[str, Any]
) -> None:
    model, source, tensors = classified(tmp_path / "in", family, **changes)
    labels = ["体育", "财经", "科技"]
    config = write(tmp_path / "out", source, tensors=tensors, labels=labels, pooling=pooling)
    assert "id2label" not in config
    assert (tmp_path / "out" / "wenlu_heads.safetensors").is_file()
    again, info = reload("AutoModel", tmp_path / "out")
    assert info == {}
    assert torch.equal(theirs(again)[0], theirs(model)[0])
    copy = read_checkpoint(tmp_path / "out")
    assert_same(copy, tensors)
    assert (copy.notes.labels, copy.notes.pooling) == (labels, pooling)


def test_a_fine_tuned_model_keeps_its_other_heads(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Albert", "ForPreTraining")
    source = read_checkpoint(tmp_path / "in")
    classifier = {"classifier.weight": torch.ones(3, WIDTH), "classifier.bias": torch.ones(3)}
    tensors = {**source.tensors, **classifier}
    for pooling in ("first", "pooler", "mean"):
        write(tmp_path / pooling, source, tensors=tensors, pooling=pooling)
        assert reload("AutoModel", tmp_path / pooling)
        assert_same(read_checkpoint(tmp_path / pooling), tensors)


def test_heads_of_our_own_lie_beside(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert", "ForMaskedLM")
    source = read_checkpoint(tmp_path / "in")
    tensors = {**source.tensors, "pointer.weight": torch.ones(2, 3)}
    write(tmp_path / "out", source, tensors=tensors, extra={"task": "阅读理解"})
    copy = read_checkpoint(tmp_path / "out")
    assert_same(copy, tensors)
    assert copy.heads == {"mlm", "pointer"}
    assert copy.notes.extra == {"task": "阅读理解"}


def test_simbert_is_a_language_model_with_a_pooler(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert", "ForPreTraining")
    source = read_checkpoint(tmp_path / "in")
    tensors = {name: tensor for name, tensor in source.tensors.items() if "nsp" not in name}
    config = write(tmp_path / "out", source, tensors=tensors)
    assert config["architectures"] == ["BertForMaskedLM"]
    assert "missing_keys" not in reload("AutoModel", tmp_path / "out")[1]
    assert_same(read_checkpoint(tmp_path / "out"), tensors)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    source = read_checkpoint(tmp_path / "in")
    with pytest.raises(RunError, match="exists already and is not an empty folder"):
        write(tmp_path / "in", source)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", source)
    assert_same(read_checkpoint(tmp_path / "empty"), source.tensors)


def test_more_can_be_written_before_it_appears(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    source = read_checkpoint(tmp_path / "in")

    def vocabulary(folder: Path) -> None:
        assert not (tmp_path / "out").exists()
        (folder / "vocab.txt").write_text("[PAD]\n", "utf-8")

    write(tmp_path / "out", source, also=vocabulary)
    assert (tmp_path / "out" / "vocab.txt").is_file()

    def interrupted(folder: Path) -> None:
        (folder / "vocab.txt").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "other", source, also=interrupted)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_models_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    source = read_checkpoint(tmp_path / "in")
    with pytest.raises(CheckpointError, match=r"cannot hold this model: .*write_wenlu"):
        write(tmp_path / "out", source, config=replace(source.config, causal=True))
    fewer = {name: tensor for name, tensor in source.tensors.items() if "segment" not in name}
    with pytest.raises(CheckpointError, match=r"encoder\.embeddings\.segment\.weight"):
        write(tmp_path / "out", source, tensors=fewer)
    tensors = {
        **source.tensors,
        "classifier.weight": torch.zeros(2, WIDTH),
        "classifier.bias": torch.zeros(2),
    }
    with pytest.raises(CheckpointError, match="3 labels, but the classifier has 2 rows"):
        write(tmp_path / "out", source, tensors=tensors, labels=["甲", "乙", "丙"])
    assert not (tmp_path / "out").exists()


def test_others_may_read_the_files(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    write(tmp_path / "out", read_checkpoint(tmp_path / "in"))
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert len(modes) == 1


def test_tied_embeddings_stay_tied(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert", "ForMaskedLM")
    write(tmp_path / "out", read_checkpoint(tmp_path / "in"))
    again, _ = reload("BertForMaskedLM", tmp_path / "out")
    output, embeddings = again.get_output_embeddings(), again.get_input_embeddings()
    assert output.weight.data_ptr() == embeddings.weight.data_ptr()
    assert len(output.weight) == VOCABULARY
