"""Folders made to cost memory or time, or to end in a traceback: one plain error each."""

import io
import json
import os
import pickle
import resource
import struct
import sys
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from wenlu.errors import CheckpointError
from wenlu.models import FAMILIES, Model, load, load_classifier, save
from wenlu.nn import TransformerConfig
from wenlu.text import Tokenizer

from .tf_bundle import entry, table, varint

if sys.platform != "linux":
    pytest.skip("limits of memory are Linux's", allow_module_level=True)

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"春眠不觉晓处闻啼鸟"]
SIZES = {"vocabulary": len(TOKENS), "width": 8, "heads": 2, "layers": 1, "inner_width": 12}
Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model that loads."""
    return make(tmp_path / "model", "bert")


def make(folder: Path, family: str, **changes: Any) -> Path:  # noqa: ANN401
    config: TransformerConfig = FAMILIES[family](**{**SIZES, **changes})
    return save(folder, Model(config, ("pooler", "mlm")), Tokenizer.from_tokens(TOKENS))


@pytest.fixture
def bounded() -> Iterator[None]:
    """5 seconds of the processor, and 500 MB more than there are already."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 500 * 2**20, hard))
    start = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert time.process_time() - start < 5


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    text = str(caught.value)
    assert len(text) < 6_000
    return text


def configure(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")


def as_bin(folder: Path, *, zipped: bool = True) -> dict[str, torch.Tensor]:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    file = folder / "pytorch_model.bin"
    torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
    return tensors


EMBEDDINGS = "bert.embeddings.word_embeddings.weight"


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.usefixtures("bounded")
def test_a_tensor_of_stride_0(folder: Path, zipped: bool) -> None:
    tensors = as_bin(folder)
    tensors[EMBEDDINGS] = torch.zeros(1).expand(10**8, 8)
    file = folder / "pytorch_model.bin"
    torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
    configure(folder, vocab_size=10**8)
    assert "shows the same number in several places" in refused(folder)


@pytest.mark.usefixtures("bounded")
def test_tensors_that_overlap(folder: Path) -> None:
    tensors = as_bin(folder)
    base = torch.zeros(10**6)
    tensors |= {f"bert.encoder.layer.{i}.attention.self.query.weight": base for i in range(2000)}
    torch.save(tensors, folder / "pytorch_model.bin")
    configure(folder, num_hidden_layers=2000)
    assert "its tensors would take" in refused(folder)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("change", ["numbers", "memo"])
def test_a_pickle_that_says_too_much(folder: Path, change: str) -> None:
    as_bin(folder)
    file = folder / "pytorch_model.bin"
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in records if name.endswith("data.pkl"))
    if change == "numbers":  # a storage of 2^31 - 1 numbers
        count = b"K" + bytes([len(TOKENS) * 8])
        assert count in records[name]
        records[name] = records[name].replace(count, b"J" + struct.pack("<i", 2**31 - 1))
    else:  # a place in the memo that a table would have to be made for
        records[name] = b"\x80\x02}r\xf0\xff\xff\xff."
    with zipfile.ZipFile(file, "w") as archive:
        for record, content in records.items():
            archive.writestr(record, content)
    assert "pytorch_model.bin" in refused(folder) or change == "memo"


@pytest.mark.parametrize("zipped", [True, False])
def test_a_record_cut_short_becomes_no_weights(folder: Path, zipped: bool) -> None:
    tensors = as_bin(folder, zipped=zipped)
    file = folder / "pytorch_model.bin"
    if zipped:
        with zipfile.ZipFile(file) as archive:
            records = {name: archive.read(name) for name in archive.namelist()}
        name = max(
            (name for name in records if "/data/" in name), key=lambda name: len(records[name])
        )
        with zipfile.ZipFile(file, "w") as archive:
            for record, content in records.items():
                archive.writestr(record, content[:-8] if record == name else content)
        assert f"record {name.rpartition('/')[2]} has" in refused(folder)
    else:
        content = file.read_bytes()
        file.write_bytes(content[: -len(tensors) * 2])
        assert "breaks off" in refused(folder)


def test_a_compressed_record(folder: Path) -> None:
    as_bin(folder)
    file = folder / "pytorch_model.bin"
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for record, content in records.items():
            archive.writestr(record, content)
    assert "is compressed" in refused(folder)


class Code:
    """Asks for a function, as a pickle that does harm would."""

    def __init__(self, *asked: object) -> None:
        self.asked = asked

    def __reduce__(self) -> tuple[Any, ...]:
        return self.asked[0], self.asked[1:]


@pytest.mark.parametrize("asked", [(os.getpid,), (getattr, "x", "y"), (torch.load, "x")])
def test_code_is_refused_without_advice_to_run_it(folder: Path, asked: tuple[Any, ...]) -> None:
    tensors = as_bin(folder)
    torch.save({**tensors, "x": Code(*asked)}, folder / "pytorch_model.bin")
    message = refused(folder)
    assert "is refused: it asks for" in message
    assert "weights_only" not in message


def test_a_state_dict_with_its_metadata_is_no_code(folder: Path) -> None:
    tensors = as_bin(folder)
    state = OrderedDict(tensors)
    state._metadata = OrderedDict(x=1)  # type: ignore[attr-defined]
    torch.save(state, folder / "pytorch_model.bin")
    assert load(folder).model.config.width == 8


@pytest.mark.usefixtures("bounded")
def test_a_width_that_only_the_configuration_has(tmp_path: Path) -> None:
    folder = make(tmp_path / "model", "roformer")
    configure(folder, hidden_size=10**6, num_attention_heads=1, embedding_size=8)
    assert "is not RoFormer's table of sinusoids" in refused(folder)
    configure(folder, hidden_size=2 * 10**9)
    assert "width must be from 1 to" in refused(folder)


@pytest.mark.usefixtures("bounded")
def test_more_layers_than_there_are_tensors(folder: Path) -> None:
    configure(folder, num_hidden_layers=10_000)
    assert "says 10000 layers, but there are only" in refused(folder)


@pytest.mark.usefixtures("bounded")
def test_many_missing_and_many_surplus_names(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors |= {f"bert.encoder.layer.{i}.attention.key.wei": torch.zeros(1) for i in range(2000)}
    save_file(tensors, folder / "model.safetensors")
    configure(folder, num_hidden_layers=200)
    message = refused(folder)
    assert "and 3174 more" in message
    assert "2000 tensors not expected" in message


@pytest.mark.usefixtures("bounded")
def test_a_tensorflow_index_with_a_thousand_names_on_one_region(tmp_path: Path) -> None:
    numbers = np.zeros(1000, np.float32)
    place = entry(numbers, 0, 0, numbers.tobytes())
    entries = {f"name_{i:04d}".encode(): place for i in range(1000)}
    header = varint(1 << 3) + varint(1)
    (tmp_path / "bert_model.ckpt.index").write_bytes(table({b"": header, **entries}, 10))
    (tmp_path / "bert_model.ckpt.data-00000-of-00001").write_bytes(numbers.tobytes())
    (tmp_path / "bert_config.json").write_text("{}")
    assert "its tensors would take 4000000 bytes, and" in refused(tmp_path)


NAMES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pipe", "endless", "folder", "sparse"])
def test_files_that_are_no_files_of_a_model(folder: Path, name: str, kind: str) -> None:
    file = folder / name
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        with file.open("wb") as hole:
            hole.truncate(2**40)
    expected = {"sparse": "MB; it is read up to" if "json" in name else "header"}
    assert expected.get(kind, "must be regular files") in refused(folder)


@pytest.mark.usefixtures("bounded")
def test_a_vocabulary_that_never_ends(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").unlink()
    (folder / "vocab.txt").symlink_to("/dev/zero")
    assert "vocab.txt is a folder, a device or a pipe" in refused(folder)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 411577189\n"


@pytest.mark.parametrize("name", [*NAMES, "pytorch_model.bin"])
def test_pointers_of_git_lfs_are_told(folder: Path, name: str) -> None:
    if name == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(POINTER)
    message = refused(folder)
    assert f"{name} is a Git LFS pointer" in message
    assert "git lfs pull" in message


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, "9" * 5_000, '{"a":' * 50_000, "null", '{"model_type": ["bert"]}', "\0"],
)
def test_json_that_is_none_of_a_model(folder: Path, name: str, content: str) -> None:
    if name == "model.safetensors":
        content = struct.pack("<Q", len(content)).decode("latin-1") + content
    (folder / name).write_bytes(content.encode("latin-1"))
    if name != "tokenizer_config.json" or "model_type" not in content:
        refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": ["bert"]},
        {"model_type": {}},
        {"vocab_size": 10**4000},
        {"hidden_size": 1e308},
        {"layer_norm_eps": float("inf")},
        {"hidden_act": []},
        {"hidden_act": "x" * 100_000},
        {"id2label": {"0": 7}},
        {"id2label": ["a"] * 100_000},
        {"pruned_heads": {"0": list(range(10_000))}},
        {"architectures": {"a": 1}, "model_type": None, "hidden_size": None},
    ],
)
def test_values_of_wrong_types(folder: Path, changes: dict[str, object]) -> None:
    configure(folder, **changes)
    assert "config.json" in refused(folder)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1] * 1000, "data_offsets": [0, 4]},
        {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0]},
        {"dtype": "F32", "shape": "1", "data_offsets": [0, 4]},
        {"shape": [1]},
        [],
        7,
    ],
)
@pytest.mark.usefixtures("bounded")
def test_headers_of_safetensors(folder: Path, entry: object) -> None:
    header = json.dumps({"weight": entry}).encode()
    file = folder / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    assert "its header is wrong" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.encoder.layer.0.output.dense.weight"][3, 2] = value
    save_file(tensors, folder / "model.safetensors")
    message = refused(folder)
    assert "encoder.blocks.0.feed_forward.outer.weight holds NaN or infinite values" in message
    with pytest.raises(CheckpointError):
        load_classifier(folder)


def test_large_weights_are_numbers(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["bert.encoder.layer.0.output.dense.weight"][3, 2] = 3e38
    save_file(tensors, folder / "model.safetensors")
    assert load(folder).model.encoder.blocks[0].feed_forward.outer.weight.max() > 1e38


def normalizer(state: dict[str, Any], *parts: object) -> None:
    state["normalizer"] = {"type": "Sequence", "normalizers": list(parts)}


GROWS = {"type": "Replace", "pattern": {"String": "春"}, "content": "春" * 1000}
NEVER_ENDS = {"type": "Replace", "pattern": {"Regex": "(a*)*b"}, "content": ""}
SPLITS = {
    "type": "Split",
    "pattern": {"Regex": "(?=(a+)+$)"},
    "behavior": "Isolated",
    "invert": False,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state: normalizer(state, *[GROWS] * 10), "is not run"),
        (lambda state: normalizer(state, NEVER_ENDS), "is not run"),
        (lambda state: normalizer(state, *[{"type": "NFKC"}] * 99), "more than 16 parts"),
        (lambda state: normalizer(state, {"type": "Precompiled"}), "is not run"),
        (lambda state: state.update(normalizer=[]), "is not run"),
        (lambda state: state.update(normalizer="BertNormalizer"), "no tokenizer.json"),
        (lambda state: state.update(normalizer={"type": ["a"]}), "is not run"),
        (lambda state: state["normalizer"].update(lowercase="yes"), "no tokenizer.json"),
        (lambda state: state["normalizer"].pop("lowercase"), "no tokenizer.json"),
        (lambda state: state.update(pre_tokenizer=SPLITS), "is not run"),
        (lambda state: state.update(pre_tokenizer={"type": "ByteLevel"}), "is not run"),
        (lambda state: state["model"].update(max_input_chars_per_word=10**9), "it must be a whole"),
        (lambda state: state.update(model=[]), "no tokenizer.json"),
        (lambda state: state["model"].update(vocab=[["春", 1]]), "no tokenizer.json"),
        (lambda state: state["model"]["vocab"].update(鸟=2**31), "ids as high as"),
    ],
)
@pytest.mark.usefixtures("bounded")
def test_tokenizers_that_do_not_end(
    folder: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    file = folder / "tokenizer.json"
    state = json.loads(file.read_text("utf-8"))
    change(state)
    file.write_text(json.dumps(state), "utf-8")
    assert reason in refused(folder)


def test_what_is_plain_is_still_run(folder: Path) -> None:
    file = folder / "tokenizer.json"
    state = json.loads(file.read_text("utf-8"))
    plain = {"type": "Replace", "pattern": {"String": "鳥"}, "content": "鸟"}
    normalizer(state, {"type": "NFKC"}, plain, state["normalizer"])
    file.write_text(json.dumps(state), "utf-8")
    assert load(folder).tokenizer.encode("啼鳥").ids == [TOKENS.index("啼"), TOKENS.index("鸟")]


def test_a_panic_of_the_library_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tokenizers

    panic = type("PanicException", (BaseException,), {})

    class Library:
        @staticmethod
        def from_str(text: str) -> None:
            raise panic(text[:1])

    monkeypatch.setattr(tokenizers, "Tokenizer", Library)
    assert "no tokenizer.json" in refused(folder)


def test_the_reader_of_pickles_runs_nothing_of_its_own() -> None:
    """What `torch.save` writes names only what is allowed."""
    from wenlu.checkpoints.pickled import _load

    assert _load(pickle.dumps({"a": (1, [2.0, None])})) == {"a": (1, [2.0, None])}
    for value in (io.BytesIO, print, Path("x"), complex(1, 2)):
        with pytest.raises(Exception, match=r"\."):
            _load(pickle.dumps(value))
