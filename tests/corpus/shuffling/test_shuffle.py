"""Small inputs, through blocks and buckets that are smaller still."""

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.corpus import open_bytes
from wenlu.corpus.shuffling import Plan, shuffle
from wenlu.corpus.shuffling import shuffle as front_door
from wenlu.corpus.shuffling.buckets import Bucket
from wenlu.corpus.shuffling.contents import Written
from wenlu.corpus.shuffling.order import Order
from wenlu.corpus.shuffling.sinks import FileSink
from wenlu.corpus.shuffling.source import Source
from wenlu.errors import ConfigError, DataError, RunError

module = pytest.importorskip("wenlu.corpus.shuffling.shuffle", reason="needs pyarrow")
zstandard = pytest.importorskip("zstandard")

TINY = Plan(
    files=1,
    bytes=None,
    memory=0,
    free=1 << 20,
    threads=2,
    passes=2,
    bits=2,
    whole=0,
    block=64,
    most=40,
    bucket=2000,
    disk=None,
)


class Small:
    """Shuffles by a plan that is given."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder, self.plan = folder, TINY
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(module, "make_plan", lambda *_, **__: self.plan)

    def __call__(self, contents: Sequence[bytes], plan: Plan = TINY, **flags: object) -> bytes:
        self.plan = plan
        files = [self.folder / f"{number}.txt" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        out = self.folder / "out"
        self.result = front_door(files, out, **flags)
        assert [path.name for path in self.folder.glob(".*")] == []
        return out.read_bytes()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Small:
    monkeypatch.setattr("wenlu.corpus.shuffling.source.CHUNK", 7)
    monkeypatch.setattr("wenlu.corpus.shuffling.gather.SLICE", 16)
    return Small(monkeypatch, tmp_path)


def records_of(
    contents: Sequence[bytes],
    separator: bytes = b"\n",
    group: int = 1,
    drop_empty: bool = False,
) -> list[bytes]:
    """The records, by the plainest means."""
    found = []
    for content in contents:
        *lines, last = content.split(separator)
        lines = [line + separator for line in lines if line or not drop_empty]
        if last:  # for \n\n, what ends in \n is given only one more; it was not empty, and stays
            whole = last + separator
            lines.append(whole[: whole.find(separator)] + separator)
        found += [b"".join(lines[i : i + group]) for i in range(0, len(lines), group)]
    return found


def expected(records: list[bytes], seed: int = 0) -> bytes:
    """The records in the order of their numbers."""
    numbers = Order(seed).numbers(0, len(records)).tolist()
    return b"".join(record for _, record in sorted(zip(numbers, records, strict=True)))


line = st.one_of(
    st.binary(max_size=12), st.sampled_from([b"", b"\r", b"\0", b"\xff\xfe", "文炉".encode()])
)
ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\0", b"aba", b"ab", b""])
content = st.lists(st.tuples(line, ends), max_size=30).map(
    lambda parts: b"".join(a + b for a, b in parts)
)
plans = st.builds(
    lambda bits, block, most, bucket, whole, threads: replace(
        TINY,
        bits=bits,
        block=block,
        most=most,
        bucket=bucket,
        whole=whole,
        threads=threads,
        passes=1 if whole == 10_000 else 2,
    ),
    st.integers(1, 4),
    st.one_of(st.integers(6, 16), st.integers(64, 400)),
    st.one_of(st.integers(1, 3), st.just(50)),
    st.integers(1, 3000),
    st.sampled_from([0, 0, 12, 500, 10_000]),
    st.integers(1, 3),
)


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(content, min_size=1, max_size=3),
    plans,
    st.integers(0, 3),
    st.sampled_from([b"\n", b"\n", b"\0", b"\r\n", b"\n\n", b"aba", b"\n\n\n"]),
    st.sampled_from([1, 1, 2, 3]),
    st.booleans(),
    st.booleans(),
)
def test_records_come_in_the_order_of_their_numbers(
    small: Small,
    contents: list[bytes],
    plan: Plan,
    seed: int,
    separator: bytes,
    group: int,
    drop_empty: bool,
    verify: bool,
) -> None:
    """Byte for byte, whatever the bytes, the memory, the buckets and the threads."""
    records = records_of(contents, separator, group, drop_empty)
    found = small(
        contents,
        plan,
        seed=seed,
        separator=separator,
        group=group,
        drop_empty=drop_empty,
        verify=verify,
    )
    assert found == expected(records, seed)
    assert small.result.records == len(records)
    assert small.result.bytes == len(found)
    if group == 1:  # the lines of the output are those of the input, wherever one was completed
        assert sorted(records_of([found], separator)) == sorted(records)


def test_all_draws_give_all_orders_equally_often(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the numbers are any four of five that differ, in four buckets: 4! orders, 5 times."""
    found: Counter[bytes] = Counter()
    for draw in permutations(range(5), 4):
        numbers = np.array(draw, np.uint64) << np.uint64(61)
        monkeypatch.setattr(
            Order, "numbers", lambda _, first, count, all_=numbers: all_[first : first + count]
        )
        found[small([b"a\nb\nc\nd\n"], replace(TINY, threads=1))] += 1
    assert len(found) == 24
    assert set(found.values()) == {5}


def test_buckets_that_are_too_large_are_parted_again(small: Small) -> None:
    contents = [b"".join(b"%d\n" % number for number in range(900))]
    plan = replace(TINY, bits=1, bucket=2100, block=640)
    assert small(contents, plan) == expected(records_of(contents))
    assert small.result.buckets == 2


def test_long_records_are_copied_by_themselves(small: Small) -> None:
    contents = [b"a\n" * 9 + b"x" * 1000 + b"\n" + b"y" * 64 + b"\nb\n", b"z" * 5000]
    assert small(contents, TINY) == expected(records_of(contents))
    assert small.result.long_records == 3
    assert small.result.line_ends_added == (str(small.folder / "1.txt"),)


@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\n", b"\n" * 500])
@pytest.mark.parametrize("whole", [0, 1 << 16])
def test_nothing_one_and_empty_lines(small: Small, content: bytes, whole: int) -> None:
    ended = content + b"\n" if content == b"a" else content
    assert small([content], replace(TINY, whole=whole)) == ended


def test_compressed_files_and_folders(small: Small, tmp_path: Path) -> None:
    small.plan = TINY
    contents = [b"".join(b"%d %d\n" % (f, number) for number in range(500)) for f in range(3)]
    inside = tmp_path / "in" / "deep"
    inside.mkdir(parents=True)
    (tmp_path / "in" / "a.txt.gz").write_bytes(gzip.compress(contents[0]))
    (tmp_path / "in" / "b.jsonl").write_bytes(contents[1])
    (inside / "c.txt.zst").write_bytes(zstandard.compress(contents[2]))
    (inside / ".hidden.txt").write_bytes(b"no\n")
    for name in ("out.txt", "out.txt.gz", "out.txt.zst"):
        shuffle([tmp_path / "in"], tmp_path / name, seed=5)
    plain = (tmp_path / "out.txt").read_bytes()
    assert plain == expected(records_of(contents), 5)
    assert gzip.decompress((tmp_path / "out.txt.gz").read_bytes()) == plain
    packed = (tmp_path / "out.txt.zst").open("rb")
    with zstandard.ZstdDecompressor().stream_reader(packed) as file:
        assert file.read() == plain


@pytest.mark.parametrize("whole", [0, 1 << 16])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("shards", [1, 3, 12])
def test_shards_hold_equally_many(
    small: Small, tmp_path: Path, whole: int, suffix: str, shards: int
) -> None:
    contents = [b"".join(b"%d\n" % number for number in range(70)) + b"x" * 99 + b"\n", b"y" * 70]
    small.plan = replace(TINY, whole=whole)
    files = []
    for number, content in enumerate(contents):
        files.append(tmp_path / f"{number}.txt")
        files[-1].write_bytes(content)
    shuffle(files, tmp_path / f"out/part-{{:02d}}.txt{suffix}", shards=shards, verify=True)
    paths = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths] == [f"part-{n:02d}.txt{suffix}" for n in range(shards)]
    parts = []
    for path in paths:
        with open_bytes(path) as file:
            parts.append(file.read())
    assert b"".join(parts) == expected(records_of(contents))
    counts = [part.count(b"\n") for part in parts]
    assert max(counts) - min(counts) <= 1


def test_more_shards_than_records(small: Small, tmp_path: Path) -> None:
    small([b"a\nb\n"])
    shuffle([tmp_path / "0.txt"], tmp_path / "out2/{}.txt", shards=3)
    sizes = [path.stat().st_size for path in sorted((tmp_path / "out2").iterdir())]
    assert sorted(sizes) == [0, 2, 2]


def test_shards_that_cannot_be_written(text: Path, tmp_path: Path) -> None:
    for out, shards in (("out/a.txt", 2), ("out/{}{x}", 2), ("out/{}", 0), ("out/a", 1)):
        with pytest.raises(ConfigError, match="cannot be named"):
            shuffle([text], tmp_path / out, shards=shards)
    with pytest.raises(RunError, match="not empty"):
        shuffle([text], tmp_path / "{}.txt", shards=2)


@pytest.mark.parametrize("whole", [0, 1 << 16])
def test_verified(small: Small, whole: int) -> None:
    contents = [b"a\n" * 9 + b"x" * 1000 + b"\n" + b"y" * 64 + b"\nb\n", b"z" * 5000]
    found = small(contents, replace(TINY, whole=whole), verify=True)
    assert found == expected(records_of(contents))


def test_an_output_that_is_spoiled_is_found(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FileSink.write

    def spoil(self: object, data: memoryview, *more: object) -> None:
        write(self, memoryview(bytes(data).replace(b"7", b"8")), *more)

    monkeypatch.setattr(FileSink, "write", spoil)
    for flags in ({}, {"group": 2}):
        with pytest.raises(RunError, match="read again, is not what was written"):
            small([b"0123456789" * 5 + b"\n"], verify=True, **flags)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x"])
def test_an_output_of_another_length_is_found(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    written = Written()
    for at in (5, 0):  # in any order
        written.add(at, memoryview(b"01234"))
    files = [tmp_path / "a", tmp_path / "b"]
    for file, content in zip(files, (b"012", b"3401234"), strict=True):
        file.write_bytes(content)
    written.compare(files, "", lambda _done, _total: None)
    files[1].write_bytes(change(b"3401234"))
    with pytest.raises(RunError, match="is not what was written"):
        written.compare(files, "", lambda _done, _total: None)


@pytest.mark.parametrize("whole", [0, 1 << 16])
def test_a_file_that_becomes_shorter_is_an_error(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """It is not mapped, so nobody is killed by a page that has gone."""
    read, path = Source._read, tmp_path / "0.txt"

    def shorten(self: Source, view: memoryview) -> int:
        count = read(self, view)
        os.truncate(path, 3)
        return count

    monkeypatch.setattr(Source, "_read", shorten)
    with pytest.raises(DataError, match=r"has become shorter .*: 7 of its 600 bytes came"):
        small([b"12345\n" * 100], replace(TINY, whole=whole))
    assert not (tmp_path / "out").exists()


def test_files_with_equally_many_lines_stay_aligned(small: Small) -> None:
    chinese = small(["".join(f"第{i}句\n" for i in range(300)).encode()], seed=4).decode()
    english = small([b"".join(b"sentence %d\n" % i for i in range(300))], seed=4).decode()
    for one, other in zip(chinese.splitlines(), english.splitlines(), strict=True):
        assert one[1:-1] == other.split()[1]


def test_links_and_permissions_of_what_is_replaced(small: Small, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"earlier")
    (tmp_path / "out").chmod(0o640)
    assert small([b"a\n"]) == b"a\n"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    return path


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert [path.name for path in tmp_path.rglob(".*.tmp")] == []


def test_an_output_that_is_an_input(text: Path, tmp_path: Path) -> None:
    before = text.read_bytes()
    linked = tmp_path / "linked.txt"
    os.link(text, linked)
    for out in (text, linked):
        with pytest.raises(RunError, match="is an input too"):
            shuffle([text], out)
    assert text.read_bytes() == before


def test_settings_that_do_not_work(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for flags, problem in (
        ({"seed": -1}, "seed must be 0 or more; got -1"),
        ({"group": 0}, "group must be 1 or more"),
        ({"separator": b""}, "separator must have from 1 to 1,000 bytes; got 0"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"memory": 1000}, r"1.0 kB of memory is too little: .* Give at least \d+ MiB"),
    ):
        with pytest.raises(ConfigError, match=problem):
            shuffle([text], out, **flags)
    with pytest.raises(RunError, match="there is no folder"):
        shuffle([text], tmp_path / "nowhere" / "out")
    with pytest.raises(RunError, match="it is a folder"):
        shuffle([text], tmp_path)
    with pytest.raises(RunError, match="for temporary files"):
        shuffle([text], out, temp=tmp_path / "nowhere")
    assert not out.exists()


def test_inputs_that_cannot_be_read(text: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(text, mixed)
    (mixed / "model.bin").write_bytes(b"\0")
    for inputs, problem in (
        ([], "no files came"),
        ([tmp_path / "b.txt"], r"b\.txt: there is no such file"),
        ([mixed], r"other kinds, such as model\.bin"),
        (["-", "-"], "only once"),
    ):
        with pytest.raises(DataError, match=problem):
            shuffle(inputs, tmp_path / "out")


@pytest.mark.parametrize("kind", [".gz", ".zst"])
@pytest.mark.parametrize("whole", [0, 1 << 20])
def test_a_broken_stream_is_named_with_its_place(
    kind: str, whole: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(TINY, whole=whole, block=4096, most=100)
    monkeypatch.setattr(module, "make_plan", lambda *_, **__: plan)
    noise = np.random.default_rng(0).bytes(200_000)
    packed = gzip.compress(noise) if kind == ".gz" else zstandard.compress(noise)
    path, out = tmp_path / f"a.txt{kind}", tmp_path / "out.txt"
    for broken in (packed[:-100], packed[:50_000] + b"broken" + packed[50_006:], b"no" + packed):
        path.write_bytes(broken)
        if kind == ".zst" and broken[:2] == packed[:2] and len(broken) == len(packed):
            continue  # stored as it is, without a checksum: nothing is broken for its reader
        with pytest.raises(DataError, match=r"damaged or cut short at byte [\d,]+ of [\d,]+"):
            shuffle([path], out)
        assert not out.exists()


def test_no_room_on_the_disk(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage())
    with pytest.raises(RunError, match=r"not enough room in .* Nothing was written"):
        shuffle([text], tmp_path / "out")
    assert not (tmp_path / "out").exists()


class _Usage:
    free = 100


def test_what_is_lost_on_the_way_is_noticed(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary file that changes behind our back."""
    read = Bucket.read

    def spoiled(self: object, buffer: np.ndarray) -> object:
        records = read(self, buffer)
        records.data[0] ^= 1
        return records

    monkeypatch.setattr(Bucket, "read", spoiled)
    with pytest.raises(RunError, match=r"fingerprint were read, but"):
        small([b"".join(b"%d\n" % number for number in range(100))])
    assert not (tmp_path / "out").exists()
