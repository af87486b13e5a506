import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from wenlu.atomic import atomic_write
from wenlu.errors import RunError


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "文.txt"
    with atomic_write(path) as file:
        file.write("文炉\n")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == "文炉\n".encode()
    with atomic_write(str(path), "wb") as file:
        file.write(b"\r\n")
    assert path.read_bytes() == b"\r\n"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as file:
        file.write("new")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_early_end_changes_nothing(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    message = r"cannot write .*a\.txt: No space left on device\. Nothing was changed"
    with pytest.raises(RunError, match=message), atomic_write(path) as file:
        file.write("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No space left"):
        write_to_full_disk(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def write_to_full_disk(path: Path) -> None:
    with atomic_write(path) as file, Path("/dev/full").open("w") as full:
        os.dup2(full.fileno(), file.fileno())
        file.write("文" * 100_000)


def test_an_error_of_another_file_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.txt"):
        (tmp_path / "nothing").read_text()
    assert list(tmp_path.iterdir()) == []


def test_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "nothing" / "a.txt"
    with pytest.raises(RunError, match=r"cannot write .*a\.txt: No such file"), atomic_write(path):
        pass


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"it is a folder\. Give the name of a file"),
        atomic_write(tmp_path),
    ):
        pass
    assert list(tmp_path.parent.glob(".*.tmp")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_links_and_permissions_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with atomic_write(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / ("文" * 84)  # 252 bytes; a name may have 255
    with atomic_write(path) as file:
        file.write("炉")
    assert path.read_text(encoding="utf-8") == "炉"
