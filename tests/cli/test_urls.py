"""Raw text that lies elsewhere: a web server, and a server that speaks S3, both on this machine."""

import gzip
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from wenlu.corpus.places import Url

from .conftest import Cli, leftovers, lines

pytest.importorskip("pyarrow")
pytest.importorskip("aiohttp")

CONTENTS = ["".join(f"第{part}部第{n}行，天气不错。\n" for n in range(900)) for part in range(3)]


class Quiet(SimpleHTTPRequestHandler):
    """Knows nothing of parts of files."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Some files, plain and compressed."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(CONTENTS[0], "utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress(CONTENTS[1].encode()))
    (folder / "c.txt").write_text(CONTENTS[2], "utf-8")
    return folder


@pytest.fixture
def web(here: Path) -> Iterator[str]:
    """The same on a web server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(here))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    one = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def bucket(server: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same on a server that speaks S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    system, _ = Url("s3://texts").system()
    system.mkdir("texts")
    for path in here.iterdir():
        system.put_file(str(path), f"texts/in/{path.name}")
    yield "s3://texts"
    system.rm("texts", recursive=True)
    system.invalidate_cache()


@pytest.fixture
def shuffled(cli: Cli, here: Path, tmp_path: Path) -> bytes:
    """What comes of the files on the disk."""
    out = tmp_path / "here.txt"
    assert cli("corpus", "shuffle", here, "--out", out, "--seed", 3).code == 0
    return out.read_bytes()


def read(url: str) -> bytes:
    with Url(url).open() as file:
        return file.read()


def test_shuffled_from_a_web_server(cli: Cli, web: str, shuffled: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    inputs = [f"{web}/{name}" for name in ("a.txt", "b.txt.gz", "c.txt")]
    said = cli("corpus", "shuffle", *inputs, "--out", out, "--seed", 3)
    assert said.code == 0, said.err
    assert out.read_bytes() == shuffled
    assert cli("corpus", "shuffle", f"{web}/d.txt", "--out", out).err == (
        f"error: {web}/d.txt: there is no such file\n"
    )
    said = cli("corpus", "shuffle", inputs[0], "--out", f"{web}/out.txt")
    assert "a web server can be read only" in said.err
    assert leftovers(tmp_path) == []


def test_shuffled_on_s3(cli: Cli, bucket: str, shuffled: bytes, tmp_path: Path) -> None:
    run = partial(cli, "corpus", "shuffle", "--seed", 3, "--temp", tmp_path)
    said = run(f"{bucket}/in/", "--out", f"{bucket}/out.txt", "--verify")
    assert said.code == 0, said.err
    assert read(f"{bucket}/out.txt") == shuffled
    assert run(f"{bucket}/in/*", "--out", f"{bucket}/out.txt.gz").code == 0
    assert gzip.decompress(read(f"{bucket}/out.txt.gz")) == shuffled
    said = run(f"{bucket}/in/", "--out", f"{bucket}/parts/{{}}.txt", "--shards", 3)
    assert said.code == 0, said.err
    assert b"".join(read(f"{bucket}/parts/{n}.txt") for n in range(3)) == shuffled
    system, _ = Url(bucket).system()
    assert not [path for path in system.find("texts") if ".tmp" in path]
    assert leftovers(tmp_path) == []

    said = run(f"{bucket}/in/", "--out", f"{bucket}/parts/{{}}.txt", "--shards", 3)
    assert "exists already and is not empty" in said.err
    said = run(f"{bucket}/out.txt", "--out", f"{bucket}/out.txt")
    assert "is an input too" in said.err
    said = run(f"{bucket}/in/", "--out", "s3://nowhere/out.txt")
    assert said.code == 1
    assert "cannot write s3://nowhere/out.txt: The specified bucket does not exist" in said.err
    said = run(f"{bucket}/in/d.txt", "--out", f"{bucket}/out.txt")
    assert said.err == f"error: {bucket}/in/d.txt: there is no such file\n"
    assert read(f"{bucket}/out.txt") == shuffled


def test_large_objects_are_sent_in_parts(
    cli: Cli, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wenlu.corpus.results._PART", 5 << 20)
    text = tmp_path / "large.txt"
    text.write_bytes(b"".join(b"%015d\n" % n for n in range(700_000)))
    run = partial(cli, "corpus", "shuffle", text, "--temp", tmp_path)
    said = run("--out", f"{bucket}/large.txt")
    assert said.code == 0, said.err
    run("--out", tmp_path / "here.txt")
    assert read(f"{bucket}/large.txt") == (tmp_path / "here.txt").read_bytes()


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
def test_counted_on_s3(cli: Cli, bucket: str, here: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"here{suffix}"
    assert cli("corpus", "count", here, "--out", out).code == 0
    url = f"{bucket}/words{suffix}"
    said = cli("corpus", "count", f"{bucket}/in/", "--out", url, "--temp", tmp_path)
    assert said.code == 0, said.err
    assert read(url) == out.read_bytes()
    assert leftovers(tmp_path) == []


def test_statistics_of_what_lies_elsewhere(cli: Cli, web: str, bucket: str, here: Path) -> None:
    found = [
        json.loads(cli("corpus", "stats", *places, "--json").out)
        for places in (
            [here],
            [f"{bucket}/in"],
            [f"{web}/{name}" for name in ("a.txt", "b.txt.gz", "c.txt")],
        )
    ]
    assert found[0]["lines"] == 2700
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("content", [lines([{"text": "天气不错"}] * 9), "天气不错\n" * 9])
def test_standard_input(content: str, tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    command = [sys.executable, "-m", "wenlu", "corpus"]
    subprocess.run(
        [*command, "count", "-", "--out", out, "--unit", "char"], input=content.encode(), check=True
    )
    assert out.read_text("utf-8") == "char\tcount\n不\t9\n天\t9\n气\t9\n错\t9\n"
    done = subprocess.run(
        [*command, "stats", "-", "--json"], input=content.encode(), check=True, capture_output=True
    )
    assert json.loads(done.stdout)["duplicates"] == 8
