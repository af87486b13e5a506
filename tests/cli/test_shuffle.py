"""The command in this process, and in one of its own that is measured, killed or cut off."""

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wenlu.atomic import holding
from wenlu.cli.main import run
from wenlu.corpus.shuffling import Plan
from wenlu.corpus.shuffling.buckets import Bucket, Buckets
from wenlu.corpus.shuffling.sinks import FileSink

from .conftest import Cli, leftovers

pytest.importorskip("pyarrow")
pytest.importorskip("zstandard")
module = importlib.import_module("wenlu.corpus.shuffling.shuffle")

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
MEMORY = "256MB"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"第{number}行\n" for number in range(2000)), "utf-8")
    return path


@pytest.fixture
def two_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files go through the disk, too."""
    real = module.make_plan

    def small(*arguments: object, **flags: object) -> Plan:
        made = real(*arguments, **flags)
        return replace(made, whole=0, passes=2, bits=2, block=4096)

    monkeypatch.setattr(module, "make_plan", small)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert leftovers(tmp_path) == []


def test_says_what_it_plans_and_what_it_did(cli: Cli, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    said = cli("corpus", "shuffle", text, "--out", out, "--memory", "8GB")
    assert said.code == 0
    assert said.out == ""
    plan, done = said.err.splitlines()
    assert plan.startswith("1 file, 20.9 kB; 1 pass: all fits into memory; ")
    assert "at most 8.0 GB of memory, disk needed 20.9 kB" in plan
    assert done.startswith("2,000 lines, 20,890 bytes in ")
    assert sorted(out.read_bytes().splitlines()) == sorted(text.read_bytes().splitlines())
    assert out.read_bytes() != text.read_bytes()


@pytest.mark.usefixtures("two_passes")
def test_two_passes_as_json(cli: Cli, text: Path, tmp_path: Path) -> None:
    text.write_bytes(text.read_bytes()[:-1])
    out = tmp_path / "out.txt"
    said = cli("corpus", "shuffle", text, "--out", out, "--seed", 2**100, "--json")
    assert said.err == ""
    found = json.loads(said.out)
    assert found["records"] == 2000
    assert found["line_ends_added"] == [str(text)]
    assert (found["passes"], found["buckets"], found["seed"]) == (2, 4, 2**100)
    assert found["plan"]["bits"] == 2
    assert cli("corpus", "shuffle", text, "--out", tmp_path / "again", "--seed", 2**100).code == 0
    assert out.read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize("separator", [r"\r\n", r"\x0d\n"])
def test_separators_and_empty_lines(cli: Cli, text: Path, tmp_path: Path, separator: str) -> None:
    out = tmp_path / "out.txt"
    text.write_bytes(b"".join(b"%d\n\r\n\r\n" % number for number in range(9)))
    flags = ("--separator", separator, "--drop-empty", "--verify")
    said = cli("corpus", "shuffle", text, "--out", out, *flags)
    assert said.code == 0, said.err
    assert "9 empty lines were left out." in said.err
    assert sorted(out.read_bytes().split(b"\r\n"))[1:] == [b"%d\n" % number for number in range(9)]


@pytest.mark.parametrize(
    ("line", "code", "problem"),
    [
        ("--out {out}", 2, "give one or more files of text"),
        ("{text}", 2, "--out requires an argument"),
        ("{text} --out - --json", 2, "give --out FILE"),
        (r"{text} --out {out} --separator a\q", 2, "after a backslash comes n, r, t, 0, x"),
        ("{text} --out {out} --memory much", 1, "'much' is no amount of memory"),
        ("{text} --out {out} --memory 10MB", 1, "10.0 MB of memory is too little"),
        ("{text} --out {text}", 1, "is an input too"),
        ("{text} --out {out}/out", 1, "there is no folder"),
    ],
)
def test_what_does_not_work(
    cli: Cli, text: Path, tmp_path: Path, line: str, code: int, problem: str
) -> None:
    out = tmp_path / "out.txt"
    said = cli("corpus", "shuffle", *line.format(text=text, out=out).split())
    assert said.code == code
    assert problem in said.err
    assert not out.exists()


@pytest.mark.usefixtures("two_passes")
@pytest.mark.parametrize("where", ["buckets", "output", "long records"])
def test_a_full_disk_leaves_what_was_there(
    cli: Cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    out = tmp_path / "out.txt"
    out.write_text("earlier")
    if where == "long records":
        text.write_bytes(b"x" * 50_000)

    def full(*_: object) -> int:
        raise FULL

    if where == "output":
        monkeypatch.setattr(FileSink, "write", full)
    else:
        monkeypatch.setattr("wenlu.corpus.shuffling.buckets.write_at", full)
        monkeypatch.setattr("wenlu.corpus.shuffling.long_records.zlib.crc32", full)
    said = cli("corpus", "shuffle", text, "--out", out)
    assert said.code == 1
    assert os.strerror(errno.ENOSPC) in said.err
    assert "Traceback" not in said.err
    assert "Nothing was changed" in said.err
    assert out.read_text() == "earlier"


@pytest.mark.usefixtures("two_passes")
@pytest.mark.parametrize("where", [(Buckets, "add"), (Bucket, "read")])
def test_ctrl_c_in_each_pass(
    cli: Cli,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[type, str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*where, interrupt)
    said = cli("corpus", "shuffle", text, "--out", tmp_path / "out.txt")
    assert said.code == 130
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.usefixtures("two_passes")
def test_stopped_and_gone_on_with(
    cli: Cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wenlu.corpus.shuffling.resuming.LEAST", 1000)
    out, line = tmp_path / "out.txt", ("corpus", "shuffle", text, "--out", tmp_path / "out.txt")
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(Bucket, "read", interrupt)
        said = cli(*line)
    assert said.code == 130
    assert "2 passes, 4 buckets, and --resume goes on if it is stopped" in said.err
    assert "the same command with --resume goes on with it, and without it beg" in said.err
    assert not out.exists()
    said = cli(*line, "--resume", "--seed", 1)
    assert "had other seed; give the same, or leave out --resume" in said.err
    assert cli(*line, "--resume").code == 0
    resumed = out.read_bytes()
    assert cli(*line, "--resume").code == 0  # there is nothing any more: it begins
    assert out.read_bytes() == resumed
    assert (
        "leaves anything to resume" in cli("corpus", "shuffle", text, "--out", "-", "--resume").err
    )


def test_not_without_ray(
    cli: Cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = cli("corpus", "shuffle", text, "--out", tmp_path / "out.txt", "--engine", "ray")
    assert said.code == 1
    assert said.err == "error: --engine ray needs ray. Install it with: pip install 'wenlu[ray]'\n"


PROGRAM = """
import sys, time, importlib
from dataclasses import replace
from wenlu.cli.main import run
module = importlib.import_module("wenlu.corpus.shuffling.shuffle")
slow = sys.argv.pop(1)
if slow != "nothing":
    real = module.make_plan
    module.make_plan = lambda *a, **k: replace(
        real(*a, **k), whole=0, passes=2, bits=2, block=4096
    )
    name = {"reading": "_part", "writing": "_write_bucket"}[slow]
    before = getattr(module.LocalJob, name)
    def waits(*arguments):
        sys.stderr.write("here\\n")
        sys.stderr.flush()
        time.sleep(1)
        return before(*arguments)
    setattr(module.LocalJob, name, waits)
code = run(["corpus", "shuffle", *sys.argv[1:]])
with open("/proc/self/status") as status:
    peak = [line.split()[1] for line in status if line.startswith("VmHWM")]
print("peak", *peak, file=sys.stderr)
sys.exit(code)
"""


def program(*line: str | Path, slow: str = "nothing") -> list[str]:
    return [sys.executable, "-c", PROGRAM, slow, *map(str, line)]


@pytest.mark.parametrize("slow", ["reading", "writing"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ended_from_outside(text: Path, tmp_path: Path, slow: str, how: signal.Signals) -> None:
    out = tmp_path / "out.txt"
    with subprocess.Popen(
        program(text, "--out", out, slow=slow), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if "here" in said:
                break
        process.send_signal(how)
        process.stderr.read()
    assert process.returncode == (128 + how if how == signal.SIGTERM else -how)
    assert not out.exists()
    if how == signal.SIGKILL:  # only hidden files, of which none looks like the output
        left = leftovers(tmp_path)
        assert left
        assert [path.name for path in tmp_path.iterdir() if path.name not in left] == ["text.txt"]
        with holding(tmp_path / left[0]):  # somebody may be at work there
            assert run(["corpus", "shuffle", str(text), "--out", str(out)]) == 0
            assert leftovers(tmp_path)[:1] == left[:1]
        assert run(["corpus", "shuffle", str(text), "--out", str(out)]) == 0


def test_in_a_pipe(text: Path, tmp_path: Path, cli: Cli) -> None:
    cli("corpus", "shuffle", text, "--out", tmp_path / "out.txt", "--seed", 5)
    with text.open("rb") as file:
        done = subprocess.run(
            program("-", "--out", "-", "--seed", "5"),
            stdin=file,
            capture_output=True,
            check=True,
        )
    assert done.stdout == (tmp_path / "out.txt").read_bytes()
    assert b"of unknown size" in done.stderr


def test_the_reader_of_the_output_goes_away(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(b"0123456789abcde\n" * 100_000)
    with subprocess.Popen(
        program(text, "--out", "-", "--temp", tmp_path, slow="writing"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert "Traceback" not in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("kind", ["text", "empty lines", "short lines", "long lines", "one line"])
def test_memory_stays_in_its_bounds(tmp_path: Path, kind: str) -> None:
    text = tmp_path / "text.txt"
    with text.open("wb") as file:
        for part in range(50):
            if kind == "text":
                file.writelines(b"%d " % n + b"\xe6\x96\x87" * 900 + b"\n" for n in range(2000))
            elif kind == "empty lines":
                file.write(b"\n" * (10**7 // 50))
            elif kind == "short lines":
                file.write(b"a\nbc\n" * 60_000)
            else:
                file.write(b"%02d" % part * 3_000_000 + b"\n" * (kind == "long lines"))
    done = subprocess.run(
        program(text, "--out", tmp_path / "out.txt", "--memory", MEMORY),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peak = int(done.stderr.split("peak ")[1]) * 1024
    assert peak <= 256_000_000, done.stderr
    size = text.stat().st_size + (kind == "one line")
    assert (tmp_path / "out.txt").stat().st_size == size
    assert "2 passes" in done.stderr
    text.unlink()
    (tmp_path / "out.txt").unlink()


def test_a_small_disk(tmp_path: Path) -> None:
    """A file system with less room than the records take."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        big = tmp_path / "big.txt"
        big.write_bytes(b"0123456789abcde\n" * 100_000)
        said = subprocess.run(
            program(big, "--out", disk / "out.txt"), capture_output=True, text=True, check=False
        )
        assert said.returncode == 1
        assert "not enough room in" in said.stderr
        with big.open("rb") as file:  # of which it cannot be known how much it is
            piped = subprocess.run(
                program("-", "--out", disk / "out.txt"),
                stdin=file,
                capture_output=True,
                text=True,
                check=False,
            )
        assert piped.returncode == 1
        assert os.strerror(errno.ENOSPC) in piped.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
