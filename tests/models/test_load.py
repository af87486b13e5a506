import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from wenlu.errors import CheckpointError, RunError
from wenlu.models import FAMILIES, Classifier, Model, TextBatch, load, load_classifier, save
from wenlu.models.model import HEADS
from wenlu.nn import Padding, PreNorm, SquaredReLU, real_tokens
from wenlu.text import Tokenizer

Randomise = Callable[[nn.Module], nn.Module]

SIZES = {"vocabulary": 29, "width": 24, "heads": 3, "layers": 2, "inner_width": 40}
LENGTHS = torch.tensor([9, 4])
TASK = {"task": "sentiment"}
HUGGING_FACE = ("bert", "roformer", "albert", "gpt2")


def make(family: str, heads: tuple[str, ...], randomised: Randomise) -> Model:
    return randomised(Model(FAMILIES[family](**SIZES), heads))


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Ids, segments, and which tokens are real."""
    segments = (torch.arange(9) > 3).long().expand(2, 9).contiguous()
    return torch.randint(5, 29, (2, 9)), segments, real_tokens(LENGTHS, 9)


def assert_identical(one: nn.Module, other: nn.Module) -> None:
    """Bit for bit, and all of it."""
    first, second = one.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.mark.parametrize("layout", [None, "wenlu"])
@pytest.mark.parametrize("heads", [(), ("pooler",), ("mlm",), HEADS], ids=", ".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_is_loaded_bit_for_bit(
    family: str,
    heads: tuple[str, ...],
    layout: str | None,
    randomised: Randomise,
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    model = make(family, () if family == "gpt2" else heads, randomised)
    loaded = load(save(tmp_path / "model", model, tokenizer, layout=layout))
    assert_identical(loaded.model, model)
    assert loaded.model.config == model.config
    assert loaded.model.heads == model.heads
    assert loaded.tokenizer.vocabulary == tokenizer.vocabulary
    stated = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    ours = layout == "wenlu" or family not in HUGGING_FACE
    assert stated["model_type"] == ("wenlu" if ours else family)


@pytest.mark.parametrize("family", HUGGING_FACE)
def test_transformers_reads_what_is_saved(
    family: str, randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = make(family, (), randomised)
    save(tmp_path / "model", model, tokenizer)
    theirs = transformers.AutoModel.from_pretrained(tmp_path / "model").eval()
    ids, segments, real = batch()
    options = {} if family == "gpt2" else {"token_type_ids": segments}
    with torch.no_grad():
        expected = model.encoder(ids, segments, Padding(real))[real]
        found = theirs(ids, attention_mask=real, **options).last_hidden_state[real]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    same = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    text = "春眠不觉晓，处处闻啼鸟。"
    assert same(text)["input_ids"][1:-1] == tokenizer.encode(text).ids


@pytest.mark.parametrize("layout", [None, "wenlu"])
@pytest.mark.parametrize("pooling", ["first", "pooler", "mean", "max"])
@pytest.mark.parametrize("family", ["bert", "roformer", "albert", "nezha"])
def test_a_classifier_is_loaded_bit_for_bit(
    family: str,
    pooling: str,
    layout: str | None,
    randomised: Randomise,
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    classifier = make_classifier(family, pooling, randomised)
    folder = save(
        tmp_path / "model",
        classifier,
        tokenizer,
        labels=["差", "中", "好"],
        extra=TASK | {"margin": 0.5},
        layout=layout,
    )
    loaded, same, task = load_classifier(folder)
    assert_identical(loaded, classifier)
    assert (loaded.config, loaded.pooling) == (classifier.config, pooling)
    assert not loaded.training
    assert same.vocabulary == tokenizer.vocabulary
    assert {name: task[name] for name in ("task", "margin")} == TASK | {"margin": 0.5}
    ids, segments, _ = batch()
    given = TextBatch(ids, segments, LENGTHS)
    assert torch.equal(loaded(given).logits, classifier(given).logits)


def make_classifier(family: str, pooling: str, randomised: Randomise) -> Classifier:
    model = Model(FAMILIES[family](**SIZES), {"pooler"} if pooling == "pooler" else ())
    return randomised(Classifier(model, 3, pooling=pooling))


@pytest.mark.parametrize(
    ("family", "pooling"),
    [
        ("bert", "first"),
        ("bert", "pooler"),
        ("albert", "first"),
        ("albert", "pooler"),
        ("roformer", "first"),
    ],
)
def test_transformers_classifies_as_we_do(
    family: str, pooling: str, randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    classifier = make_classifier(family, pooling, randomised)
    save(tmp_path / "model", classifier, tokenizer, labels=["差", "中", "好"], extra=TASK)
    kind = transformers.AutoModelForSequenceClassification
    theirs, report = kind.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(report.values()), report  # nothing was missing, surplus or drawn anew
    assert theirs.config.id2label == {0: "差", 1: "中", 2: "好"}
    ids, segments, real = batch()
    with torch.no_grad():
        expected = classifier(TextBatch(ids, segments, LENGTHS)).logits
        found = theirs.eval()(ids, attention_mask=real, token_type_ids=segments).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "pooling"), [("bert", "mean"), ("roformer", "max"), ("roformer", "pooler")]
)
def test_transformers_has_the_encoder_where_it_has_no_such_classifier(
    family: str, pooling: str, randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    classifier = make_classifier(family, pooling, randomised)
    save(tmp_path / "model", classifier, tokenizer, extra=TASK)
    theirs = transformers.AutoModel.from_pretrained(tmp_path / "model").eval()
    ids, segments, real = batch()
    with torch.no_grad():
        expected = classifier.encoder(ids, segments, Padding(real))[real]
        found = theirs(ids, attention_mask=real, token_type_ids=segments).last_hidden_state[real]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_the_encoder_of_a_classifier_can_be_trained_on(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    classifier = make_classifier("bert", "pooler", randomised)
    model, _ = load(save(tmp_path / "model", classifier, tokenizer, extra=TASK))
    assert_identical(model.encoder, classifier.encoder)
    assert model.heads == {"pooler"}


def test_frequencies_that_were_changed_are_kept(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """A grown model repeats them; Hugging Face's layout has no place for that."""
    model = make("roformer", ("mlm",), randomised)
    for block in model.encoder.blocks:
        block.attention.position.frequencies.mul_(0.5)
    with pytest.raises(CheckpointError, match="the Hugging Face layout cannot hold this model: "):
        save(tmp_path / "theirs", model, tokenizer, layout="hf")
    assert not (tmp_path / "theirs").exists()
    assert_identical(load(save(tmp_path / "ours", model, tokenizer)).model, model)


@pytest.mark.parametrize(
    "change",
    [{"key_size": 6}, {"block": PreNorm()}, {"activation": SquaredReLU()}, {"causal": True}],
)
def test_shapes_that_no_family_has_are_kept_in_our_layout(
    change: dict[str, Any], randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    config = replace(FAMILIES["bert"](**SIZES), **change)
    model = randomised(Model(config))
    loaded = load(save(tmp_path / "model", model, tokenizer)).model
    assert loaded.config == config
    assert_identical(loaded, model)


def test_nezha_is_refused_by_the_other_layout(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = make("nezha", (), randomised)
    with pytest.raises(CheckpointError, match="cannot hold this model: transformers has had no"):
        save(tmp_path / "model", model, tokenizer, layout="hf")


def test_a_folder_that_holds_something_is_left_alone(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "诗.txt").write_text("春晓", encoding="utf-8")
    with pytest.raises(RunError, match="exists already"):
        save(tmp_path / "model", make("bert", (), randomised), tokenizer)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "诗.txt"]


def test_a_vocabulary_that_is_too_large_is_refused(
    randomised: Randomise, tokens: list[str], tmp_path: Path
) -> None:
    model = make("bert", (), randomised)
    larger = Tokenizer.from_tokens([*tokens, "多了"])
    message = "the vocabulary has 30 tokens, but the model has vectors for 29; "
    with pytest.raises(CheckpointError, match=message):
        save(tmp_path / "model", model, larger)
    assert not (tmp_path / "model").exists()
    save(tmp_path / "model", model, Tokenizer.from_tokens(tokens))
    larger.save(tmp_path / "model")  # as somebody does who mixes up two folders
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / "model")


def test_rows_that_no_token_has_are_allowed(
    randomised: Randomise, tokens: list[str], tmp_path: Path
) -> None:
    model = make("bert", (), randomised)
    save(tmp_path / "model", model, Tokenizer.from_tokens(tokens[:20]))
    assert len(load(tmp_path / "model").tokenizer) == 20


def test_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    for reader in (load, load_classifier):
        with pytest.raises(CheckpointError, match="is a file; give the folder that holds config"):
            reader(file)


def test_an_unknown_name_lists_the_closest(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no model 'scratch-2x127': .* are scratch-2x128"):
        load("scratch-2x127")
    with pytest.raises(CheckpointError, match="it is neither a folder nor one of the bundled"):
        load(tmp_path / "absent")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="has no weights"):
        load(tmp_path)


def test_a_model_that_is_no_classifier_is_refused(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    save(tmp_path / "model", make("bert", ("pooler",), randomised), tokenizer)
    with pytest.raises(CheckpointError, match="not fine-tuned by wenlu for a task; fine-tune it"):
        load_classifier(tmp_path / "model")


def test_a_shape_that_cannot_be_names_its_folder(
    randomised: Randomise, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = save(tmp_path / "model", make("nezha", (), randomised), tokenizer)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"dropout": 1.5}), "utf-8")
    with pytest.raises(CheckpointError, match=r"config.json: dropout must be in \[0, 1\); got 1.5"):
        load(folder)
