from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from wenlu.errors import CheckpointError
from wenlu.models import FAMILIES, Classifier, Model, load, load_classifier, save
from wenlu.models.convert import convert
from wenlu.text import Tokenizer

Randomise = Callable[[nn.Module], nn.Module]

SIZES = {"vocabulary": 29, "width": 24, "heads": 3, "layers": 2, "inner_width": 40}


def same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "gpt2"])
def test_there_and_back_is_bit_identical(
    family: str, randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    heads = () if family == "gpt2" else ("mlm",)
    model = randomised(Model(FAMILIES[family](**SIZES), heads))
    start = save(tmp_path / "start", model, tokenizer)
    assert convert(start, tmp_path / "ours", to="wenlu") == "model"
    assert convert(tmp_path / "ours", tmp_path / "theirs", to="hf") == "model"
    for name in ("ours", "theirs"):
        assert same(load(tmp_path / name).model, model)
    files = [path.name for path in sorted(start.iterdir())]
    assert [path.name for path in sorted((tmp_path / "theirs").iterdir())] == files
    for name in files:
        assert (start / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes(), name


def test_a_run_folder_gives_its_classifier(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    classifier = randomised(Classifier(Model(FAMILIES["roformer"](**SIZES)), 2, pooling="mean"))
    save(tmp_path / "run" / "model", classifier, tokenizer, extra={"task": "match"})
    assert convert(tmp_path / "run", tmp_path / "ours", to="wenlu") == "classifier"
    loaded = load_classifier(tmp_path / "ours")
    assert same(loaded.classifier, classifier)
    assert loaded.task["task"] == "match"


def test_what_the_other_layout_cannot_hold_is_refused(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = randomised(Model(FAMILIES["nezha"](**SIZES)))
    save(tmp_path / "model", model, tokenizer)
    with pytest.raises(CheckpointError, match="cannot hold this model"):
        convert(tmp_path / "model", tmp_path / "theirs", to="hf")
    assert not (tmp_path / "theirs").exists()


def test_a_classifier_that_others_trained_keeps_its_head(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    config = transformers.BertConfig(
        vocab_size=29,
        hidden_size=24,
        num_attention_heads=3,
        num_hidden_layers=2,
        intermediate_size=40,
        num_labels=3,
        id2label={0: "好", 1: "中", 2: "差"},
        label2id={"好": 0, "中": 1, "差": 2},
    )
    theirs = transformers.BertForSequenceClassification(config).eval()
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer.save(tmp_path / "theirs")
    assert convert(tmp_path / "theirs", tmp_path / "ours", to="wenlu") == "classifier"
    assert convert(tmp_path / "ours", tmp_path / "again", to="hf") == "classifier"
    again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "again")
    assert again.config.id2label == {0: "好", 1: "中", 2: "差"}
    ids = torch.tensor([[2, 9, 12, 20, 3]])
    torch.testing.assert_close(again.eval()(ids).logits, theirs(ids).logits)


def test_half_the_space(randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = randomised(Model(FAMILIES["roformer"](**SIZES), ("mlm",)))
    start = save(tmp_path / "start", model, tokenizer, layout="wenlu")
    convert(start, tmp_path / "half", to="wenlu", half=True)
    sizes = [(p / "model.safetensors").stat().st_size for p in (start, tmp_path / "half")]
    assert sizes[1] < 0.8 * sizes[0]
    for name, tensor in load(tmp_path / "half").model.state_dict().items():
        before = model.state_dict()[name]
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, before.half().float() if before.ndim > 1 else before), name
    with pytest.raises(CheckpointError, match="float16 is for the wenlu layout"):
        convert(start, tmp_path / "theirs", to="hf", half=True)


def test_what_float16_cannot_hold_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = Model(FAMILIES["bert"](**SIZES))
    with torch.no_grad():
        model.encoder.embeddings.token.weight[3, 1] = 1e5
    with pytest.raises(CheckpointError, match="numbers that float16 cannot hold"):
        save(tmp_path / "half", model, tokenizer, half=True)
    assert not (tmp_path / "half").exists()
