"""PyTorch's `.bin` files, read as data: no code that a pickle names is run or even imported.

The pickle may name only what a state dict needs, and a tensor in it becomes a note of where its
bytes lie. Those notes are checked against the file before anything is allocated.

Two layouts are in use: a zip archive with the pickle and one uncompressed record for each storage
(since PyTorch 1.6), and before that pickles one after the other, with the storages behind them.
"""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from wenlu.checkpoints.region import read_region
from wenlu.errors import CheckpointError
from wenlu.text.files import open_file

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_PICKLE = 32 << 20
"""Bytes of a pickle at most; 100,000 tensors take some 20 MB."""

_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _Storage(NamedTuple):
    """Numbers in a row that tensors are views of."""

    key: str
    dtype: torch.dtype
    numbers: int


class _View(NamedTuple):
    """A tensor: a view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def extent(self) -> int:
        """Numbers from the first to the last that it shows."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((size - 1) * step for size, step in steps)

    def check(self, name: str) -> None:
        """ValueError unless it lies in its storage and shows no number twice."""
        numbers = (self.offset, *self.shape, *self.strides)
        plain = all(isinstance(n, int) and 0 <= n < 1 << 48 for n in numbers)
        if not plain or len(self.shape) != len(self.strides) or len(self.shape) > 8:
            raise ValueError(f"{name} is no ordinary dense tensor")
        if self.offset + self.extent > self.storage.numbers:
            raise ValueError(f"{name} {self.shape} reaches beyond the numbers that are stored")
        reach = 1
        for step, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size > 1 and step < reach and 0 not in self.shape:
                raise ValueError(f"{name} {self.shape} shows the same number in several places")
            reach = max(reach, step * size)


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.bin` file, by name.

    Raises:
        CheckpointError: the file asks for code, is damaged, or holds anything but tensors by name.
    """
    with open_file(path) as file:
        try:
            zipped = file.read(4) == b"PK\3\4"
            file.seek(0)
            content, places = (_read_zip if zipped else _read_legacy)(file)
            views = _views(content, path)
            for name, view in views.items():
                view.check(name)
            _check_sum(views, os.fstat(file.fileno()).st_size)
            return {name: _tensor(file, path, view, places) for name, view in views.items()}
        except _CodeError as error:
            raise CheckpointError(
                f"{path} is refused: it asks for {error}, which is code and no weights. "
                "Ask for a .safetensors file."
            ) from None
        except (CheckpointError, OSError):
            raise
        except Exception as error:  # a damaged pickle can raise anything
            why = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise CheckpointError(
                f"cannot read {path}: {why}. It is damaged or incomplete; fetch or copy it again."
            ) from None


def _read_zip(file: BinaryIO) -> tuple[object, dict[str, tuple[int, int]]]:
    """What the pickle holds, and where each storage lies: offset and number of bytes."""
    with zipfile.ZipFile(file) as archive:
        records = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in records if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"it has {len(pickles)} records data.pkl")
        base = pickles[0].removesuffix("data.pkl")
        if records[pickles[0]].file_size > _PICKLE:
            raise ValueError("its pickle is too large")
        order = records.get(f"{base}byteorder")
        if order is not None and archive.read(order) != b"little":
            raise ValueError("its numbers are big-endian")
        content = _load(archive.read(pickles[0]))
        first = f"{base}data/"
        places = {
            name.removeprefix(first): (_begin(file, info), info.file_size)
            for name, info in records.items()
            if name.startswith(first)
        }
    return content, places


def _begin(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a record begin: behind its own header, with its name and its padding."""
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"record {info.filename} is compressed")
    file.seek(info.header_offset)
    header = file.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    begin = info.header_offset + 30 + name + extra
    if header[:4] != b"PK\3\4" or begin + info.file_size > os.fstat(file.fileno()).st_size:
        raise ValueError(f"record {info.filename} breaks off")
    return begin


def _read_legacy(file: BinaryIO) -> tuple[object, dict[str, tuple[int, int]]]:
    size, at = os.fstat(file.fileno()).st_size, 0
    head = io.BytesIO(file.read(min(size, _PICKLE)))
    if _load(head) != _LEGACY_MAGIC:
        raise ValueError("it does not begin as PyTorch's files do")
    _load(head)  # the version of the protocol
    system: Any = _load(head)
    if not system["little_endian"]:
        raise ValueError("its numbers are big-endian")
    storages: dict[str, _Storage] = {}
    content = _load(head, storages)
    keys: Any = _load(head)
    at, places = head.tell(), {}
    for key in keys:
        file.seek(at)
        count, width = int.from_bytes(file.read(8), "little"), storages[key].dtype.itemsize
        if count != storages[key].numbers or at + 8 + count * width > size:
            raise ValueError(f"storage {key} breaks off")
        places[key] = (at + 8, count * width)
        at += 8 + count * width
    return content, places


class _CodeError(Exception):
    """A pickle asks for something that no state dict needs."""


class _Reader(pickle._Unpickler):
    """Knows state dicts, tensors and numbers, and looks nothing else up.

    The one written in Python: the other asks for as much memory as a number in the file says.
    """

    def __init__(self, file: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if module in ("torch", "torch.storage") and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module == "torch._utils":
            raise ValueError(f"it holds tensors that are no ordinary dense ones ({name})")
        raise _CodeError(f"{module}.{name}"[:100])

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401
        kind, dtype, key, _, count, *view = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or any(view):
            raise ValueError("it holds something that is no storage")
        if not isinstance(count, int) or not 0 <= count < 1 << 48:
            raise ValueError(f"storage {key} would have {count} numbers")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, count))


def _load(source: bytes | io.BytesIO, storages: dict[str, _Storage] | None = None) -> object:
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    return _Reader(file, {} if storages is None else storages).load()


def _view(storage: _Storage, offset: int, shape: Any, strides: Any, *_: object) -> _View:  # noqa: ANN401
    return _View(storage, offset, tuple(shape), tuple(strides))


def _parameter(view: object, *_: object) -> object:
    return view


_ALLOWED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _view,
    ("torch._utils", "_rebuild_tensor"): _view,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


def _views(content: object, path: Path) -> dict[str, _View]:
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path} must hold tensors by name; it holds a {type(content).__name__}."
        )
    for name, view in content.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            kind = "Tensor" if isinstance(view, _View) else type(view).__name__
            raise CheckpointError(
                f"{path} must hold tensors by name; under {shortened(name)} it holds a {kind}. "
                "Save the model's state_dict() alone."
            )
        if not isinstance(view.storage, _Storage):
            raise ValueError(f"{name} is no ordinary dense tensor")
    return content


def _check_sum(views: Mapping[str, _View], size: int) -> None:
    """Few tensors share memory (output embeddings with input embeddings), and not much of it."""
    total = sum(view.extent * view.storage.dtype.itemsize for view in views.values())
    if total > 2 * size:
        raise ValueError(f"its tensors would take {total} bytes, and it has {size}")


def _tensor(
    file: BinaryIO, path: Path, view: _View, places: Mapping[str, tuple[int, int]]
) -> Tensor:
    dtype = view.storage.dtype
    begin, size = places[view.storage.key]
    if size != view.storage.numbers * dtype.itemsize:
        raise ValueError(
            f"record {view.storage.key} has {size} bytes; "
            f"{view.storage.numbers * dtype.itemsize} belong there"
        )
    flat = read_region(file, path, begin + view.offset * dtype.itemsize, (view.extent,), dtype)
    return flat.as_strided(view.shape, view.strides).contiguous()
