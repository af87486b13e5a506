import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wenlu.corpus import open_bytes
from wenlu.corpus.places import STDIN, Url, size_of, to_place
from wenlu.corpus.results import check_url, is_input, result_file, send
from wenlu.errors import ConfigError, DataError, MissingExtraError, RunError

memory = pytest.importorskip("fsspec.implementations.memory")


@pytest.fixture(autouse=True)
def store() -> Iterator[dict[str, object]]:
    """What is in `memory://`."""
    files = memory.MemoryFileSystem.store
    files.clear()
    memory.MemoryFileSystem.pseudo_dirs[:] = [""]
    yield files
    files.clear()


def put(url: str, content: bytes) -> Url:
    system, path = Url(url).system()
    system.pipe_file(path, content)
    return Url(url)


def test_what_is_a_url() -> None:
    assert to_place("a/b.txt") == Path("a/b.txt")
    assert to_place("-") == STDIN
    assert to_place("C:\\a.txt") == Path("C:\\a.txt")
    assert to_place("file:///a/b%20c.txt") == Path("/a/b c.txt")
    url = to_place("s3://bucket/a/b.jsonl.gz")
    assert isinstance(url, Url)
    assert (url.protocol, url.name, url.suffix) == ("s3", "b.jsonl.gz", ".gz")
    assert url.suffixes == [".jsonl", ".gz"]
    assert url.parent == "s3://bucket/a"
    assert pickle.loads(pickle.dumps(url)) == url
    signed = Url("https://host/a/b.txt.zst?signature=x.y/z")
    assert (signed.protocol, signed.name, signed.suffix) == ("https", "b.txt.zst", ".zst")
    assert Url("simplecache::memory://a/b").protocol == "memory"


def test_files_and_folders() -> None:
    put("memory://in/b.txt", b"12345")
    put("memory://in/deep/a.txt", b"")
    put("memory://in/.hidden.txt", b"no")
    folder = Url("memory://in")
    assert folder.is_dir()
    assert folder.inside() == ["memory:///in/b.txt", "memory:///in/deep/a.txt"]
    assert Url("memory://in/*.txt").matches()[-1] == "memory:///in/b.txt"
    assert not Url("memory://in/b.txt").is_dir()
    assert size_of(Url("memory://in/b.txt")) == 5
    assert Url("memory://in/b.txt").open(3).read() == b"45"
    with open_bytes("memory://in/b.txt") as file:
        assert file.read() == b"12345"
    assert not Url("memory://in/c.txt").exists()
    for wrong in (Url("memory://in/c.txt").size, Url("memory://in/*.gz").matches):
        with pytest.raises(DataError, match=r"memory://in/.*: (there is no|nothing has)"):
            wrong()


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"nonsense://a cannot be opened: .*nonsense"):
        Url("nonsense://a").system()
    registry = pytest.importorskip("fsspec.registry")
    monkeypatch.setattr(registry, "registry", {})  # what was loaded by tests before
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.setitem(sys.modules, "fsspec.implementations.http", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wenlu\[s3\]'"):
        Url("s3://bucket/a").system()
    with pytest.raises(MissingExtraError, match=r"needs aiohttp.*pip install 'wenlu\[remote\]'"):
        Url("http://host/a").system()
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r"needs fsspec.*pip install 'wenlu\[remote\]'"):
        Url("memory://a").system()


def test_errors_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    url = put("memory://a.txt", b"x" * 10**6)

    class BrokenError(Exception):
        """A file system's own."""

    def fail(self: object, size: int) -> bytes:  # noqa: ARG001
        raise BrokenError("the line\nis dead")

    with url.open() as file:
        file.read(10)
        monkeypatch.setattr(memory.MemoryFile, "read", fail)
        with pytest.raises(DataError, match=r"a\.txt: it cannot be read on at byte 262,144: the l"):
            file.read()


def test_results_appear_whole_or_not_at_all(store: dict[str, object], tmp_path: Path) -> None:
    out = Url("memory://out/a.tsv")
    told: list[tuple[int, int]] = []
    with result_file(out, tmp_path, lambda *how: told.append(how)) as file:
        file.write(b"whole")
        assert not store
    assert out.open().read() == b"whole"
    assert told == [(5, 5)]


def test_half_of_a_result_does_not_appear(store: dict[str, object], tmp_path: Path) -> None:
    def half() -> None:
        with result_file(Url("memory://out/a.tsv"), tmp_path) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert not store


def test_several_files_are_sent_together(
    store: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {}
    for number in range(3):
        here = tmp_path / f"{number}"
        here.write_bytes(b"x" * 3_000_000)
        files[here] = Url(f"memory://out/{number}")
    real, sizes = memory.MemoryFile.write, []

    def full(self: object, data: bytes) -> int:
        sizes.append(len(data))
        if len(sizes) > 7:
            raise OSError("no room")
        return real(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(memory.MemoryFile, "write", full)
        with pytest.raises(RunError, match=r"out/2: no room\. Nothing appeared"):
            send(files)
    assert not store
    send(files)
    assert len(store) == 3
    monkeypatch.setattr(Url, "size", lambda _: 5)
    with pytest.raises(RunError, match="has another size than what was sent"):
        send(files)


def test_where_nothing_can_be_written(
    store: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_url(Url("memory://out/a.tsv"))
    assert not store
    put("memory://out/a.tsv", b"")
    assert is_input(Url("memory://out/a.tsv"), [Url("memory://out/a.tsv")])
    with pytest.raises(RunError, match="it is a folder"):
        check_url(Url("memory://out"))
    with pytest.raises(ConfigError, match="a web server can be read only"):
        check_url(Url("http://host/a.tsv"))

    def forbidden(*_: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(memory.MemoryFileSystem, "pipe_file", forbidden)
    with pytest.raises(RunError, match=r"cannot write .*: Access Denied\. Is it"):
        check_url(Url("memory://out/a.tsv"))
