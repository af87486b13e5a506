from pathlib import Path

import pytest

from wenlu.checkpoints import read_checkpoint, recognise, tokenizer_files, write_wenlu
from wenlu.checkpoints.recognise import find_family
from wenlu.errors import CheckpointError

from .test_huggingface import configure, reading
from .tiny import saved

TENSORFLOW = Path(__file__).parent / "data" / "tensorflow"


def test_layouts_are_told_by_what_is_in_the_folder(tmp_path: Path) -> None:
    saved(tmp_path / "in", "Bert")
    source = read_checkpoint(tmp_path / "in")
    write_wenlu(tmp_path / "out", config=source.config, tensors=source.tensors)
    assert recognise(tmp_path / "in") == "huggingface"
    assert recognise(tmp_path / "out") == "wenlu"
    assert recognise(TENSORFLOW) == "tensorflow"


def test_folders_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no folder"):
        recognise(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"has no weights: .*found nothing"):
        recognise(tmp_path)
    (tmp_path / "vocab.txt").touch()
    with pytest.raises(CheckpointError, match="is a file; give the folder"):
        recognise(tmp_path / "vocab.txt")
    (tmp_path / "config.json").write_text("{}")
    message = r"looked for model.safetensors, .*index; found config.json, vocab.txt"
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").unlink()
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(CheckpointError, match=r"\(pytorch_model.bin\) but no config.json"):
        recognise(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    (tmp_path / "bert_model.ckpt.index").touch()
    with pytest.raises(CheckpointError, match=r"but no bert_config.json"):
        recognise(tmp_path)


def test_a_configuration_without_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "wenlu"}')
    assert recognise(tmp_path) == "wenlu"
    assert "wenlu_format" in reading(tmp_path)


@pytest.mark.parametrize("family", ["Bert", "RoFormer", "Albert", "GPT2"])
def test_a_family_that_is_not_stated_is_told_by_the_tensors(tmp_path: Path, family: str) -> None:
    saved(tmp_path, family)
    before = read_checkpoint(tmp_path)
    configure(tmp_path, model_type=..., architectures=...)
    assert read_checkpoint(tmp_path).config == before.config


def test_a_family_that_is_wrong_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, "RoFormer", embedding_size=8)
    configure(tmp_path, model_type="bert")
    message = reading(tmp_path)
    assert "says the model is bert, but the tensor encoder.embed_positions.weight" in message
    assert 'set "model_type": "roformer"' in message


def test_unknown_families_are_named() -> None:
    with pytest.raises(CheckpointError, match="model_type is 'electra'; can read bert, roformer"):
        find_family({"model_type": "electra"}, [], Path("config.json"))


def test_no_positions_and_no_family() -> None:
    plain = ["bert.embeddings.word_embeddings.weight"]
    file = Path("config.json")
    with pytest.raises(CheckpointError, match=r'Add "model_type": "roformer" or "nezha"'):
        find_family({}, plain, file)
    with pytest.raises(CheckpointError, match="it has no position embeddings"):
        find_family({"model_type": "bert"}, plain, file)
    assert find_family({"rotary_value": False}, plain, file) == "roformer"
    assert find_family({"architectures": ["NezhaForMaskedLM"]}, plain, file) == "nezha"


def test_tensorflow_models_without_positions() -> None:
    names, file = ["bert/encoder/layer_0/output/dense/kernel"], Path("bert_config.json")
    assert find_family({"use_relative_position": True}, names, file) == "nezha"
    assert find_family({"model_type": "nezha"}, names, file) == "nezha"
    assert find_family({}, names, file) == "roformer"
    with pytest.raises(CheckpointError, match="RoFormer or NEZHA"):
        find_family({"use_relative_position": False}, names, file)


def test_tokenizer_files_are_found(tmp_path: Path) -> None:
    for name in ("vocab.txt", "tokenizer_config.json", "config.json", "model.safetensors"):
        (tmp_path / name).touch()
    assert tokenizer_files(tmp_path) == [
        tmp_path / "vocab.txt",
        tmp_path / "tokenizer_config.json",
    ]
