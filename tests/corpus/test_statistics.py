import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wenlu.corpus import blocks, distinct, statistics, stats
from wenlu.corpus.distinct import LineHashes, count_distinct
from wenlu.errors import DataError

LINES = st.lists(
    st.sampled_from(
        [
            b"",
            b"a",
            "文炉".encode(),
            "文炉".encode("gb18030"),
            b"\xff\xff",
            b"\0",
            b"x\ry",
            b"z" * 70,
        ]
    ),
    max_size=30,
)
EACH = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def length(line: bytes) -> int:
    for encoding in ("utf-8", "gb18030"):
        try:
            return len(line.decode(encoding))
        except UnicodeDecodeError:
            pass
    return len(line.decode(errors="replace"))


@EACH
@given(
    lines=LINES,
    ends=st.lists(st.booleans(), min_size=31, max_size=31),
    last=st.booleans(),
    mark=st.booleans(),
)
def test_what_naive_code_finds(
    lines: list[bytes],
    ends: list[bool],
    last: bool,
    mark: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 40)
    while not last and lines and not lines[-1]:
        lines.pop()
    parts = [line + (b"\r\n" if end else b"\n") for line, end in zip(lines, ends, strict=False)]
    if parts and not last:
        parts[-1] = lines[-1]
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf" * mark + b"".join(parts))
    found = stats([tmp_path / "a"], temp=tmp_path)
    counts = Counter(filter(None, lines))
    lengths = sorted(map(length, lines))
    assert found.lines == len(lines)
    assert found.empty == lines.count(b"")
    assert found.bytes == (tmp_path / "a").stat().st_size
    assert found.characters == sum(lengths)
    assert found.different == len(counts)
    assert found.duplicates == counts.total() - len(counts)
    assert found.repeated == sum(times > 1 for times in counts.values())
    assert found.most_repeated == max(counts.values(), default=0)
    assert found.gb18030 == lines.count("文炉".encode("gb18030"))
    assert found.other == lines.count(b"\xff\xff")
    assert found.utf8 == len(lines) - found.gb18030 - found.other
    assert found.nul == lines.count(b"\0")
    assert found.utf8_marks == mark
    assert found.crlf == sum(part.endswith(b"\r\n") for part in parts)
    assert found.lf == sum(part.endswith(b"\n") for part in parts) - found.crlf
    assert found.lone_cr == lines.count(b"x\ry")
    assert found.unfinished == bool(parts and not last)
    assert found.longest == max(lengths, default=0)
    assert found.percentiles[50] == (lengths[(len(lengths) - 1) // 2] if lengths else 0)
    for low, high, number in found.histogram:
        assert number == sum(low <= one <= high for one in lengths)
    assert sum(number for _, _, number in found.histogram) == len(lines)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("memory", [40_000, 10**7])
def test_duplicates_are_counted_exactly_whatever_the_memory(memory: int, tmp_path: Path) -> None:
    lines = [str(number * number % 1009).encode() for number in range(5000)]
    for name in ("a", "b"):
        hashes = LineHashes(memory, tmp_path, name)
        for start in range(0, len(lines), 100):
            hashes.add(lines[start : start + 100])
        hashes.write()
    counts = Counter(lines)
    runs = sorted(tmp_path.iterdir())
    assert (len(runs) > 2) == (memory == 40_000)
    assert count_distinct(runs, memory) == (len(counts), len(counts), 2 * max(counts.values()))
    assert count_distinct([], memory) == (0, 0, 0)


def test_equal_halves_of_hashes_are_told_apart(tmp_path: Path) -> None:
    rows = [(1, 2, 1), (1, 3, 1), (0, 2, 5), (1, 2, 1)]
    np.array(rows, dtype=distinct._RECORD).tofile(tmp_path / "unsorted")
    assert count_distinct([tmp_path / "unsorted"], 10**6) == (3, 2, 5)


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1 << 12)
    text = "".join(f"第{number % 900}行\n" * (number % 3) for number in range(9000))
    (tmp_path / "a.txt").write_text(text, "utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(text.encode()))
    files = [tmp_path / "a.txt", tmp_path / "b.txt.gz"]
    alone = stats(files, workers=1)
    assert stats(files, workers=2) == alone
    assert (alone.lines, alone.different, alone.files) == (18000, 600, 2)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_damaged_file_is_named_with_the_place(suffix: str, tmp_path: Path) -> None:
    if suffix == ".zst":
        zstandard = pytest.importorskip("zstandard")
        whole = zstandard.compress(bytes(range(256)) * 4096)
    else:
        whole = gzip.compress(bytes(range(256)) * 4096)
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(whole[:-9])
    with pytest.raises(
        DataError, match=f"at or before byte {len(whole) - 9:,} of {len(whole) - 9:,}"
    ):
        stats([path], temp=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "LONGEST", 2 << 20)
    (tmp_path / "a").write_bytes(b"a\nb\n" + bytes(3 << 20))
    with pytest.raises(DataError, match=r"line 3: .* more than 2 MiB"):
        stats([tmp_path / "a"])
