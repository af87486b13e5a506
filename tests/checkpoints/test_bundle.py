from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from wenlu.checkpoints.bundle import read_bundle
from wenlu.errors import CheckpointError

from .test_recognise import TENSORFLOW
from .tf_bundle import entry, message, table, varint, write_bundle

RANDOM = np.random.default_rng(0)
TENSORS: dict[str, NDArray] = {
    **{
        f"bert/encoder/layer_{layer}/output/dense/{name}": RANDOM.normal(size=shape).astype("f4")
        for layer in range(12)
        for name, shape in {"kernel": (3, 5), "bias": (5,)}.items()
    },
    "global_step": np.array(1_000_000, np.int64),
    "half": np.arange(4, dtype=np.float16),
    "large": RANDOM.normal(size=(70, 90)),
    "none": np.zeros((0, 3), np.float32),
}


def test_what_tensorflow_wrote_is_read() -> None:
    """These files were written by TensorFlow 2.21; it also wrote the checksums."""
    tensors = read_bundle(TENSORFLOW / "bert_model.ckpt")
    assert len(tensors) == 41
    assert tensors["global_step"] == 7
    assert tensors["bert/embeddings/word_embeddings"].shape == (7, 4)
    assert tensors["bert/encoder/layer_1/intermediate/dense/kernel"].shape == (4, 6)
    assert tensors["bert/pooler/dense/kernel/adam_m"].dtype == torch.float32


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("block_entries", [1, 7, 1000])
def test_what_was_written_is_read(tmp_path: Path, shards: int, block_entries: int) -> None:
    prefix = tmp_path / "bert_model.ckpt"
    write_bundle(prefix, TENSORS, shards=shards, block_entries=block_entries)
    tensors = read_bundle(prefix)
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], torch.from_numpy(tensor)), name


def test_damage_to_the_index_is_told(tmp_path: Path) -> None:
    prefix, index = tmp_path / "bert_model.ckpt", tmp_path / "bert_model.ckpt.index"
    write_bundle(prefix, {"weight": TENSORS["half"]})
    content = index.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        index.write_bytes(damaged)
        try:
            tensors = read_bundle(prefix)
        except CheckpointError as error:
            assert "bert_model.ckpt" in str(error)  # noqa: PT017 - most places, not all
        else:  # only the padding of the footer, or the empty block that nobody reads
            assert torch.equal(tensors["weight"], torch.from_numpy(TENSORS["half"]))
    for length in range(len(content)):
        index.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="It is damaged"):
            read_bundle(prefix)


def test_damage_to_the_data_is_told(tmp_path: Path) -> None:
    prefix = tmp_path / "bert_model.ckpt"
    write_bundle(prefix, TENSORS)
    data = tmp_path / "bert_model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    data.write_bytes(content[:-10])
    with pytest.raises(CheckpointError, match=r"ends before .* does"):
        read_bundle(prefix)
    content[3000] ^= 1
    data.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: the checksum of"):
        read_bundle(prefix)
    data.unlink()
    with pytest.raises(CheckpointError, match=r"lacks bert_model\.ckpt\.data-00000-of-00001"):
        read_bundle(prefix)
    with pytest.raises(CheckpointError, match="No such file"):
        read_bundle(tmp_path / "other.ckpt")


HEADER = varint(1 << 3) + varint(1)
NUMBERS = np.arange(4, dtype=np.float32)
PLAIN = entry(NUMBERS, 0, 0, NUMBERS.tobytes())


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        (b"", PLAIN, "it speaks of 0 shards"),
        (varint(1 << 3) + varint(1 << 40), PLAIN, "it speaks of 1099511627776 shards"),
        (HEADER + varint(2 << 3) + varint(1), PLAIN, "its numbers are big-endian"),
        (HEADER, PLAIN + message(7, b""), "in slices"),
        (HEADER, PLAIN + varint(1 << 3) + varint(7), "tensors of type 7"),
        (HEADER, PLAIN + message(2, message(2, b"\x08" + varint(2**64 - 1))), "of shape"),
        (HEADER, PLAIN[:-1], "an entry breaks off"),
        (HEADER, PLAIN + varint(9 << 3 | 3), "a field of kind 3"),
        (HEADER, b"\xff" * 11, "a number does not end"),
        (HEADER, PLAIN + varint(3 << 3) + varint(5), "in shard 5 of 1"),
        (HEADER, PLAIN + varint(5 << 3) + varint(8), "take 8 bytes; that would be 16"),
        (HEADER, PLAIN + varint(4 << 3) + varint(1 << 50), "ends before weight does"),
    ],
)
def test_entries_that_are_not_read(
    tmp_path: Path, header: bytes, value: bytes, reason: str
) -> None:
    prefix = tmp_path / "bert_model.ckpt"
    write_bundle(prefix, {"weight": NUMBERS})
    (tmp_path / "bert_model.ckpt.index").write_bytes(table({b"": header, b"weight": value}, 9))
    with pytest.raises(CheckpointError, match=reason):
        read_bundle(prefix)


def test_tables_that_are_not_read(tmp_path: Path) -> None:
    prefix, index = tmp_path / "bert_model.ckpt", tmp_path / "bert_model.ckpt.index"
    index.write_bytes(table({b"weight": PLAIN}, 9))
    with pytest.raises(CheckpointError, match="it has no header"):
        read_bundle(prefix)
    index.write_bytes(table({}, 9))
    with pytest.raises(CheckpointError, match="it is empty"):
        read_bundle(prefix)


def test_a_description_of_objects_is_known(tmp_path: Path) -> None:
    prefix, index = tmp_path / "bert_model.ckpt", tmp_path / "bert_model.ckpt.index"
    write_bundle(prefix, {"weight": NUMBERS})
    text = varint(1 << 3) + varint(7)
    index.write_bytes(
        table({b"": HEADER, b"_CHECKPOINTABLE_OBJECT_GRAPH": text, b"weight": PLAIN}, 9)
    )
    assert read_bundle(prefix).keys() == {"weight"}
