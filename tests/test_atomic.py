import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wenlu.atomic import atomic_folder, atomic_write, sweep_leftovers
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


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """Nor is a device: /dev/null would be a file from then on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunError, match="it is a device or a pipe"), atomic_write(pipe) as file:
        file.write("new")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


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


# Folders


def fill(path: Path, error: BaseException | None = None) -> None:
    with atomic_folder(path) as part:
        (part / "inner").mkdir()
        (part / "inner" / "文.txt").write_text("炉", encoding="utf-8")
        assert not path.exists() or not any(path.iterdir())
        if error is not None:
            raise error


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_appears_whole(there: bool, tmp_path: Path) -> None:
    path = tmp_path / "made" / "文"
    if there:
        path.mkdir(parents=True)
    fill(path)
    assert (path / "inner" / "文.txt").read_text(encoding="utf-8") == "炉"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), SystemExit(1)])
def test_a_folder_that_ends_early_is_not_there(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        fill(tmp_path / "folder", error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_stands_there_is_left_alone(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    if kind == "file":
        path.write_text("old")
    else:
        path.mkdir()
        (path / "a.txt").write_text("old")
    with pytest.raises(RunError, match="mine exists already; give another name, or remove it"):
        fill(path)
    assert [p.name for p in tmp_path.rglob("*.txt")] == (["a.txt"] if kind == "folder" else [])
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk_leaves_no_folder(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    message = r"cannot write .*folder: No space left on device\. Nothing was changed"
    with pytest.raises(RunError, match=message):
        fill(tmp_path / "folder", error)
    assert list(tmp_path.iterdir()) == []


def test_everything_is_on_the_disk_before_the_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "folder", list[tuple[int, bool]]()
    sync = os.fsync

    def spy(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, path.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    fill(path)
    inside = {(p.stat().st_ino, False) for p in (path, *path.rglob("*"))}
    assert set(synced[:-1]) == inside
    assert synced[-1] == (tmp_path.stat().st_ino, True)


_KILLED = """
import os, sys
from pathlib import Path
from wenlu.atomic import atomic_folder, atomic_write

with atomic_write(sys.argv[1]) as file, atomic_folder(sys.argv[2]) as folder:
    file.write("half")
    (folder / "a").touch()
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_leftovers_are_swept_up(tmp_path: Path) -> None:
    kept = {".a.tmp", ".a.0123456789ab.txt", "a.0123456789ab.tmp", ".a.0123456789AB.tmp"}
    for name in kept:
        (tmp_path / name).touch()
    paths = [str(tmp_path / name) for name in ("文", "文" * 40)]
    subprocess.run([sys.executable, "-c", _KILLED, *paths], check=False)
    assert len(list(tmp_path.iterdir())) == len(kept) + 2
    sweep_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
