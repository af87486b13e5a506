import gzip
import sys
from pathlib import Path

import pytest

from wenlu.corpus import open_bytes
from wenlu.errors import MissingExtraError

zstandard = pytest.importorskip("zstandard")
TEXT = "文炉\n".encode() * 50_000


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_all_give_the_same(tmp_path: Path) -> None:
    files = {
        "a.txt": TEXT,
        "a.gz": gzip.compress(TEXT),
        "a.ZST": zstandard.compress(TEXT),
        "frames.zst": zstandard.compress(TEXT[:7]) + zstandard.compress(TEXT[7:]),
        "empty_frame.zst": zstandard.compress(b"") + zstandard.compress(TEXT),
    }
    for name, content in files.items():
        with open_bytes(write(tmp_path / name, content)) as file:
            assert list(file) == [b"\xe6\x96\x87\xe7\x82\x89\n"] * 50_000, name


@pytest.mark.parametrize("keep", [6, 20, -1])
def test_a_file_that_is_cut_short_is_an_error(keep: int, tmp_path: Path) -> None:
    for name, content in (("a.gz", gzip.compress(TEXT)), ("a.zst", zstandard.compress(TEXT))):
        with (
            open_bytes(write(tmp_path / name, content[:keep])) as file,
            pytest.raises((EOFError, OSError)),
        ):
            file.read()


def test_rubbish_is_an_error(tmp_path: Path) -> None:
    for name in ("a.gz", "a.zst"):
        with (
            open_bytes(write(tmp_path / name, TEXT)) as file,
            pytest.raises(OSError, match=r"[Gg]zip|[Ff]rame"),
        ):
            file.read()


def test_without_zstandard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.zst", b"")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(
        MissingExtraError, match=r"reading .*a\.zst needs zstandard.*wenlu\[corpus\]"
    ):
        open_bytes(path)
