"""The work of a cluster, done here task by task, and by two workers of a Ray of our own."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.corpus.shuffling import shuffle
from wenlu.corpus.shuffling.inputs import find_inputs
from wenlu.errors import ConfigError, DataError, RunError, WenluError

from .test_shuffle import content, expected, records_of

_AMPLE = 8 * 10**9
"""Memory: the process that runs all the tests holds more than a gigabyte already."""

cluster = pytest.importorskip("wenlu.corpus.shuffling.cluster")
ranges = pytest.importorskip("wenlu.corpus.shuffling.ranges")

WORK = cluster.Work(
    separator=b"\n",
    group=1,
    drop_empty=False,
    seed=3,
    bits=2,
    block=4096,
    folder=Path(),
    verify=True,
)


def run(files: Sequence[Path], most: int, folder: Path, **what: Any) -> bytes:  # noqa: ANN401
    """All tasks, one after the other."""
    work = cluster.replace(WORK, folder=folder, **what)
    separator = ranges.Separator(work.separator)
    inputs = find_inputs(files)
    pieces = []
    for path, size in zip(inputs.files, inputs.sizes, strict=True):
        pieces += ranges.cut(path, size, most, separator)
    counted = [cluster._count(piece, separator) for piece in pieces]
    found, _, _ = ranges.ranges(pieces, counted, separator, work.group, work.drop_empty)
    parts = []
    for number, one in enumerate(found):
        scattered = cluster._scatter(one, number, work)
        if isinstance(scattered, WenluError):
            raise scattered
        assert scattered.records == one.records
        parts += scattered.parts
    buckets = [cluster._gather(cluster._slices(parts, n), work) for n in range(1 << work.bits)]
    return b"".join(bytes(data) for data, _ in buckets)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(content, min_size=1, max_size=3),
    st.integers(1, 40),
    st.sampled_from([b"\n", b"\n", b"\r\n", b"\n\n", b"ab"]),
    st.sampled_from([1, 1, 2, 3]),
    st.booleans(),
)
def test_pieces_of_any_size_come_to_the_same(
    tmp_path: Path,
    contents: list[bytes],
    most: int,
    separator: bytes,
    group: int,
    drop_empty: bool,
) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(len(contents))]
    for file, data in zip(files, contents, strict=True):
        file.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "CHUNK", 7)
        found = run(
            files, most, tmp_path, separator=separator, group=group, drop_empty=drop_empty, bits=1
        )
    assert found == expected(records_of(contents, separator, group, drop_empty), 3)


def test_records_that_are_too_long_and_folders_that_are_not_shared(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_bytes(b"a\n" + b"x" * 5000 + b"\n")
    with pytest.raises(DataError, match=r"a\.txt: a record has more than 0 MB.*--engine local"):
        run([text], 100, tmp_path)
    text.write_bytes(b"a\n")
    with pytest.raises(RunError, match="Is that folder on a disk that all machines share"):
        run([text], 100, tmp_path / "nowhere" / "else")
    with pytest.raises(ConfigError, match="standard input cannot be read by other machines"):
        shuffle(["-"], tmp_path / "out", engine="ray", memory=_AMPLE)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'wenlu[ray]'")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=100 << 20,
    )
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("two_workers")
def test_two_workers_of_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LEAST_PIECE", 20_000)
    monkeypatch.setattr(cluster, "_BUCKET", 50_000)
    plain, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    chance = np.random.default_rng(0)
    lengths = chance.integers(0, 40, 9000)
    plain.write_bytes(b"".join(b"%d" % n * length + b"\n" for n, length in enumerate(lengths)))
    packed.write_bytes(gzip.compress(b"\n".join(b"%d" % n for n in range(5000))))
    flags: dict[str, Any] = {"seed": 7, "memory": _AMPLE}
    names: list[str] = []

    def bar(name: str) -> AbstractContextManager[Callable[[int, int], None]]:
        names.append(name)
        return nullcontext(lambda _done, _total: None)

    there, here = tmp_path / "there", tmp_path / "here"
    made = shuffle([plain, packed], there, engine="ray", verify=True, bar=bar, **flags)
    local = shuffle([plain, packed], here, **flags)
    assert there.read_bytes() == here.read_bytes()
    assert made.buckets == 16
    assert made.fingerprint == local.fingerprint
    assert made.line_ends_added == (str(packed),)
    assert names == ["counting", "reading", "writing", "verifying"]


@pytest.mark.slow
@pytest.mark.usefixtures("two_workers")
def test_shards_and_errors_of_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LEAST_PIECE", 20_000)
    monkeypatch.setattr(cluster, "_BUCKET", 50_000)
    plain, packed, here = tmp_path / "a.txt", tmp_path / "b.txt.gz", tmp_path / "here"
    plain.write_bytes(b"".join(b"%d\n" % n for n in range(9000)))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    flags: dict[str, Any] = {"seed": 7, "memory": _AMPLE}
    shuffle([plain], tmp_path / "out/{}.txt", engine="ray", shards=3, group=2, **flags)
    shuffle([plain], here, group=2, **flags)
    parts = [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())]
    assert b"".join(parts) == here.read_bytes()

    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"b\.txt\.gz"):
        shuffle([plain, packed], tmp_path / "broken", engine="ray", **flags)
    assert not (tmp_path / "broken").exists()
    assert list(tmp_path.glob(".*")) == []
