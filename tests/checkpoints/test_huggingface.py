import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from wenlu.checkpoints import read_checkpoint
from wenlu.errors import CheckpointError

from .tiny import FAMILIES, WIDTH, assert_same, batch, make, ours, saved, theirs

KINDS = [
    ("Bert", "Model", {"pooler"}),
    ("Bert", "ForPreTraining", {"pooler", "mlm", "nsp"}),
    ("Bert", "ForMaskedLM", {"mlm"}),
    ("Bert", "ForNextSentencePrediction", {"pooler", "nsp"}),
    ("Bert", "ForSequenceClassification", {"pooler", "classifier"}),
    ("RoFormer", "Model", set()),
    ("RoFormer", "ForMaskedLM", {"mlm"}),
    ("Albert", "Model", {"pooler"}),
    ("Albert", "ForPreTraining", {"pooler", "mlm", "nsp"}),
    ("Albert", "ForMaskedLM", {"mlm"}),
    ("Albert", "ForSequenceClassification", {"pooler", "classifier"}),
    ("GPT2", "Model", set()),
    ("GPT2", "LMHeadModel", set()),
]


def change(folder: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    """Edit the stored tensors of a folder."""
    file = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    edit(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def configure(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    config = {**json.loads(file.read_text("utf-8")), **changes}
    kept = {key: value for key, value in config.items() if value is not ...}
    file.write_text(json.dumps(kept), "utf-8")


def reading(folder: Path) -> str:
    """The message with which the folder is refused."""
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(folder)
    return str(caught.value)


@pytest.mark.parametrize(("family", "kind", "heads"), KINDS)
def test_the_encoder_gives_the_same_states(
    tmp_path: Path, family: str, kind: str, heads: set[str]
) -> None:
    model = saved(tmp_path, family, kind)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.config.family == family.lower()
    assert checkpoint.heads == heads
    assert {name.split(".")[0] for name in checkpoint.tensors} == heads | {"encoder"}
    real = batch()[2]
    expected = theirs(model.base_model)[0]
    torch.testing.assert_close(ours(checkpoint)[real], expected[real], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ["gelu_new", "relu", "silu", "tanh", "relu2"])
def test_activations_are_translated(tmp_path: Path, activation: str) -> None:
    model = saved(tmp_path, "Bert", hidden_act=activation)
    real = batch()[2]
    torch.testing.assert_close(
        ours(read_checkpoint(tmp_path))[real], theirs(model)[0][real], rtol=1e-5, atol=1e-5
    )


def test_heads_are_read_by_our_names(tmp_path: Path) -> None:
    model = saved(tmp_path, "Bert", "ForPreTraining")
    read, stored = read_checkpoint(tmp_path).tensors, model.state_dict()
    for ours_, theirs_ in {
        "pooler.dense.weight": "bert.pooler.dense.weight",
        "mlm.dense.weight": "cls.predictions.transform.dense.weight",
        "mlm.norm.bias": "cls.predictions.transform.LayerNorm.bias",
        "mlm.bias": "cls.predictions.bias",
        "nsp.weight": "cls.seq_relationship.weight",
    }.items():
        assert torch.equal(read[ours_], stored[theirs_])


def test_albert_heads_are_read_by_our_names(tmp_path: Path) -> None:
    model = saved(tmp_path, "Albert", "ForPreTraining")
    read, stored = read_checkpoint(tmp_path).tensors, model.state_dict()
    assert torch.equal(read["pooler.dense.weight"], stored["albert.pooler.weight"])
    assert torch.equal(read["mlm.dense.weight"], stored["predictions.dense.weight"])
    assert torch.equal(read["nsp.bias"], stored["sop_classifier.classifier.bias"])


def test_a_classifier_brings_its_labels_and_pooling(tmp_path: Path) -> None:
    labels = {0: "体育", 1: "财经", 2: "科技"}
    saved(tmp_path, "Bert", "ForSequenceClassification", id2label=labels)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.notes.labels == ["体育", "财经", "科技"]
    assert checkpoint.notes.pooling == "pooler"
    assert checkpoint.tensors["classifier.weight"].shape == (3, WIDTH)


def test_a_token_classifier_stands_on_the_states(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForTokenClassification")
    checkpoint = read_checkpoint(tmp_path)
    assert (checkpoint.heads, checkpoint.notes.pooling) == ({"classifier"}, None)


def test_labels_and_classifier_must_agree(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForSequenceClassification")
    configure(tmp_path, id2label={"0": "甲", "1": "乙", "2": "丙"})
    assert "id2label has 3 labels, but the classifier has 2 rows" in reading(tmp_path)
    configure(tmp_path, id2label={"0": "甲", "2": "乙"})
    assert "number its labels 0, 1, 2" in reading(tmp_path)
    configure(tmp_path, id2label=["甲", "乙"])
    assert "id2label must give each number a label" in reading(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stands_before_the_names_may_differ(tmp_path: Path, family: str) -> None:
    saved(tmp_path, family)
    bare = read_checkpoint(tmp_path)
    base = {"GPT2": "transformer."}.get(family, "bert.")

    def prefix(tensors: dict[str, Tensor]) -> None:
        for name in list(tensors):
            tensors[base + name] = tensors.pop(name)

    change(tmp_path, prefix)
    assert_same(read_checkpoint(tmp_path), bare.tensors)


def test_the_first_releases_names_of_norms(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForPreTraining")
    new = read_checkpoint(tmp_path)

    def age(tensors: dict[str, Tensor]) -> None:
        for name in list(tensors):
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            tensors[old.replace("LayerNorm.bias", "LayerNorm.beta")] = tensors.pop(name)

    change(tmp_path, age)
    assert_same(read_checkpoint(tmp_path), new.tensors)


def test_stored_constants_and_copies_are_known(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForMaskedLM")
    before = read_checkpoint(tmp_path)

    def add(tensors: dict[str, Tensor]) -> None:
        tensors["bert.embeddings.position_ids"] = torch.arange(10)[None]
        embeddings = tensors["bert.embeddings.word_embeddings.weight"]
        tensors["cls.predictions.decoder.weight"] = embeddings.clone()
        tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()

    change(tmp_path, add)
    assert_same(read_checkpoint(tmp_path), before.tensors)
    change(tmp_path, lambda tensors: tensors.pop("cls.predictions.bias"))
    assert_same(read_checkpoint(tmp_path), before.tensors)


def test_gpt2_constants_are_known(tmp_path: Path) -> None:
    saved(tmp_path, "GPT2", "LMHeadModel")
    before = read_checkpoint(tmp_path)

    def add(tensors: dict[str, Tensor]) -> None:
        tensors["transformer.h.0.attn.bias"] = torch.ones(1, 1, 10, 10, dtype=torch.bool)
        tensors["transformer.h.1.attn.masked_bias"] = torch.tensor(-1e4)
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()

    change(tmp_path, add)
    assert_same(read_checkpoint(tmp_path), before.tensors)


def test_an_untied_decoder_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForMaskedLM", tie_word_embeddings=False)
    assert "cls.predictions.decoder.weight differs from the tensor" in reading(tmp_path)
    change(tmp_path, lambda tensors: tensors.pop("cls.predictions.decoder.weight"))
    change(tmp_path, lambda tensors: tensors.pop("cls.predictions.decoder.bias"))
    assert "tie_word_embeddings is false" in reading(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    model = make("RoFormer", "ForMaskedLM").to(dtype)
    model.save_pretrained(tmp_path)
    tensors = read_checkpoint(tmp_path).tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    embeddings = model.state_dict()["roformer.embeddings.word_embeddings.weight"]
    assert torch.equal(tensors["encoder.embeddings.token.weight"], embeddings.float())


def test_rotary_frequencies_are_worked_out(tmp_path: Path) -> None:
    saved(tmp_path, "RoFormer", hidden_size=16)
    stored = read_checkpoint(tmp_path).tensors["encoder.blocks.1.attention.position.frequencies"]
    torch.testing.assert_close(stored, torch.tensor([1.0, 0.1, 0.01, 0.001]))


def test_only_the_usual_sinusoids_are_read(tmp_path: Path) -> None:
    saved(tmp_path, "RoFormer")
    change(tmp_path, lambda tensors: tensors["encoder.embed_positions.weight"].mul_(0.5))
    assert "is not RoFormer's table of sinusoids" in reading(tmp_path)


def test_a_linear_pooler_is_told(tmp_path: Path) -> None:
    saved(tmp_path, "RoFormer")
    configure(tmp_path, pooler_activation="linear")

    def add(tensors: dict[str, Tensor]) -> None:
        tensors["pooler.dense.weight"] = torch.eye(WIDTH) / 3
        tensors["pooler.dense.bias"] = torch.zeros(WIDTH)

    change(tmp_path, add)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.heads == {"pooler"}
    assert checkpoint.notes.extra == {"pooler_activation": "linear"}


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    name = "encoder.layer.1.intermediate.dense.weight"
    change(tmp_path, lambda tensors: tensors.update({f"{name}_": tensors.pop(name)}))
    message = reading(tmp_path)
    assert f"1 tensor missing:\n  {name} (12, 8); the closest is {name}_" in message
    assert f"1 tensor not expected:\n  {name}_ (12, 8), closest to {name}" in message
    assert "keep the encoder alone" in message


def test_many_missing_tensors_are_counted(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    configure(tmp_path, num_hidden_layers=4)
    message = reading(tmp_path)
    assert "32 tensors missing" in message
    assert "... and 22 more" in message


def test_misshapen_tensors_are_named(tmp_path: Path) -> None:
    saved(tmp_path, "GPT2")
    configure(tmp_path, n_inner=16)
    message = reading(tmp_path)
    assert "h.0.mlp.c_fc.weight is (8, 32), expected (8, 16)" in message
    assert "6 tensors of another shape" in message


def test_half_a_head_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "Bert", "ForPreTraining")
    change(tmp_path, lambda tensors: tensors.pop("cls.predictions.transform.dense.bias"))
    change(tmp_path, lambda tensors: tensors.pop("cls.seq_relationship.bias"))
    message = reading(tmp_path)
    assert "cls.predictions.transform.dense.bias (8,)" in message
    assert "Only a part of mlm and nsp is there" in message


def test_a_decoder_without_its_head_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")

    def add(tensors: dict[str, Tensor]) -> None:
        tensors["cls.predictions.decoder.weight"] = tensors[
            "embeddings.word_embeddings.weight"
        ].clone()
        tensors["cls.predictions.decoder.bias"] = torch.zeros(20)

    change(tmp_path, add)
    assert "Only a part of mlm is there" in reading(tmp_path)
    change(tmp_path, lambda tensors: tensors.pop("cls.predictions.decoder.bias"))
    assert "decoder.weight is there, but the rest of its head is not" in reading(tmp_path)


def test_a_table_of_sinusoids_in_another_family_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "Albert")
    table = torch.zeros(10, 4)
    change(tmp_path, lambda tensors: tensors.update({"encoder.embed_positions.weight": table}))
    assert "belongs to RoFormer alone" in reading(tmp_path)


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    configure(tmp_path, vocab_size=21)
    message = reading(tmp_path)
    assert "vocab_size 21, but embeddings.word_embeddings.weight has 20 rows" in message


def test_integers_are_no_weights(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    name = "encoder.layer.0.output.dense.weight"
    change(tmp_path, lambda tensors: tensors.update({name: tensors[name].to(torch.int8)}))
    assert f"{name} is int8" in reading(tmp_path)


def test_heads_that_we_do_not_have_are_refused_with_advice(tmp_path: Path) -> None:
    saved(tmp_path, "RoFormer", "ForSequenceClassification")
    message = reading(tmp_path)
    assert "classifier.out_proj.weight" in message
    assert "keep the encoder alone" in message


def test_weights_without_embeddings(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    change(tmp_path, lambda tensors: tensors.pop("embeddings.word_embeddings.weight"))
    assert "has no token embeddings" in reading(tmp_path)


def test_a_table_beside_may_not_repeat_the_model(tmp_path: Path) -> None:
    saved(tmp_path, "Bert")
    save_file({"pooler.dense.bias": torch.zeros(8)}, tmp_path / "wenlu_heads.safetensors")
    assert "stores pooler.dense.bias twice" in reading(tmp_path)
